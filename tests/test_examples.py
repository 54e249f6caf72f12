"""The files in examples/ run as they are, from another folder."""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.trace
EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


def run(name, folder, *words):
    environment = {"PYTHONPATH": str(EXAMPLES.parent), "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "2", "HOME": str(folder)}
    command = [sys.executable, str(EXAMPLES / name), *map(str, words)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_own_pictures_in_a_folder(tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "mine").mkdir()
    for i in range(64):
        Image.fromarray(random.integers(0, 256, (40, 48, 3), np.uint8)).save(tmp_path / "mine" / f"{i}.png")
    run("own_pictures.py", tmp_path, "mine", 1)
    with Image.open(tmp_path / "own_pictures.png") as sheet:
        assert sheet.size == (8 * 32, 32) and np.asarray(sheet).std() > 1
    assert int(keras.models.load_model(tmp_path / "own_pictures.keras").step) == 2


def test_own_loss_and_model(tmp_path):
    out = run("own_model.py", tmp_path, 1)
    assert "60 steps; pictures (4, 16, 16, 1) from 0." in out and "r1" in out


def test_they_are_as_short_as_promised():
    assert len((EXAMPLES / "own_pictures.py").read_text().splitlines()) <= 25
    assert len((EXAMPLES / "own_model.py").read_text().splitlines()) <= 66
