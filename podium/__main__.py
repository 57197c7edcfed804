"""``python -m podium``: look at the config, and at what a run made of it, outside a run.

``python -m podium config [FILE]`` prints the effective config, every default filled in; ``python -m podium diagnose
[FILE]`` names likely causes of a low score (docs/diagnose.md); ``python -m podium --help`` lists the others.
"""

import argparse
import sys

from podium.commands import NAMES, command
from podium.errors import UserError, shown


def main(arguments: list[str] | None = None) -> None:
    """Run one command; a user's mistake is one line and exit status 1."""
    parser = argparse.ArgumentParser(
        prog="python -m podium", description="Look at the config, and at what a run made of it."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in NAMES:
        module = command(name)
        module.options(commands.add_parser(name, help=module.HELP, description=module.HELP))
    given = parser.parse_args(arguments)
    try:
        status = command(given.command).run(given)
    except UserError as error:
        sys.exit(shown(error))
    if status:
        sys.exit(status)


if __name__ == "__main__":
    main()
