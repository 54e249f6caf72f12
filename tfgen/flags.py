"""The parser of the command line: flags from settings, and one-sentence error messages."""

import argparse
import difflib
import os
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from tfgen import program, settings
from tfgen.settings import DataSettings, Kind, TrainingSettings


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that suggests the closest name and prints one sentence and the help command for bad input.

    Attributes:
        names: the flags.
        models: whether unknown flags are arguments of a model.
        commands: name -> Parser of each subcommand.
    """

    def __init__(self, **options: Any):
        self.names: list[str] = []
        self.models = False
        self.commands: dict[str, Parser] = {}
        super().__init__(allow_abbrev=False, **options)

    def add_argument(self, *names: str, **options: Any) -> argparse.Action:
        """Adds an argument as argparse does, and keeps the names of flags."""
        self.names += [name for name in names if name.startswith("--")]
        return super().add_argument(*names, **options)

    def error(self, message: str) -> NoReturn:
        """Prints one sentence and exits with 2."""
        self.exit(2, f"{program.name()}: {message.rstrip('.')}; for help run `{self.prog} --help`.\n")

    def add_commands(self, metavar: str, commands: Iterable[tuple[str, Callable | None, str]]) -> None:
        """Adds commands: (name, function of the Namespace, help)."""
        added = self.add_subparsers(required=True, metavar=metavar)
        for name, call, help in commands:
            self.commands[name] = added.add_parser(name, help=help, description=help)
            self.commands[name].set_defaults(command=call, parser=self.commands[name])

    def add_settings(self, kind: type, *names: str) -> None:
        """Adds the flags of all settings, or of those named. The value of a flag that is not given is None."""
        for name, (default, about) in settings.described(kind).items():
            if names and name not in names:
                continue
            if about.kind is settings.BOOLEAN:
                self.add_argument(f"--{name}", action="store_true", default=None, help=about.help)
                continue
            text = about.help + (f" (default: {default})" if default not in (None, 0, 0.0) or name == "seed" else "")
            self.add_value(f"--{name}", about.kind, text)

    def add_value(self, name: str, kind: Kind, help: str, **options: Any) -> None:
        """Adds an argument with values of a Kind."""
        self.add_argument(name, type=_converter(kind), metavar=kind.metavar, help=help, **options)

    def add_training(self) -> None:
        """Adds all flags of a command that trains."""
        self.models = True
        self.epilog = "A model's arguments are flags too, for example --latent_dim 64; `list` shows them."
        self.add_settings(DataSettings)
        self.add_settings(TrainingSettings)
        self.add_argument("--smoke", action="store_true", help="train a tiny model in seconds")

    def add_path(self, name: str, help: str | None = None, **options: Any) -> None:
        """Adds an argument that is a path; ~ is expanded if the shell has not done so."""
        self.add_argument(name, type=os.path.expanduser, help=help, **{"metavar": "DIR"} | options)

    def parse(self, words: list[str]) -> argparse.Namespace:
        """Parses words into a Namespace; its `extra` is {name: text} of a model's arguments."""
        self._check_commands(words)
        arguments, rest = self.parse_known_args(words)
        arguments.extra = arguments.parser.extra(rest)
        return arguments

    def _check_commands(self, words: list[str]) -> None:
        """Exits and suggests the closest command if the first word is not a command."""
        if not self.commands or not words or words[0].startswith("-"):
            return
        if words[0] not in self.commands:
            close = difflib.get_close_matches(words[0], self.commands, 1)
            hint = f"did you mean {close[0]}?" if close else f"choose from {', '.join(self.commands)}"
            self.error(f"there is no command {words[0]!r}: {hint}")
        self.commands[words[0]]._check_commands(words[1:])

    def extra(self, words: list[str]) -> dict[str, str]:
        """name -> text of the unknown flags. If they cannot be a model's arguments, exits with the closest flag."""
        found, words = {}, list(words)
        while words:
            flag, equals, value = words.pop(0).partition("=")
            if not flag.startswith("--") or flag == "--":
                self.error(f"expected a flag, --NAME VALUE, not {flag!r}")
            lacking = not equals and (not words or words[0].startswith("--"))
            if lacking or not self.models:
                close = difflib.get_close_matches(flag, self.names, 1)
                reason = f"{flag} needs a value" if self.models else f"unknown flag {flag}"
                self.error(reason + (f": did you mean {close[0]}?" if close else ""))
            found[flag[2:]] = value if equals else words.pop(0)
        return found


def _converter(kind: Kind) -> Callable[[str], Any]:
    """A converter for argparse that fails with the Kind's message."""

    def convert(text: str) -> Any:
        try:
            return kind.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert
