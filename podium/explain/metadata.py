"""What Snakemake noted of each file that it made: ``.snakemake/metadata``, one JSON file each.

The name of such a file is the path of the output, in base64 for file names, cut into folders where it is longer than a
file's name may be: the folders' names begin with an @. Written so by Snakemake 9's ``persistence/file.py``, whose own
reader makes folders as soon as it is made.
"""

import ast
import binascii
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACE = Path(".snakemake/metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How one output was made.

    ``params`` is the rule's block of parameters, ``code`` the digest of its code; None where there is none or it
    cannot be read. Times are seconds since 1970.
    """

    output: str
    rule: str
    inputs: list[str]
    logs: list[str]
    params: dict[str, Any] | None
    code: str | None
    started: float | None
    ended: float | None


def records(root: Path) -> dict[str, Record]:
    """Every record of the workflow in the folder ``root`` that can be read, by output, in the order of their names."""
    found = {}
    for path in _files(root / PLACE):
        output = _output(path.relative_to(root / PLACE))
        read = None if output is None else _read(path, output)
        if read is not None:
            found[read.output] = read
    return dict(sorted(found.items()))


def record(root: Path, output: str) -> Record | None:
    """The record of one output of the workflow in the folder ``root``; None where there is none."""
    folder = root / PLACE
    if not folder.is_dir():
        return None
    most = (os.pathconf(folder, "PC_NAME_MAX") or 255) - 1
    name = urlsafe_b64encode(output.encode()).decode()
    pieces = [name[start : start + most] for start in range(0, len(name), most)]
    path = folder.joinpath(*(f"@{piece}" for piece in pieces[:-1]), pieces[-1])
    return _read(path, output) if path.is_file() else None


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*") if folder.is_dir() else ():
        if path.is_file():
            yield path


def _output(path: Path) -> str | None:
    """The output whose record has this path below the folder of records; None where it is no such path."""
    text = "".join(part.removeprefix("@") for part in path.parts[:-1]) + path.name
    try:
        return urlsafe_b64decode(text.encode()).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return None


def _read(path: Path, output: str) -> Record | None:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        block, code = _params(given.get("params") or [])
        return Record(
            output=output,
            rule=str(given["rule"]),
            inputs=[str(name) for name in given.get("input") or []],
            logs=[str(name) for name in given.get("log") or []],
            params=block,
            code=code,
            started=given.get("starttime"),
            ended=given.get("endtime"),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _params(texts: list[str]) -> tuple[dict[str, Any] | None, str | None]:
    """The block of plain values and the digest of code among the printed parameters; only literals are read."""
    block: dict[str, Any] | None = None
    code: str | None = None
    for text in texts:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, dict):
            block = value
        elif isinstance(value, str):
            code = value
    return block, code
