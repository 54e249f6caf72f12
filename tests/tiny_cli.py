"""The command line with the tests' own study among the others: python tests/tiny_cli.py train --study tiny ..."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).parent.parent


def run():
    """Runs the command line; messages have the name tfgen_cli.py."""
    sys.path.insert(0, str(ROOT))
    sys.argv[0] = str(ROOT / "tfgen_cli.py")
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # TensorFlow's messages when it is imported
    try:
        import tiny
    finally:
        os.dup2(terminal, 2)
    import tfgen_cli

    with tiny.registered():
        tfgen_cli.run()


if __name__ == "__main__":
    run()
