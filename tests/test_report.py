"""The report: which runs it draws, what the page says, and how the page looks in a browser.

Which runs are chosen is a matter of their records; what becomes of a damaged or an unfinished one is tried on the
tests' own study; what a study's own figures make of a run, on that study.
"""

import base64
import hashlib
import html.parser
import io
import json
import pathlib
import re
import shutil

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from sentences import say

from tfgen import UserError, report, runs
from tfgen.figures import diagrams
from tfgen.report import webpage
from tfgen.scores import FORMAT
from tfgen.studies import ABOUT, EXPERIMENTS, STUDIES


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Runs and reports go to a temporary folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def draw_only(monkeypatch):
    """draw_only(study, model, file names): a model's report has these figures alone."""

    def leave_out(study, model, *names):
        figures = STUDIES[study][model].figures
        for name in [name for name in figures if name not in names]:
            monkeypatch.delitem(figures, name)

    return leave_out


def chosen(*folders):
    """{name of a figure's file: the folders of the runs it is drawn from} of a report on these folders, or all."""
    entries = report.entries(report.readable(folders)[0])
    return {name: [str(run.folder) for run in entry.runs] for entry in entries for name in entry.names}


class Page(html.parser.HTMLParser):
    """The pictures, ids, links and words of a page."""

    def __init__(self, path):
        super().__init__()
        self.images, self.ids, self.links, self.words, self.open = [], [], [], "", []
        self.feed(pathlib.Path(path).read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.open.append(tag)
        if tag == "img":
            self.images.append(attributes)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes["href"])

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "style" not in self.open:
            self.words += data


@pytest.mark.trace
def test_a_report_of_two_runs(tfgen, finished):
    vae, gan = finished("runs/vae-faces", "dlcv2018", "vae"), finished("runs/gan-faces", "dlcv2018", "gan")
    code, out, err = tfgen("report")
    assert code == 0, err
    drawn = {name for run in (vae, gan) for name in run.preset.figures} | {
        "dlcv2018_vae_networks.png",
        "dlcv2018_gan_networks.png",
        "dlcv2018_blur.jpg",
    }
    assert {path.name for path in pathlib.Path("report").iterdir()} == drawn | {"index.html"}
    assert (
        "report/index.html" in out and "missing fig3_2.jpg, fig3_3.jpg: python tfgen_cli.py train --model acgan" in out
    )
    page = Page("report/index.html")
    assert len(page.images) == len(drawn)
    for image in page.images:
        assert (
            image["src"].startswith("data:image/")
            and len(image["alt"]) > 30
            and int(image["width"])
            and int(image["height"])
        )
    assert len(set(page.ids)) == len(page.ids) and {link[1:] for link in page.links} <= set(page.ids)
    words = " ".join(page.words.split())
    for text in [
        ABOUT["dlcv2018"].title,
        "8 iterations, 2 epochs",
        "0:01:01",
        "faces, 64 pictures of 16x16",
        "by python tfgen_cli.py report.",
        vae.command(),
        gan.command(),
        "decoded from the mean code",
        "one sampled code per picture",
        "python tfgen_cli.py train --model acgan",
        "python tfgen_cli.py experiment dlcv2018/penalty",
        "evaluate runs/gan-faces",
        "python tfgen_cli.py reproduce pegasus",
    ]:
        assert text in words, text
    for said, right in ABOUT["dlcv2018"].slips:
        assert " ".join(said.replace("`", "").split()) in words and " ".join(right.replace("`", "").split()) in words
    text = pathlib.Path("report/index.html").read_text()
    assert not re.search(r"(src|href)=\"(?!data:|#)", text) and "://" not in re.sub(r"data:[^\"]*", "", text)


def test_the_page_links_the_explorer_of_a_run(tfgen, finished, tiny_study):
    finished("runs/my vae", "tiny", "vae")
    tfgen("report")
    assert "Play with this model" not in pathlib.Path("report/index.html").read_text()
    pathlib.Path("runs/my vae/explorer.html").write_text("a page")
    tfgen("report", "--out", "deep/report")
    text = pathlib.Path("deep/report/index.html").read_text()
    assert '<a href="../../runs/my%20vae/explorer.html">Play with this model in the browser</a>' in text


@pytest.mark.trace
def test_nothing_in_a_page_depends_on_when_it_was_made(tfgen, finished, tiny_study):
    finished("runs/vae", "tiny", "vae")
    first, again = ([tfgen("report"), pathlib.Path("report/index.html").read_bytes()] for _ in range(2))
    assert first[0][0] == 0 and first == again


def test_the_test_errors_are_measured_and_kept_scores_are_shown(tfgen, finished):
    run = finished("runs/vae", "dlcv2018", "vae")
    errors = run.preset.score.quick(run, run.model, "test")
    shown = report.trained(run)["numbers"]
    assert {name: value for name, (value, _) in shown.items()} == {
        name: f"{value:.4g}" for name, value in errors.items()
    }
    (run.folder / "scores.json").write_text(json.dumps({"format": FORMAT, "iteration": 8, "test_mse_mean_code": 0.125}))
    assert report.trained(run)["numbers"] == {
        "test_mse_mean_code": ("0.125", "mean squared error on the test set, decoded from the mean code")
    }
    (run.folder / "scores.json").write_text(
        json.dumps({"format": FORMAT, "iteration": 4, "test_mse_mean_code": 0.125})
    )  # of another checkpoint
    assert report.trained(run)["numbers"] == shown
    (run.folder / "scores.json").write_text(
        json.dumps({"format": FORMAT, "iteration": 8, "test_mse_mean_code": "small", "of_another_version": 1})
    )
    assert report.trained(run)["numbers"] == shown
    (run.folder / "scores.json").write_text("{")
    assert report.trained(run)["numbers"] == shown


def test_alike_takes_runs_of_the_same_data_and_size_that_were_trained_alike(recorded):
    right = recorded("runs/right", "dlcv2018", "wgan_gp")
    others = [
        recorded("runs/wide", "dlcv2018", "wgan_gp_faithful", arguments={"width": 1 / 4}),
        recorded("runs/long", "dlcv2018", "wgan_gp_faithful", epochs=3),
        recorded("runs/seeded", "dlcv2018", "wgan_gp_faithful", seed=7),
        recorded("runs/weighed", "dlcv2018", "wgan_gp_faithful", arguments={"gp_weight": 1.0}),
    ]
    assert report.alike("dlcv2018/penalty", [right, *others]) == {}
    faithful, again = (
        recorded("runs/faithful", "dlcv2018", "wgan_gp_faithful"),
        recorded("runs/again", "dlcv2018", "wgan_gp"),
    )
    assert report.alike("dlcv2018/penalty", [*others, faithful, again, right]) == {
        "dlcv2018_penalty.jpg": {"right": again, "faithful": faithful}
    }
    hint = recorded("runs/hint", "dlcv2018", "vae", arguments={"kl_weight": 1e-5, "kl_reduction": "sum"})
    plain, own = (
        recorded("runs/plain", "dlcv2018", "vae"),
        recorded("runs/own", "dlcv2018", "vae", arguments={"kl_weight": 0.3}),
    )
    assert report.alike("dlcv2018/kl_weight", [own, hint, plain]) == {
        "dlcv2018_kl_weight.jpg": {"1e-2, mean": plain, "1e-5, sum (the hint)": hint}
    }
    gan = recorded("runs/gan", "dlcv2018", "gan", epochs=3, arguments={"d_learning_rate": 1e-4})
    assert report.alike("dlcv2018/blur", [plain, gan]) == {
        "dlcv2018_blur.jpg": {"VAE": plain, "GAN": gan}
    }  # models differ in how they are trained well


def test_alike_has_a_figure_for_each_data_set(recorded):
    found = [
        recorded(f"runs/{data}{size}", "csi5340", "vae", dataset=data, arguments={"depth": 1, "latent_dim": size})
        for data in ("digits", "animals")
        for size in (2, 20)
    ]
    entries = {entry.names[0]: entry for entry in report.entries(found) if entry.model is None and entry.runs}
    assert {name: entry.runs for name, entry in entries.items()} == {
        "csi5340_vae.jpg": found[:2],
        "csi5340_vae_animals.jpg": found[2:],
    }
    assert entries["csi5340_vae_animals.jpg"].caption.endswith("On animals at 16x16.")


def test_an_experiments_runs_stand_behind_the_others(recorded):
    recorded("runs/gan-faces", "dlcv2018", "gan")
    recorded("runs/dlcv2018/some/variant", "dlcv2018", "gan", arguments={"adversarial": "hinge"})  # later, but deeper
    assert chosen()["fig2_3.jpg"] == ["runs/gan-faces"]


def test_figures_of_two_names_are_drawn_once(recorded):
    entries = report.entries([recorded("runs/infogan", "dlcv2018", "infogan")])
    assert [entry.names for entry in entries if entry.runs][:2] == [
        ["fig4_1.jpg", "fig4_01.jpg"],
        ["fig4_2.jpg", "fig4_02.jpg"],
    ]
    entry = next(entry for entry in entries if entry.runs)
    drawn = []
    entry.draw = lambda: drawn.append(Figure((1, 1))) or drawn[-1]
    report.draw(entry, pathlib.Path("."))
    assert len(drawn) == 1 and not entry.problem
    assert pathlib.Path("fig4_1.jpg").read_bytes() == pathlib.Path("fig4_01.jpg").read_bytes()


@pytest.mark.trace
def test_all_figures_are_drawn_one_after_the_other(finished, tiny_study):
    entries = report.entries([finished("runs/gan", "tiny", "gan")])
    drawn = []
    for entry in report.draw_all(entries, runs.make("out")):
        drawn += entry.names
        assert {path.name for path in pathlib.Path("out").iterdir()} == set(drawn) and entry.alt and not entry.problem
    assert drawn == [name for entry in entries if entry.runs for name in entry.names] and len(drawn) == 4


@pytest.mark.trace
def test_the_attribute_of_fig1_5(tfgen, finished, draw_only):
    draw_only("dlcv2018", "vae", "fig1_5.jpg")
    finished("runs/vae", "dlcv2018", "vae", examples=16)
    drawn = set()
    for words, attribute in (([], "Male"), (["--attribute", "Smiling"], "Smiling")):
        assert tfgen("report", "runs/vae", *words)[0] == 0
        assert f'alt="fig1_5.jpg. {attribute}: ' in pathlib.Path("report/index.html").read_text()
        drawn.add(pathlib.Path("report/fig1_5.jpg").read_bytes())
    assert len(drawn) == 2
    code, _, err = tfgen("report", "runs/vae", "--attribute", "Grinning")
    assert code == 2 and "fig1_5.jpg could not be drawn: faces/test has no attribute 'Grinning'" in err


def broken_checkpoint(run):
    (next(run.folder.glob("checkpoints/0*")) / "SHA256SUMS").write_text("")


def broken_history(run):
    (run.folder / "history.csv").write_text("iteration,d_loss\n1,nonsense\n")


def broken_sheets(run):
    (run.folder / "samples/0000008.png").write_bytes(b"")


def short_history(run):
    path = run.folder / "history.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]))


def strange_sheets(run):
    Image.new("L", (9, 9)).save(run.folder / "samples/0000004.png")
    Image.new("L", (9, 9)).save(run.folder / "samples/0000004 (copy).png")


def broken_record(run):
    (run.folder / "record.json").write_text("{")


@pytest.mark.trace
@pytest.mark.parametrize("damage, sentence, lost", [
    (broken_checkpoint, "no checkpoint in runs/bad/checkpoints is intact", {"samples"}),
    (broken_history, "history.csv cannot be read as a table of numbers", {"curves"}),
    (short_history, "some of the checkpoint's 8 iterations are missing", {"curves"}),
    (strange_sheets, "0000004.png differs in size from the other sheets", {"epochs"}),
    (broken_sheets, "0000008.png cannot be read as a picture", {"epochs"}),
    (broken_record, "runs/bad/record.json cannot be read", {"curves", "samples", "epochs", "networks"}),
])  # fmt: skip
def test_a_damaged_run_gets_a_sentence_and_the_rest_is_drawn(tfgen, finished, tiny_study, damage, sentence, lost):
    finished("runs/good", "tiny", "vae")
    damage(finished("runs/bad", "tiny", "gan"))
    code, out, err = tfgen("report")
    assert code == 2 and "Traceback" not in err
    assert sentence in err and sentence in " ".join(Page("report/index.html").words.split())
    drawn = {path.name for path in pathlib.Path("report").iterdir()}
    kinds = {"curves", "samples", "epochs", "networks"}
    assert {kind for kind in kinds if any(name.startswith(f"tiny_gan_{kind}") for name in drawn)} == kinds - lost
    assert {f"tiny_vae_{kind}" for kind in kinds} == {pathlib.Path(name).stem for name in drawn if "_vae_" in name}


@pytest.mark.trace
def test_an_unfinished_run_says_how_to_go_on(tfgen, finished, tiny_study):
    run = finished("runs/vae", "tiny", "vae", epochs=5)
    young = finished("runs/gan", "tiny", "gan", iterations=4)  # its epoch has 8
    _, out, _ = tfgen("report")
    words = " ".join(Page("report/index.html").words.split())
    assert f"runs/vae is at iteration 8 of 20: continue it with {run.command()}" in words
    assert f"missing tiny_gan_curves.jpg, tiny_gan_samples.jpg, tiny_gan_epochs.jpg: {young.command()}" in out


def test_a_run_that_has_just_begun_does_not_hide_a_finished_one(recorded):
    recorded("runs/a", "dlcv2018", "gan")
    recorded("runs/b", "dlcv2018", "gan", iterations=4)
    assert chosen()["fig2_2.jpg"] == chosen("runs/b", "runs/a")["fig2_2.jpg"] == ["runs/a"]
    assert chosen("runs/b")["fig2_2.jpg"] == []


@pytest.mark.trace
def test_named_runs_that_cannot_be_drawn_are_told_of(tfgen, finished, tiny_study):
    finished("a", "tiny", "gan")
    finished("b", "tiny", "gan")
    broken_record(finished("c", "tiny", "vae"))
    code, out, err = tfgen("report", "a", "b", "c")
    assert code == 2 and "tiny_gan_curves.jpg from a" in out
    assert (
        "left out: b is not shown: a is a run of the same model and takes precedence." in err
        and "c/record.json cannot be read" in err
    )
    d = finished("d", "tiny", "vae", arguments={"kl_weight": 1e-4})
    e = finished("e", "tiny", "vae")
    code, out, err = tfgen("report", d.folder, e.folder, d.folder)  # the two are compared
    assert code == 0 and err == "" and "tiny_weight.jpg from e, d" in out
    code, out, err = tfgen("report", "a", "--best")
    assert code == 2 and "a: a was trained without scores" in err
    code, _, err = tfgen("report", "c", "nowhere")
    assert code == 2 and "c/record.json cannot be read" in err


@pytest.mark.trace
def test_a_model_that_cannot_be_built_is_told_of_on_the_page(tfgen, finished, tiny_study, monkeypatch):
    finished("runs/good", "tiny", "gan")
    finished("runs/bad", "tiny", "vae")
    build = runs.Run.build
    monkeypatch.setattr(runs.Run, "build", lambda run: build(run) if run.folder.name == "good" else 1 / 0)
    code, out, err = tfgen("report")
    assert code == 2 and "tiny_gan_samples.jpg from" in out and "tiny_vae_samples.jpg could not be drawn" in err
    assert "Left out: runs/bad: " in Page("report/index.html").words


def test_the_page_tells_which_checkpoint_was_drawn(tfgen, finished, tiny_study):
    run = finished("runs/vae", "tiny", "vae")
    shutil.copytree(run.folder / "checkpoints/0000008", run.folder / "checkpoints/0000004")
    state = run.folder / "checkpoints/0000004/state.json"
    state.write_text(state.read_text().replace('"iteration": 8', '"iteration": 4'))
    sums = run.folder / "checkpoints/0000004/SHA256SUMS"
    sums.write_text(re.sub(r"\w{64}(?=  state.json)", hashlib.sha256(state.read_bytes()).hexdigest(), sums.read_text()))
    broken_checkpoint(run)
    assert tfgen("report")[0] == 0
    words = " ".join(Page("report/index.html").words.split())
    assert (
        "4 iterations, 1 epochs" in words
        and "has a newer checkpoint, of iteration 8, which is damaged or was written while the report was created"
        in words
    )


def test_a_figure_that_cannot_be_written_is_named_and_the_others_are_drawn(tfgen, finished, tiny_study):
    finished("runs/gan", "tiny", "gan")
    curves = "tiny_gan_curves.jpg"
    pathlib.Path("report", curves).mkdir(parents=True)
    code, out, err = tfgen("report")
    assert code == 2 and f"{curves} could not be drawn: report/{curves} cannot be written (Is a directory)" in err
    assert "tiny_gan_samples.jpg from" in out and pathlib.Path("report/index.html").exists()
    assert not list(pathlib.Path("report").glob(".*"))


def test_a_fault_in_one_figure_is_not_the_end_of_the_others(tfgen, finished, tiny_study, monkeypatch):
    finished("runs/gan", "tiny", "gan")
    monkeypatch.setattr(diagrams, "networks", lambda model: 1 // 0)
    code, out, err = tfgen("report")
    assert code == 2 and "tiny_gan_networks.png could not be drawn: ZeroDivisionError" in err
    assert "tiny_gan_samples.jpg from" in out


@pytest.mark.trace
@pytest.mark.parametrize(
    "study, model, examples",
    [
        ("dlcv2018", "vae", 7),
        ("digits", "vae", 3),
        ("pegasus", "acai", 3),
        ("pegasus", "vae", 1),
        ("sullivan2017", "vae", 2),
        ("csi5340", "vae", 9),
    ],
)
def test_sets_of_few_pictures(tfgen, finished, study, model, examples):
    """Each figure of a set of few pictures is laid out, or says in a sentence why it cannot be; so do the numbers."""
    run = finished("runs/few", study, model, examples=examples, batch_size=1, iterations=2 * examples)
    drawn = 0
    for entry in (entry for entry in report.entries([run]) if entry.runs):
        try:
            figure = entry.draw()
            if isinstance(figure, Figure):
                figure.draw_without_rendering()
            drawn += 1
        except UserError as error:
            say(error)
    few = (study, model) == ("pegasus", "vae")  # neither birds beside horses nor two that can be compared
    assert drawn == len(STUDIES[study][model].figures) + 1 - 8 * few
    problems = report.trained(run)["problems"]
    assert len(problems) == few and all("bug in tfgen" not in say(problem) for problem in problems)


def test_a_cgan_of_few_classes(tfgen, finished, draw_only):
    draw_only("digits", "cgan", "digits_cgan_curves.jpg", "digits_cgan_eights.jpg", "digits_cgan_interpolation.jpg")
    finished("runs/three", "digits", "cgan", only=["1", "3", "5"], arguments={"classes": 3})
    code, _, err = tfgen("report")
    assert code == 0 and "could not be drawn" not in err
    assert len(Page("report/index.html").images) == 4  # the curves, fives, one to five, and the networks


@pytest.mark.trace
def test_an_animation_moves(finished):
    run = finished("runs/gan", "digits", "gan")
    (entry,) = [entry for entry in report.entries([run]) if entry.names == ["digits_gan_training.gif"]]
    report.draw(entry, pathlib.Path("."))
    assert entry.alt == "Animation of 3 frames."
    with Image.open("digits_gan_training.gif") as picture:
        assert picture.n_frames == 3 and picture.info["loop"] == 0  # their iterations differ, if nothing else
        last = np.asarray([picture.seek(2), picture.convert("RGB")][1], float)
    uri, still, *size = webpage.embed(pathlib.Path("digits_gan_training.gif"))
    for text, frames in ((uri, 3), (still, 1)):
        with Image.open(io.BytesIO(base64.b64decode(text.split(",")[1]))) as picture:
            assert (picture.format, picture.n_frames, list(picture.size)) == ("WEBP", frames, size)
            if frames == 1:
                assert np.abs(np.asarray(picture.convert("RGB"), float) - last).mean() < 12


@pytest.mark.trace
def test_a_comparison_is_of_the_runs_it_names(finished):
    found = [
        finished(f"runs/{i}", "csi5340", "vae", arguments={"depth": depth, "latent_dim": size})
        for i, (depth, size) in enumerate([(1, 2), (1, 20), (2, 2)])
    ]
    (entry,) = [entry for entry in report.entries(found) if entry.names == ["csi5340_vae.jpg"]]
    assert entry.runs == found
    assert len(entry.draw().axes) == 2


@pytest.mark.parametrize("study", STUDIES)
def test_every_experiment_has_a_caption_and_every_model_a_sentence(study):
    for model, preset in STUDIES[study].items():
        assert preset.build.__doc__.split("\n")[0].endswith("."), model
        assert all(plot.caption.endswith(".") and len(plot.caption) > 30 for plot in preset.figures.values())
    assert all(experiment.caption.endswith(".") for experiment in EXPERIMENTS.values())


# In a browser
# ---------------------------------------------------------------------------------------------------------------------


def look(browser, path, width, dark=False):
    """Opens a page at a width in CSS pixels; returns what is wrong with it."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]},
    )
    browser.get_log("browser")
    browser.get(pathlib.Path(path).resolve().as_uri())
    wrong = browser.execute_script(
        """
        const wrong = [];
        const wide = document.documentElement.scrollWidth;
        if (wide > arguments[0]) wrong.push(`the page is ${wide} wide`);
        for (const image of document.images) {
          if (!image.complete || !image.naturalWidth) wrong.push(`broken: ${image.alt}`);
          if (!image.alt) wrong.push("a picture without a text");
        }
        for (const element of document.querySelectorAll("body *")) {
          const box = element.getBoundingClientRect();
          if (box.right > arguments[0] + 1 && !element.closest(".scroll"))
            wrong.push(`${element.tagName} reaches to ${box.right}`);
        }
        return wrong;
    """,
        width,
    )  # a phone's innerWidth grows with what is too wide
    return wrong + [entry["message"] for entry in browser.get_log("browser")]


def contrast(browser):
    """The least contrast of text to the page's background, as WCAG 2 defines it."""
    colours = browser.execute_script("""
        const paper = getComputedStyle(document.body).backgroundColor;
        const texts = document.querySelectorAll("body, a, .dim, .command, code, summary");
        return [paper, ...[...texts].map(element => getComputedStyle(element).color)];
    """)

    def luminance(text):
        values = np.array([int(v) for v in re.findall(r"\d+", text)[:3]]) / 255
        return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    paper, *texts = map(luminance, colours)
    return min((max(paper, text) + 0.05) / (min(paper, text) + 0.05) for text in texts)


@pytest.mark.trace
def test_the_page_in_a_browser(browser, tfgen, finished):
    finished("runs/vae-faces", "dlcv2018", "vae")
    finished("runs/gan-faces", "dlcv2018", "gan")
    finished("runs/digits-cgan-digits", "digits", "cgan")
    broken_history(finished("runs/digits-vae-digits", "digits", "vae"))
    assert tfgen("report")[0] == 2
    for width in (1280, 390):
        for dark in (False, True):
            assert look(browser, "report/index.html", width, dark) == []
            assert contrast(browser) > 4.5
    # A page with a fault is found out.
    text = pathlib.Path("report/index.html").read_text()
    pathlib.Path("report/wrong.html").write_text(
        text.replace("</header>", '<img src="nowhere.png" alt="x"><div style="width: 2000px">x</div></header>')
    )
    wrong = " ".join(look(browser, "report/wrong.html", 390))
    assert (
        "broken: x" in wrong
        and "DIV reaches to 20" in wrong
        and "the page is 20" in wrong
        and "Content Security Policy" in wrong
    )


@pytest.mark.trace
def test_printed_the_page_has_its_layers_folded(browser, tfgen, finished, draw_only):
    """A table of layers that the reader has opened is printed, and no other: each takes a sheet or more."""
    draw_only("dlcv2018", "gan", "fig2_2.jpg")
    finished("runs/gan", "dlcv2018", "gan")
    assert tfgen("report")[0] == 0
    browser.get(pathlib.Path("report/index.html").resolve().as_uri())
    sheets = []
    for opened in ("false", "true"):
        browser.execute_script(f"document.querySelectorAll('details').forEach(one => one.open = {opened})")
        printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
        sheets.append(len(re.findall(rb"/Type\s*/Page\b", printed)))
    assert sheets[0] + 1 <= sheets[1]


@pytest.mark.slow
def test_the_page_of_all_studies(browser, tfgen, finished):
    for study, presets in STUDIES.items():
        for model, preset in presets.items():
            several = preset.defaults().get("d_steps", 1) > 1  # a step takes as many batches of the 64 pictures
            finished(f"runs/{study}-{model}", study, model, **{"batch_size": 12} if several else {})
    code, out, err = tfgen("report")
    assert code == 0, err
    assert all(
        f"report/{name} from" in out
        for presets in STUDIES.values()
        for preset in presets.values()
        for name in preset.figures
    )
    page = pathlib.Path("report/index.html")
    assert page.stat().st_size < 10_000_000
    for width in (1280, 390):
        assert look(browser, page, width) == []
