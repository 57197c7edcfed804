"""Write the conda environment of the pins beside it."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium import environment
from podium.files import write_text

HELP = "write the conda environment file from the pins beside it"


def options(parser: ArgumentParser) -> None:
    """The file to write."""
    parser.add_argument("out", type=Path)


def run(given: Namespace) -> int:
    """Write it."""
    write_text(environment.render(given.out.parent), given.out)
    return 0
