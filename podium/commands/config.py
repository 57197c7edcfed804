"""Print the effective config."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.commands.layers import add_files, layered
from podium.runs import as_yaml

HELP = "print the effective config, every default filled in"


def options(parser: ArgumentParser) -> None:
    """The config's files."""
    add_files(parser)


def run(given: Namespace) -> int:
    """Print it."""
    print(effective(given.file), end="")
    return 0


def effective(files: list[Path]) -> str:
    """The effective config of some files as YAML; later files are laid over earlier ones."""
    return as_yaml(layered(files).model_dump())
