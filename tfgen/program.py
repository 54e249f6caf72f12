"""The running program: the command as the user typed it, messages on stderr, and TensorFlow's start."""

import contextlib
import io
import os
import pathlib
import shlex
import sys
from collections.abc import Callable, Iterator

from tfgen import UserError

_script = "tfgen"


def typed(script: str) -> None:
    """Stores the first word of the command line: the installed `tfgen`, or tfgen_cli.py of a checkout."""
    global _script
    _script = script


def name() -> str:
    """The name at the start of messages on stderr: tfgen or tfgen_cli.py."""
    return pathlib.Path(_script).name


def command(*words: object) -> str:
    """A command line that can be pasted into a shell: the program, then these words, quoted where they need it."""
    start = ["python", _script] if _script.endswith(".py") else [name()]
    return shlex.join([*start, *map(_word, words)])


def _word(word: object) -> str:
    """The text of a word; a path that looks like a flag or a home folder begins with ./"""
    text = str(word)
    return f"./{text}" if isinstance(word, pathlib.PurePath) and text[0] in "-~" else text


def tell(sentence: str) -> None:
    """Prints a sentence for the user on stderr, above a progress bar if there is one."""
    from tqdm import tqdm

    tqdm.write(f"{name()}: {sentence}", file=sys.stderr)


def fault(error: Exception) -> str | None:
    """A sentence about an error in the input or on the machine; None for a bug."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        what = f"{error.filename or 'a file'} cannot be read or written ({error.strerror or error})"
        return f"{what}: fix this and run the command again."
    if type(error).__name__ == "ResourceExhaustedError":  # TensorFlow's, which may not be imported
        what = "memory or disk space ran out: free some, or choose a smaller --batch_size"
        return f"{what}, and run the command again."
    return None


def until_closed(main: Callable[[], int]) -> int:
    """Runs a program and returns its exit code; ends silently if the output pipe is closed, as by `| head`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Line by line, so that output appears before a long training starts. A path may contain bytes that are not
        # UTF-8, which are printed as they are, and a locale may lack letters.
        unicode = sys.stdout.encoding.lower().replace("-", "") == "utf8"
        sys.stdout.reconfigure(line_buffering=True, errors="surrogateescape" if unicode else "backslashreplace")
    try:
        try:
            return main()
        finally:
            if sys.stdout:  # None if it was closed before the start
                sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # the exit code that shells report after a closed pipe


def start_tensorflow() -> None:
    """Imports TensorFlow and lets it look for devices, without its start-up messages.

    Raises UserError if it cannot be imported.
    """
    with _quiet():
        from absl import logging

        logging.set_verbosity(logging.WARNING)
        try:
            import tensorflow as tf
        except ImportError as error:
            raise UserError(f"TensorFlow cannot be imported ({error}): install tfgen with its requirements.") from None

        tf.config.list_physical_devices()
        # TensorFlow mistakes the first traces of several networks' `predict` for retracing, and warns.
        tf.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """A context that hides all output to stderr, unless TF_CPP_MIN_LOG_LEVEL is 0."""
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
