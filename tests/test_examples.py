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


def test_the_notebook_runs_from_start_to_end(tmp_path):
    """With fewer pictures and passes: what is tested is that every cell runs."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(EXAMPLES / "quickstart.ipynb", 4)
    assert len(notebook.cells) == 15 and not any(cell.get("outputs") for cell in notebook.cells)
    for cell in notebook.cells:
        cell.source = cell.source.replace("examples=2048, epochs=4", "examples=256, epochs=2, width=1 / 8")
        cell.source = cell.source.replace("paint(0, 1024", "paint(0, 128")
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    texts = [out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any("frechet_joint" in text for text in texts) and any("explorer.html" in text for text in texts)
    assert (tmp_path / "runs" / "quickstart" / "explorer.html").exists()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of examples/serve.py with an exported autoencoder, whose pictures are 16x16."""
    import socket
    import time
    import urllib.request

    import tiny

    from tfgen.export import endpoints

    folder = tmp_path_factory.mktemp("served")
    endpoints.write(tiny.vae((16, 16, 3)), folder / "model")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(EXAMPLES / "serve.py"), str(folder / "model"), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/sample", timeout=5).read()
            break
        except OSError:
            assert process.poll() is None
            time.sleep(0.5)
    yield address
    process.terminate()
    process.wait()


def test_a_served_model_answers(served):
    import io
    import urllib.error
    import urllib.request

    def picture(answer):
        with Image.open(io.BytesIO(answer.read())) as image:
            return np.asarray(image)

    first, again, other = (picture(urllib.request.urlopen(f"{served}/sample?n=3&seed={seed}")) for seed in (7, 7, 8))
    assert first.shape == (16, 48, 3)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    body = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(body, "PNG")
    assert picture(urllib.request.urlopen(f"{served}/reconstruct", data=body.getvalue())).shape == (16, 16, 3)
    for path, data in (("sample?n=0", None), ("sample?n=many", None), ("reconstruct", b"no picture")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{served}/{path}", data=data)
        assert refused.value.code == 400
