"""What CONTRIBUTING.md says holds: its files, targets and links exist, and its examples fit the code."""

import ast
import copy
import dataclasses
import importlib
import pathlib
import re
import sys
import textwrap
import types
import warnings

import pytest

import tfgen

ROOT = pathlib.Path(__file__).parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
PROSE = re.sub(r"```python\n.*?```", "", CONTRIBUTING, flags=re.S)
PATHS = sorted(set(re.findall(r"`((?:[\w.-]+/)*[\w.-]+(?:\.(?:py|md|txt|toml|cfg)|/)|\.ci/run)`", PROSE)))
LINKS = sorted(set(re.findall(r"\]\(((?!http)[^)#]+)\)", CONTRIBUTING + README)))
# "# FILE" or "# FILE, in NAME", then the code that goes there.
EXAMPLES = re.findall(r"```python\n# ([\w/]+\.py)(?:, in (\S+))?\n(.*?)```", CONTRIBUTING, re.S)


@pytest.mark.parametrize("path", PATHS)
def test_paths_exist(path):
    assert (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file()


@pytest.mark.parametrize("path", LINKS)
def test_links_lead_somewhere(path):
    assert (ROOT / path).exists()


def test_make_targets_exist():
    targets = set(re.findall(r"^(\w+):", MAKEFILE, re.M))
    named = set(re.findall(r"(?:`|^)make (\w+)", CONTRIBUTING, re.M))
    assert {"env", "check", "test", "quality"} <= named <= targets


def test_every_target_is_listed_by_make_alone():
    rules = re.findall(r"^(\w+):(.*)", MAKEFILE, re.M)
    assert rules[0][0] == "help"
    assert all("## " in rule for _, rule in rules)


def test_every_recipe_has_an_example_and_at_most_two_files_of_the_package():
    (recipes,) = re.findall(r"## How to add something\n(.*?)\n## ", CONTRIBUTING, re.S)
    sections = dict(re.findall(r"### A ([\w ]+)\n(.*?)(?=\n### |\Z)", recipes, re.S))
    assert set(sections) == {
        "loss",
        "model",
        "preset",
        "data layout",
        "figure",
        "score",
        "training setting",
        "command",
    }
    for name, text in sections.items():
        files = {path for path, _, _ in re.findall(r"```python\n# (([\w/]+\.py))(.*)", text)}
        assert 1 <= len(files) <= 2, name


def parts(code, entries=False):
    """The parts of a piece of code in which layout does not matter: statements, single imports, entries of dicts."""
    tree = ast.parse(f"{{\n{code}}}" if entries else code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from (ast.dump(key) + ast.dump(value) for key, value in zip(node.keys, node.values) if key)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module} {ast.dump(name)}" for name in node.names)
        elif isinstance(node, ast.stmt) and not (entries and isinstance(node, ast.Expr)):
            yield ast.dump(node)


def test_parts_of_code_are_compared_without_their_layout():
    file = 'from a import b, c\n\nD = {"x": f(1, g=2), "y": 3}\n\n\nclass E:\n    n: int = 3  # as in the paper\n'
    for code, entries in [("from a import c\n", 0), ('"x": f(\n    1,\n    g=2,\n),\n', 1), ("n: int = 3\n", 0)]:
        assert set(parts(code, entries)) <= set(parts(file)), code
    for code, entries in [("from a import d\n", 0), ('"x": f(1, g=3),\n', 1), ("n: int = 4\n", 0), ('"z": 3,\n', 1)]:
        assert not set(parts(code, entries)) <= set(parts(file)), code


def names(code):
    """The names that the statements of a piece of code define."""
    for node in ast.parse(code).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets)


def test_examples_fit_the_code(monkeypatch):
    """Each example is executed as if it stood in its file; those of new files can be imported by later ones.

    An example that was added to its file is not executed again. Other code of the same name is an error.
    """
    namespaces = {}
    assert len(EXAMPLES) >= CONTRIBUTING.count("```python\n") > 8
    for path, place, code in EXAMPLES:
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if path not in namespaces and (ROOT / path).exists():
            own = vars(importlib.import_module(name))
            namespaces[path] = {
                key: copy.copy(value) if isinstance(value, dict) else value for key, value in own.items()
            }
        elif path not in namespaces:
            module = types.ModuleType(name)
            monkeypatch.setitem(sys.modules, name, module)
            namespaces[path] = vars(module)
        namespace, title = namespaces[path], f"CONTRIBUTING.md: {path}"
        target = eval(place, namespace) if place else None
        file = ROOT / path
        if file.exists() and set(parts(code, isinstance(target, dict))) <= set(parts(file.read_text())):
            continue
        if isinstance(target, dict):
            entry = eval(compile(f"{{\n{code}}}", title, "eval"), namespace)
            assert not entry.keys() & target.keys(), f"{path} has another entry of this name"
            assert {type(value) for value in entry.values()} == {type(value) for value in target.values()}
        elif isinstance(target, type):
            body = textwrap.indent(code, "    ")
            exec(f"@dataclasses.dataclass(frozen=True)\nclass Extended({place}):\n{body}", namespace)
            assert len(dataclasses.fields(namespace["Extended"]())) == len(dataclasses.fields(target)) + 1
        elif target is not None:  # the body of a function
            assert callable(target)
            compile(code, title, "exec")
        else:
            assert not set(names(code)) & namespace.keys(), f"{path} has other code of this name"
            exec(compile(code, title, "exec"), namespace)


def test_the_citation_is_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {tfgen.__version__}\n" in citation
    assert f"\n## [{tfgen.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_warnings_of_our_own_code_are_errors():
    def warn(module, category=UserWarning):
        warnings.warn_explicit("look out", category, "file.py", 1, module=module)

    for module in ("tfgen.models.gan", "tfgen_cli", "test_models", "conftest"):
        for category in (UserWarning, DeprecationWarning):
            with pytest.raises(category, match="look out"):
                warn(module, category)
    with pytest.warns(UserWarning, match="look out"):
        warn("numpy.core")
