"""Runs side by side: what is shown, what is marked as best, and what is measured again."""

import csv
import json
import pathlib
import re

import pytest
from sentences import say

from tfgen import UserError, commands, comparison, scores
from tfgen.comparison import Cell

SAMPLES = {"pictures": 16.0, "frechet": 20.0, "frechet_deviation": 1.0, "recall": 0.4, "recall_deviation": 0.05,
           "nearest": 1.1, "nearest_deviation": 0.01, "frechet_gaussian": 30.0, "recall_gaussian": 0.2,
           "frechet_untrained": 900.0}  # fmt: skip


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def score_of(run, **changes):
    """Writes numbers as `evaluate` would have."""
    numbers = dict.fromkeys(run.preset.score.meanings, 0.5) | SAMPLES | changes
    (run.folder / scores.SCORES).write_text(json.dumps({"format": scores.FORMAT, "iteration": run.iteration} | numbers))
    return numbers


def test_the_best_is_marked_where_the_intervals_allow_it(finished):
    runs = [finished(f"r{i}", "dlcv2018", "gan") for i in range(3)]
    better = {"frechet": 10.0, "recall": 0.45}  # 10 away at deviations of 1, .05 at deviations of .05
    table = comparison.table(runs, [SAMPLES, SAMPLES | better, SAMPLES | {"frechet": 21.0, "nearest": 0.2}])
    assert [cell.best for cell in table.rows["frechet"][:3]] == [False, True, False]
    assert not any(cell.best for name in ("recall", "nearest") for cell in table.rows[name][:3])
    assert table.rows["frechet"][1].text == "10 (8.04 to 12)" and "better than every other run" in table.notes[0]
    close = comparison.table(runs[:2], [SAMPLES, SAMPLES | {"frechet": 17.5}])  # sqrt(2) * 1.96 = 2.77
    assert not any(cell.best for cell in close.rows["frechet"] if cell)
    apart = comparison.table(runs[:2], [SAMPLES, SAMPLES | {"frechet": 17.0}])
    assert [cell.best for cell in apart.rows["frechet"][:2]] == [False, True]


def test_intervals_of_shares_are_shares(finished):
    run = finished("r", "dlcv2018", "gan")
    names = ["recall", "precision", "coverage"]
    numbers = SAMPLES | {"pictures": 100.0} | {f"{name}_deviation": 0.0 for name in names}
    numbers |= {"recall": 0.0, "precision": 1.0, "coverage": 0.9, "coverage_deviation": 0.15}
    row = comparison.table([run], [numbers]).rows
    # Of 0 in n, Wilson's upper limit is z^2 / (n + z^2).
    assert row["recall"][0].low == pytest.approx(0, abs=1e-12) and row["recall"][0].high == pytest.approx(
        1.96**2 / (100 + 1.96**2), rel=1e-4
    )
    assert row["precision"][0].high == pytest.approx(1) and row["precision"][0].low == pytest.approx(
        100 / (100 + 1.96**2), rel=1e-4
    )
    assert 0.4 < row["coverage"][0].low < 0.9 < row["coverage"][0].high < 1
    many = numbers | {"pictures": 1e6, "coverage": 0.5, "coverage_deviation": 0.001}  # then it is the usual one
    cell = comparison.table([run], [many]).rows["coverage"][0]
    assert (cell.low, cell.high) == pytest.approx((0.5 - 0.00196, 0.5 + 0.00196), abs=1e-5)


def test_rivals_of_the_data_have_columns_and_no_rows(finished):
    runs = [finished(f"r{i}", "dlcv2018", "gan") for i in range(2)]
    table = comparison.table(runs, [SAMPLES, SAMPLES])
    assert table.names == ["r0", "r1", "gaussian"] and table.rows["frechet"][2] == Cell(30.0)
    assert not {"frechet_gaussian", "frechet_deviation", "frechet_untrained"} & table.rows.keys()
    assert table.rows["parameters"][0].value == sum(runs[0].model.parameters().values())
    assert table.rows["pictures seen"][0].value == 128 and table.rows["parameters"][2] is None


def test_runs_on_different_pictures_are_not_compared(finished):
    runs = [finished("r0", "dlcv2018", "gan"), finished("r1", "dlcv2018", "gan", dataset="digits")]
    table = comparison.table(runs, [SAMPLES, SAMPLES | {"frechet": 1.0}])
    assert table.names == ["r0", "r1"] and not any(cell.best for cell in table.rows["frechet"])
    assert any("are of different pictures" in note for note in table.notes)


def test_runs_with_and_without_the_test_set_are_compared(finished):
    """As the GANs of the homework and those of the other studies; the note says which have seen the test set."""
    runs = [finished("r0", "dlcv2018", "gan"), finished("r1", "dlcv2018", "gan", split="train")]
    table = comparison.table(runs, [SAMPLES, SAMPLES | {"frechet": 1.0}])
    assert [cell.best for cell in table.rows["frechet"][:2]] == [False, True]
    assert "Trained on the training and the test set together, so scored on pictures seen: r0." in table.notes


def test_the_command_writes_a_table_and_a_csv(tfgen, finished):
    for i in range(2):
        score_of(finished(f"r{i}", "dlcv2018", "gan"), frechet=20.0 - 10 * i)
    code, out, err = tfgen("compare", "r0", "r1", "--out", "table.csv")
    assert code == 0, err
    lines = {line.split("  ")[0]: line for line in out.splitlines()}
    assert (
        "r0" in lines[""] and "gaussian" in lines[""] and re.search(r"10 \(8.04 to 12\) \* +0.5 +30 ", lines["frechet"])
    )
    with pathlib.Path("table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == ["r0", "r1", "pixels", "gaussian", "pca", "copies"]
    assert float(rows[1]["frechet"]) == 10 and float(rows[1]["frechet_low"]) == pytest.approx(8.04)
    assert rows[3]["frechet"] == "30.0" and rows[3]["frechet_low"] == rows[3]["model"] == ""


@pytest.mark.parametrize("words, sentence", [
    (["r", "--out", "table.txt"], "--out table.txt cannot be written: expected the name of a .csv file"),
    (["r", "--out", "nowhere/table.csv"], "in an existing folder"),
    (["nothing"], "nothing is not a run"),
    (["r", "--out", "mine.csv"], "mine.csv exists and is not a table of `compare`: choose another --out"),
])  # fmt: skip
def test_mistakes(tfgen, finished, words, sentence):
    finished("r", "dlcv2018", "gan")
    pathlib.Path("mine.csv").write_text("name,value\n")
    code, out, err = tfgen("compare", *words)
    assert code == 2 and sentence in err and out == "", say(err)
    assert pathlib.Path("mine.csv").read_text() == "name,value\n"


@pytest.mark.trace
def test_what_was_not_measured_is_measured(tiny_study, tfgen):
    import tiny

    for seed in range(2):
        assert tfgen("train", "--model", "vae", *tiny.TOY, "--seed", seed, "--run", f"r{seed}")[0] == 0
    table = commands.compare(["r0", "r1"])
    for i in range(2):
        kept = json.loads(pathlib.Path(f"r{i}", scores.SCORES).read_text())
        assert table.rows["test_mse_mean_code"][i].value == kept["test_mse_mean_code"]
    with pytest.raises(UserError, match="r0 was trained without scores"):
        commands.compare(["r0"], best=True)


def test_the_page_compares_runs_on_the_same_pictures(tfgen, finished):
    for i, model in enumerate(("gan", "wgan_gp")):
        score_of(finished(f"runs/{model}", "dlcv2018", model), frechet=20.0 - 10 * i)
    assert tfgen("report")[0] == 0
    page = pathlib.Path("report/index.html").read_text()
    assert "Runs on faces, 16x16, compared" in page and "<strong>10 (8.04 to 12)</strong>" in page
