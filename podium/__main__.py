"""``python -m podium``: look at the config, and at what a run made of it, outside a run.

``python -m podium config [FILE]`` prints the effective config, every default filled in; ``python -m podium schema
FILE`` writes the JSON schema that editors read, ``python -m podium reference FILE`` the reference for people,
``python -m podium environment FILE`` the conda environment. ``python -m podium diagnose [FILE]`` names likely causes
of a low score (docs/diagnose.md).
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from podium import environment, reference
from podium.config import Config, schema
from podium.errors import UserError, shown
from podium.files import write_json, write_text
from podium.validation import load
from podium.yamlcheck import read_yaml


def main(arguments: list[str] | None = None) -> None:
    """Run one command; a user's mistake is one line and exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m podium", description="Look at the config.")
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("config", help="print the effective config, every default filled in")
    show.add_argument(
        "file", nargs="*", default=["config.yaml"], help="config files, later ones over earlier"
    )
    write = commands.add_parser("schema", help="write the config's JSON schema")
    write.add_argument("file", type=Path)
    conda = commands.add_parser(
        "environment", help="write the conda environment file from the pins beside it"
    )
    conda.add_argument("file", type=Path)
    document = commands.add_parser("reference", help="write the reference of the config as Markdown")
    document.add_argument("file", type=Path)
    look = commands.add_parser("diagnose", help="name likely causes of a low score, before a run or after it")
    look.add_argument(
        "file", nargs="*", default=["config.yaml"], help="config files, later ones over earlier"
    )
    look.add_argument("--member", help="look at this member alone, such as bert-s0")
    look.add_argument("--json", type=Path, metavar="FILE", help="write the findings for programs, too")
    given = parser.parse_args(arguments)
    try:
        if given.command == "config":
            print(effective([Path(file) for file in given.file]), end="")
        elif given.command == "diagnose":
            _diagnose([Path(file) for file in given.file], given.member, given.json)
        elif given.command == "schema":
            write_json(schema(), given.file)
        elif given.command == "environment":
            write_text(environment.render(given.file.parent), given.file)
        else:
            write_text(reference.render(), given.file)
    except UserError as error:
        sys.exit(shown(error))


def _diagnose(files: list[Path], member: str | None, out: Path | None) -> None:
    """Print the diagnoses of the members; write them as JSON where a file is named."""
    from podium import diagnose  # with its libraries, which the other commands do without

    found = diagnose.diagnose(layered(files), root=Path(), member=member)
    if out is not None:
        write_json(diagnose.plain(found), out)
    print(diagnose.text(found), end="")


def effective(files: list[Path]) -> str:
    """The effective config of some files as YAML; later files are laid over earlier ones."""
    return yaml.safe_dump(layered(files).model_dump(), sort_keys=False, allow_unicode=True)


def layered(files: list[Path]) -> Config:
    """The checked config of some files, later ones laid over earlier ones; ``UserError`` with every mistake."""
    raw: dict[str, Any] = {}
    for file in files:
        raw = _over(raw, read_yaml(file))
    if "tasks" not in raw and Path("config.yaml") not in files:  # a layer, as Snakemake takes it
        return layered([Path("config.yaml"), *files])
    return load(raw)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay ``above`` over ``below``, block by block, as Snakemake does with several config files."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _over(merged[key], value) if both else value
    return merged


if __name__ == "__main__":
    main()
