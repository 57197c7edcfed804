"""Write the config's JSON schema, which editors read."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.config import schema
from podium.files import write_json

HELP = "write the config's JSON schema"


def options(parser: ArgumentParser) -> None:
    """The file to write."""
    parser.add_argument("out", type=Path)


def run(given: Namespace) -> int:
    """Write it."""
    write_json(schema(), given.out)
    return 0
