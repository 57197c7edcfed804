"""Name likely causes of a low score (docs/diagnose.md)."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.commands.layers import add_files, layered
from podium.files import write_json

HELP = "name likely causes of a low score, before a run or after it"


def options(parser: ArgumentParser) -> None:
    """The config's files, a member, a file for programs."""
    add_files(parser)
    parser.add_argument("--member", help="look at this member alone, such as bert-s0")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings for programs, too")


def run(given: Namespace) -> int:
    """Print the diagnoses of the members; write them as JSON where a file is named."""
    from podium import diagnose  # with its libraries, which the other commands do without

    found = diagnose.diagnose(layered(given.file), root=Path(), member=given.member)
    if given.json is not None:
        write_json(diagnose.plain(found), given.json)
    print(diagnose.text(found), end="")
    return 0
