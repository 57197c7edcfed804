"""Look for what would stop a long run, and estimate what it takes (docs/doctor.md)."""

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from podium.commands.layers import add_files, layered
from podium.config import Config
from podium.errors import UserError
from podium.files import write_json

HELP = "check machine, config and data before a run, and estimate its time, memory and disk"


def options(parser: ArgumentParser) -> None:
    """The config's files, what Snakemake will be given, and a file for programs."""
    add_files(parser)
    parser.add_argument("--cores", type=_count, metavar="N", help="as for snakemake (default: all)")
    parser.add_argument(
        "--gpus", type=_count_or_none, metavar="N", help="as for snakemake --resources gpu=N (default: all)"
    )
    parser.add_argument(
        "--no-measure", action="store_true", help="leave out the short measurement of this machine"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write checks and estimate for programs, too"
    )


def _config(files: list[Path]) -> Config | UserError:
    """The config, or what is wrong with it."""
    try:
        return layered(files)
    except UserError as told:
        return told


def _count(text: str) -> int:
    return _number(text, 1)


def _count_or_none(text: str) -> int:
    """``gpu=0`` keeps a run on the CPU, whatever the machine has."""
    return _number(text, 0)


def _number(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise ArgumentTypeError(f"must be a whole number of {least} or more, found '{text}'")
    return int(text)


def run(given: Namespace) -> int:
    """Print checks and estimate; status 1 where something would stop the run."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the workflow does, before threads start
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from podium.doctor import report  # with its libraries, which the other commands do without

    config = _config(given.file)
    asked = report.Settings(
        files=given.file, cores=given.cores, gpus=given.gpus, measure=not given.no_measure
    )
    found = report.examine(config, Path(), asked)
    if given.json is not None:
        write_json(found.plain(), given.json)
    print(report.text(found), end="")
    return int(not found.fine)
