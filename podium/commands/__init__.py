"""What ``python -m podium`` can do: one module a command.

A command's module has ``HELP`` (one line), ``options`` (adds its arguments to a parser) and ``run`` (takes the parsed
arguments and returns the exit status; a ``UserError`` is shown by the caller). Libraries that take long to import are
imported in ``run``.
"""

from argparse import ArgumentParser, Namespace
from importlib import import_module
from typing import Protocol, cast

NAMES = (
    *("config", "doctor", "diagnose", "watch", "explain", "compare", "peak"),
    *("schema", "reference", "environment"),
)
"""The commands, in the order in which help lists them; ``podium/commands/NAME.py`` is one each."""


class Command(Protocol):
    """A module of this folder."""

    HELP: str

    def options(self, parser: ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, given: Namespace) -> int:
        """Do it, and return the exit status."""


def command(name: str) -> Command:
    """The command of this name."""
    return cast(Command, import_module(f"podium.commands.{name}"))
