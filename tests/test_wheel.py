"""The built wheel works from another folder, without the checkout."""

import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest

import tfgen
from tfgen.studies import STUDIES

ROOT = pathlib.Path(__file__).parent.parent
SOURCES = ["tfgen", "tfgen_cli.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"]

pytestmark = pytest.mark.trace


def run(*command, cwd):
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel, built from a source distribution of a copy, because a build writes beside its sources."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    run(sys.executable, "-m", "build", "--no-isolation", folder, cwd=folder)
    (path,) = (folder / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of a virtual environment that holds the wheel, and of this one all but the checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    paths = {"base": str(folder), "platbase": str(folder)}
    packages = pathlib.Path(sysconfig.get_path("purelib", "venv", vars=paths))
    # Folders named in a .pth file come after the environment's own, and .pth files in them, as an editable install's,
    # are not read.
    others = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (packages / "others.pth").write_text("".join(f"{path}\n" for path in sorted(others)))
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    return folder


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"tfgen-{tfgen.__version__}.dist-info/METADATA").decode()
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tfgen").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "tfgen/py.typed" in package and any(name.endswith("/report.html") for name in package)
    assert {name for name in names if ".dist-info/" not in name} == package | {"tfgen_cli.py"}
    assert any(name.endswith("/LICENSE") for name in names)
    assert "\nLicense-Expression: MIT\n" in metadata


def test_the_installed_command_runs_from_another_folder(installed, tmp_path):
    where = run(installed / "bin" / "python", "-c", "import tfgen; print(tfgen.__file__)", cwd=tmp_path)
    assert pathlib.Path(where.strip()).is_relative_to(installed)
    listed = run(installed / "bin" / "tfgen", "list", cwd=tmp_path)
    assert {model for presets in STUDIES.values() for model in presets} <= set(re.findall(r"\w+", listed))
