"""Two logical CPU devices, deterministic operations, one MirroredStrategy a session, toy data, and runs made once."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

worker = os.environ.get("PYTEST_XDIST_WORKER")
if worker:  # a core for each: two processes of two threads on two cores stand in each other's way
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})

import pathlib
import shutil

from tfgen import runs  # before TensorFlow, which reads what tfgen sets

# isort: split
import pytest
import tensorflow as tf
import tiny

import tfgen_cli
from benchmarks import replicas, report
from tfgen.models.base import GenerativeModel

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()],
)

# Training turns this on, for the rest of the process: here it is on from the start, so that no test's numbers depend on
# which ran before it. What relies on it: that a run gone on with equals one never stopped to the byte (test_resume,
# test_cli, benchmarks/kill.py), and that reports and t-SNE plots of the same run are equal.
tf.config.experimental.enable_op_determinism()


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test reads what another test, or the user, has left in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def two_replicas():
    """A second MirroredStrategy in one process breaks the collectives, so there is this one."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture(scope="session")
def toy():
    """64 random pictures; see `replicas.toy`."""
    return replicas.toy(64)


@pytest.fixture
def tiny_study():
    """The tests' own study is among the package's; see tiny.py."""
    with tiny.registered():
        yield


@pytest.fixture
def no_optimizers(monkeypatch):
    """Presets build their networks alone: an optimizer has two variables for each of theirs."""
    monkeypatch.setattr(GenerativeModel, "compile", lambda self, **optimizers: None)


def toy_choice(choice):
    """The choices of a run of 64 pictures of 16x16, 4 iterations an epoch of "train", and what differs from them."""
    sizes = {"image_size": 16, "examples": 64, "batch_size": 16, "epochs": 2}
    return sizes | choice | {"arguments": {"width": 1 / 8} | choice.get("arguments", {})}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Where the session keeps its runs: {study, model, choices as text: folder}."""
    return {}, tmp_path_factory.mktemp("finished")


@pytest.fixture
def finished(made):
    """finished(folder, study, model, ...) -> a Run as if trained for two epochs: weights as they begin, a history that
    is made up, three sheets. Each is made once a session and copied.
    """
    folders, kept = made

    def make(folder, study, model, iterations=8, **choice):
        choice = toy_choice(choice)
        key = repr((study, model, iterations, sorted(choice.items())))
        if key not in folders:
            folders[key] = report.untrained(kept / str(len(folders)), study, model, iterations, **choice).folder
        shutil.copytree(folders[key], folder, copy_function=shutil.copyfile)  # the last copied is the last trained
        return runs.Run.open(folder)

    return make


@pytest.fixture
def recorded():
    """recorded(folder, study, model, ...) -> a Run that has its record alone, as `finished` would write it."""

    def make(folder, study, model, iterations=8, **choice):
        return report.recorded(pathlib.Path(folder), study, model, iterations, **toy_choice(choice))

    return make


@pytest.fixture
def tfgen(capsys):
    """tfgen("train", "--model", "vae") -> (exit code, stdout, stderr)."""

    def command(*words):
        try:
            code = tfgen_cli.main(tfgen_cli.parse(["tfgen_cli.py", *map(str, words)]))
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return command


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window, driven over its own protocol."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs chromium and chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()
