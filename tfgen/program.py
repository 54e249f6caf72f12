"""The program that runs: the command as the user typed it, for messages and the commands in them, and its start."""

import contextlib
import os
import pathlib
import shlex
import sys
from collections.abc import Iterator

_script = "tfgen"


def typed(script: str) -> None:
    """Keeps the first word of the command line: the installed `tfgen`, or a checkout's tfgen_cli.py."""
    global _script
    _script = script


def name() -> str:
    """What messages on stderr begin with: tfgen or tfgen_cli.py."""
    return pathlib.Path(_script).name


def command(*words: object) -> str:
    """A command line that can be pasted into a shell: the program, then these words, quoted where they need it."""
    start = ["python", _script] if _script.endswith(".py") else [name()]
    return shlex.join([*start, *map(str, words)])


def tell(sentence: str) -> None:
    """Prints a sentence for the user on stderr, above a progress bar if there is one."""
    from tqdm import tqdm

    tqdm.write(f"{name()}: {sentence}", file=sys.stderr)


def start_tensorflow() -> None:
    """Imports TensorFlow and lets it look for devices, without the notices that it prints then."""
    with _quiet():
        from absl import logging

        logging.set_verbosity(logging.WARNING)
        import tensorflow as tf

        tf.config.list_physical_devices()
        # Each network's own `predict` is traced once, and TensorFlow takes them for one traced again.
        tf.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Within, nothing written to stderr is seen; TF_CPP_MIN_LOG_LEVEL=0 lets it through."""
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        yield
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
