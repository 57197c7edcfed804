"""Read the tables that users bring (CSV, TSV, JSON Lines, Parquet), every value as exact text.

Text forms may end in ``.gz``. Encoding, separator and the use of quotes are found from the file; what
cannot be read without losing or changing rows is refused in one line.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from podium.delimited import checked, frame, head_of, read_delimited
from podium.dialects import HEAD_LINES, find_encoding, lines_of, reading
from podium.errors import UserError, brief, hint

KINDS = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt"), "delimited"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
}


class _Whole(str):
    """The text of a number without a point and an exponent."""


class _Float(str):
    """The text of a number with a point or an exponent."""


def read_rows(
    path: Path,
    *,
    columns: list[str] | None,
    encoding: str | None,
    separator: str | None,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Read a table as text: every column of dtype ``str``, a missing value as the empty string.

    Delimited files keep the exact text between separators. In JSON Lines and Parquet, whole numbers
    have no ".0" (a float column only where all of it is whole) and booleans are "true" and "false".
    NUL characters are dropped with a warning.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv``, ``.tab``, ``.txt``, ``.jsonl``, ``.ndjson`` or ``.json`` (one object a line), each
        also with ``.gz``; ``.parquet``.
    columns
        The columns to keep, in this order; None for all.
    encoding
        Text encoding; None finds it (:func:`podium.dialects.find_encoding`).
    separator
        Column separator; None finds it among comma, tab, semicolon and bar.
    names
        Names of the columns of a delimited file without a header line (:func:`podium.delimited.head_of`); None: it
        has one. Between tabs such a file has no quoted fields: a line is a row, and quote marks are text.

    Raises
    ------
    UserError
        The file is missing, unreadable, empty, of no known kind, lacks a column, or has a row of another
        width than the header (with its line); or ``names`` are given for a file that names its columns.
    """
    kind = _kind(path, names)
    with reading(path):
        if kind == "parquet":
            return _read_parquet(path, columns)
        encoding = find_encoding(path, encoding, whole=True)
        if kind == "jsonl":
            return _read_jsonl(path, columns, encoding)
        return read_delimited(path, columns, encoding=encoding, separator=separator, names=names)


def columns_of(
    path: Path, *, encoding: str | None, separator: str | None, names: Sequence[str] | None = None
) -> list[str]:
    """Column names from the head of a file alone, so that files of any size take milliseconds.

    For JSON Lines these are the keys of the first lines. ``names`` and what is raised: as :func:`read_rows`.
    """
    kind = _kind(path, names)
    with reading(path):
        if kind == "parquet":
            return _unique(path, pq.read_schema(path).names)
        if kind == "delimited":
            return head_of(path, encoding=encoding, separator=separator, names=names).columns
        encoding = find_encoding(path, encoding, whole=False)
        head = list(islice(_json_rows(path, encoding, errors="replace"), HEAD_LINES))
        if not head:
            raise UserError(f"{path}: the file is empty; it needs one JSON object a line")
        return list(dict.fromkeys(name for _, row in head for name in row))


def kind_of(path: Path) -> str:
    """Kind of an existing file by its name: "delimited", "jsonl" or "parquet"; else ``UserError``."""
    if not path.is_file():
        near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f"{path}: there is no such file; {hint(path.name, near)}")
    suffix = path.with_suffix("").suffix if path.suffix.lower() == ".gz" else path.suffix
    kind = KINDS.get(suffix.lower())
    if kind is None or (kind == "parquet" and path.suffix.lower() == ".gz"):
        raise UserError(f"{path}: the name does not tell the kind of file; valid: {', '.join(KINDS)}")
    return kind


def _kind(path: Path, names: Sequence[str] | None) -> str:
    """Kind of a file, which must be delimited where ``names`` name its columns."""
    kind = kind_of(path)
    if names is not None and kind != "delimited":
        raise UserError(f"{path}: this kind of file names its columns itself; take 'columns' out")
    return kind


def _json_rows(path: Path, encoding: str, *, errors: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Objects with their line numbers; numbers as their exact text, :class:`_Whole` or :class:`_Float`."""
    for number, line in enumerate(lines_of(path, encoding, errors=errors), 1):
        line = line.lstrip("\ufeff")  # files joined by other programs have one in their middle
        if not line.strip():
            continue
        try:
            row = json.loads(
                line, parse_int=_Whole, parse_float=_Float, parse_constant=lambda _: None, strict=False
            )
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"{path}: line {number} is not JSON ({error}); write one object a line"
            ) from error
        if not isinstance(row, dict):
            raise UserError(f"{path}: line {number} is not a JSON object; write one object a line")
        yield number, row


def _read_jsonl(path: Path, columns: list[str] | None, encoding: str) -> pd.DataFrame:
    kept: dict[str, list[str]] = {name: [] for name in columns or ()}
    seen: dict[str, None] = {}
    rows = 0
    for line, row in _json_rows(path, encoding, errors="strict"):
        seen.update(dict.fromkeys(row))
        if columns is None:
            kept.update({name: [""] * rows for name in row if name not in kept})
        for name, values in kept.items():
            values.append(_json_text(path, line, name, row.get(name)))
        rows += 1
    if not rows:
        raise UserError(f"{path}: the file is empty; it needs one JSON object a line")
    checked(path, columns or [], list(seen))
    return frame(path, list(kept), [_without_point(values) for values in kept.values()])


def _json_text(path: Path, line: int, name: str, value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, str):
        return value
    raise UserError(f"{path}: line {line}: '{name}' holds a {type(value).__name__}, not a text or a number")


def _without_point(values: list[str]) -> list[str]:
    """Write a column's floats as whole numbers if all of them are whole (ids that passed through floats).

    So those that are whole, too, where others are written without a point: 1 and 1.0 are one label.
    """
    floats = {value for value in values if isinstance(value, _Float)}
    if not floats:
        return values
    whole = {value: _digits(value) for value in floats if float(value).is_integer()}
    if len(whole) < len(floats) and not any(isinstance(value, _Whole) for value in values):
        whole = {}
    return [whole.get(value, str(value)) if isinstance(value, _Float) else str(value) for value in values]


def _digits(text: str) -> str:
    """A whole number without its point and exponent, digit by digit: floats have no more than 15."""
    return str(int(Decimal(text)))


def _read_parquet(path: Path, columns: list[str] | None) -> pd.DataFrame:
    with pq.ParquetFile(path) as source:
        present = _unique(path, source.schema_arrow.names)
        names = present if columns is None else checked(path, columns, present)
        return frame(path, names, [_arrow_texts(path, name, source) for name in names])


def _exact(value: np.floating) -> str:
    """The shortest text of a float; of a large whole one all of its digits."""
    return f"{int(value)}.0" if abs(value) >= 2**53 and value.is_integer() else str(value)


def _unique(path: Path, names: Sequence[str]) -> list[str]:
    """Names of columns, each of which must stand there once."""
    if repeated := [name for name, times in Counter(names).items() if times > 1]:
        raise UserError(f"{path}: the file names the column '{brief(repeated[0])}' more than once")
    return list(names)


def _arrow_texts(path: Path, name: str, source: pq.ParquetFile) -> list[str]:
    column = source.read(columns=[name]).column(name)
    if pa.types.is_floating(column.type):
        return _without_point(
            ["" if value != value else _Float(_exact(value)) for value in column.to_numpy()]
        )
    try:
        return column.cast(pa.large_string()).fill_null("").to_pylist()
    except pa.ArrowException as error:
        raise UserError(f"{path}: column '{name}' holds {column.type}, not texts or numbers") from error
