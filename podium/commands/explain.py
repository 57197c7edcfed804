"""Tell where an artifact came from, or what happened to a row (docs/explain.md)."""

import dataclasses
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from podium.errors import UserError
from podium.files import is_file, is_folder, write_json

HELP = "tell where an artifact came from, or what happened to a row"


def options(parser: ArgumentParser) -> None:
    """A path or an id, and how much is told of it."""
    parser.add_argument("thing", help="a file or folder, or the id of a row; ./NAME is always a file")
    parser.add_argument("--task", help="the row of this task alone")
    parser.add_argument("--results", type=Path, default=Path("results"), help="the results of the run")
    parser.add_argument("--depth", type=int, default=2, help="levels of inputs that are followed")
    parser.add_argument(
        "--no-check", action="store_true", help="do not ask Snakemake whether it would be made again"
    )
    parser.add_argument(
        "--configfile",
        nargs="+",
        metavar="FILE",
        help="what the run is given, where Snakemake is asked; those of the last run by default",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it for programs, too")


def run(given: Namespace) -> int:
    """Print the story; write it as JSON where a file is named."""
    if given.depth < 0:
        raise UserError(f"explain: --depth must be 0 or more, found {given.depth}")
    path = Path(given.thing)
    if not _is_path(given.thing):
        told, plain = _row(given)
    elif given.thing.startswith("./") or _is_there(given.thing):
        told, plain = "", None
    else:  # an id may look like a path
        told, plain = _stories(given)
    if plain is None:
        told, plain = _artifact(given, path)
    if given.json is not None:
        write_json(plain, given.json)
    print(told, end="")
    return 0


def _is_path(thing: str) -> bool:
    """Whether it is a path whatever the ids are: of a folder of results, or written as one."""
    path = Path(thing)
    return thing.startswith(("./", "../", "/", "results/")) or (
        _is_there(thing) and "results" in path.absolute().parts
    )


def _is_there(thing: str) -> bool:
    """Whether there is such a file or folder; an id may be longer than any file's name."""
    return is_file(thing) or is_folder(thing)


def _row(given: Namespace) -> tuple[str, Any]:
    """The stories of the rows with this id; nothing where there is none, but a file."""
    from podium.explain import rows

    if not (given.results / "ingest").is_dir():
        if _is_there(given.thing):
            return "", None
        raise UserError(f"explain: {given.results} holds no rows; run `snakemake ingest`, or name --results")
    text, plain = _stories(given)
    if plain is None:
        if _is_there(given.thing):
            return "", None
        raise rows.unknown(given.results, given.thing, task=given.task)
    also = f"note: there is a file {given.thing}, too; for that write ./{given.thing}\n"
    return text + (also if _is_there(given.thing) else ""), plain


def _stories(given: Namespace) -> tuple[str, Any]:
    """The stories of the rows with this id; nothing where there is none."""
    from podium.explain import rows, rows_text

    stories = rows.find(given.results, given.thing, task=given.task)
    if not stories:
        return "", None
    told = [rows.tell(story, given.results) for story in stories]
    text = "\n".join(rows_text.text(story) for story in told)
    return text, {"rows": [dataclasses.asdict(story) for story in told]}


def _artifact(given: Namespace, path: Path) -> tuple[str, Any]:
    from podium.explain import artifact, artifact_text

    found = artifact.explain(path, depth=given.depth, check=not given.no_check, config_files=given.configfile)
    plain = dataclasses.asdict(found)
    return artifact_text.text(found), {"artifact": {**plain, "root": str(found.root)}}
