"""Every command of the README and of docs/ is one that the command line takes, and every picture is there."""

import pathlib
import re
import shlex

import pytest

import tfgen_cli

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = "\n".join(page.read_text() for page in PAGES)
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()]
INLINE = re.findall(r"`((?:train --(?:model|study) [a-z]|(?:experiment|reproduce) [a-z])[^`]*)`", README)


@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if "tfgen_cli.py" in c] + [f"python tfgen_cli.py {words}" for words in INLINE]
)
def test_commands_parse(command):
    words = shlex.split(command)
    arguments = tfgen_cli.parse(words[words.index("python") + 1 :])  # TF_CONFIG=... may stand before it
    assert callable(arguments.command)
    if hasattr(arguments, "model"):
        from tfgen.studies import find

        find(arguments.study, arguments.model).convert(arguments.extra)


def test_make_targets_exist():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)
    named = {
        word
        for line in [*COMMANDS, *re.findall(r"`(make [^`]*)`", README)]
        if line.startswith("make")
        for word in line.split()[1:2]
    }
    assert {"demo", "test", "quality"} <= named <= set(targets)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\((?:\.\./)?(assets/[^)]*)\)", README))))
def test_pictures_are_there_and_small(path):
    assert 0 < (ROOT / path).stat().st_size < (10_000_000 if path.endswith(".html") else 1_000_000)


SCRIPTS = README + "".join((ROOT / name).read_text() for name in (".ci/run", "CONTRIBUTING.md", "Makefile"))


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"\b(?:assets|benchmarks|examples)/\w+\.(?:py|sh|ipynb)\b", SCRIPTS)))
)
def test_scripts_that_are_called_exist(path):
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for path in re.findall(r"\]\(((?!http)[^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / path).exists(), path


def test_every_page_is_in_the_navigation():
    site = (ROOT / "mkdocs.yml").read_text()
    assert all(f"- {page.name}\n" in site for page in PAGES[1:])
