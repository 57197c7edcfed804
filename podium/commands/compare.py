"""Set two runs side by side (docs/compare.md)."""

import dataclasses
from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.errors import UserError
from podium.files import write_json

HELP = "set two runs side by side: config, scores with paired errors, decisions, files, time"


def options(parser: ArgumentParser) -> None:
    """Two folders of results, and how many changed rows are shown."""
    parser.add_argument("a", type=Path, metavar="RESULTS_A", help="results of a run, or the folder above")
    parser.add_argument("b", type=Path, metavar="RESULTS_B", help="those of another")
    parser.add_argument("--rows", type=int, default=10, help="changed rows that are shown of each part")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it for programs, with all rows")


def run(given: Namespace) -> int:
    """Print the comparison; write it as JSON where a file is named."""
    from podium import compare  # with its libraries, which the other commands do without

    if given.rows < 0:
        raise UserError(f"compare: --rows must be 0 or more, found {given.rows}")
    found = compare.compare(given.a, given.b)
    if given.json is not None:
        write_json(dataclasses.asdict(found), given.json)
    print(compare.text(found, rows=given.rows), end="")
    return 0
