"""Imports flow one way, and the command line answers without TensorFlow."""

import ast
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
# From the ground up. A module may import from its own floor's folder and from lower floors.
FLOORS = [
    ["tfgen"],
    ["program", "settings"],
    ["data", "flags"],
    ["networks"],
    ["losses", "noise", "optimizers"],
    ["models"],
    ["latents", "metrics", "protocols"],
    ["figures", "scores"],
    ["studies"],
    ["runs"],
    ["training"],
    ["comparison"],
    ["report", "export", "sampling"],
    ["explorer"],
    ["commands"],
    ["tfgen_cli"],
]
HEAVY = ("tensorflow", "keras", "numpy", "sklearn", "matplotlib")
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}


def imported(path):
    """Names of the tfgen modules a file imports, as the first part below the package."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "tfgen":
                yield parts[1] if len(parts) > 1 and parts[1] in FLOOR else "tfgen"


# The package itself exports from all floors, lazily; that `import tfgen` imports nothing heavy is a test below.
FILES = [ROOT / "tfgen_cli.py", *sorted({*(ROOT / "tfgen").rglob("*.py")} - {ROOT / "tfgen" / "__init__.py"})]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_flow_downwards(path):
    place = path.relative_to(ROOT if path.parent == ROOT else ROOT / "tfgen").parts[0].removesuffix(".py")
    assert place in FLOOR, f"{place} has no floor yet"
    for name in imported(path):
        assert FLOOR[name] < FLOOR[place] or name == place, f"{path.name} imports {name} from above"


def test_the_command_line_calls_commands_and_nothing_below():
    assert set(imported(ROOT / "tfgen_cli.py")) == {"commands", "flags", "program", "settings"}


@pytest.mark.parametrize("name", ["UserError", "settings", "flags", "program", "commands"])
def test_what_help_needs_imports_nothing_heavy(name):
    done = python(f"import sys; from tfgen import {name}; print([m for m in {HEAVY} if m in sys.modules])")
    assert done.stdout == "[]\n", done.stderr


def test_commands_print_nothing_and_know_no_argparse():
    tree = ast.parse((ROOT / "tfgen" / "commands.py").read_text())
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "train" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert not {"argparse", "sys"} & names and "print" not in calls


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )


def test_help_does_not_import_tensorflow():
    done = python(
        "import sys, tfgen_cli\ntry: tfgen_cli.parse(['tfgen_cli.py', 'train', '--help'])\nexcept SystemExit: pass\n"
        f"print('heavy:', [m for m in {HEAVY} if m in sys.modules])"
    )
    assert "--model" in done.stdout and "heavy: []" in done.stdout


def test_another_backend_is_refused_in_a_sentence():
    done = python("import tfgen", KERAS_BACKEND="jax")
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert "needs Keras with the TensorFlow backend" in said and "the Keras backend is 'jax'" in said


def test_the_command_line_says_so_too():
    done = subprocess.run(
        [sys.executable, "tfgen_cli.py", "list"],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "Keras backend is 'torch'" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("name, value", [
    ("image_data_format", "channels_first"), ("floatx", "float16"), ("floatx", "float64"), ("epsilon", 1e-3),
])  # fmt: skip
def test_other_settings_of_keras_are_refused_in_a_sentence(tmp_path, name, value):
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax", name: value}))
    done = python("import tfgen", KERAS_HOME=str(tmp_path))
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert f"tfgen needs {name} " in said and f"{tmp_path / 'keras.json'} says {value!r}" in said
    done = subprocess.run(
        [sys.executable, "tfgen_cli.py", "list"],
        cwd=ROOT,
        env=os.environ | {"KERAS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert f"says {value!r}" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "text", ["{}", "[]", "not JSON", '{"floatx": "float32", "image_data_format": "channels_last"}']
)
def test_settings_of_keras_that_do(tmp_path, text):
    (tmp_path / "keras.json").write_text(text)
    done = python("import sys, tfgen; print([m for m in sys.modules if m == 'keras'])", KERAS_HOME=str(tmp_path))
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.trace
def test_settings_of_a_keras_that_is_imported_already():
    code = "import keras; keras.config.set_image_data_format({!r}); import tfgen"
    assert python(code.format("channels_last")).returncode == 0
    assert "needs image_data_format 'channels_last'" in python(code.format("channels_first")).stderr
