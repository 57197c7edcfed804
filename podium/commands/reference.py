"""Write the reference of the config, which people read."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium import reference
from podium.files import write_text

HELP = "write the reference of the config as Markdown"


def options(parser: ArgumentParser) -> None:
    """The file to write."""
    parser.add_argument("out", type=Path)


def run(given: Namespace) -> int:
    """Write it."""
    write_text(reference.render(), given.out)
    return 0
