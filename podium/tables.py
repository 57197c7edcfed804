"""Read the tables that users bring (CSV, TSV, JSON Lines, Parquet), every value as exact text.

Text forms may end in ``.gz``. Encoding, separator and the use of quotes are found from the file; what
cannot be read without losing or changing rows is refused in one line.
"""

import csv
import json
import logging
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from podium.dialects import HEAD_LINES, Dialect, dialect_of, find_encoding, lines_of, reading
from podium.errors import UserError, hint

KINDS = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt"), "delimited"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
}
_CHUNK_ROWS = 100_000
_log = logging.getLogger(__name__)


class _Float(str):
    """The text of a number with a point or an exponent."""


def read_rows(
    path: Path, *, columns: list[str] | None, encoding: str | None, separator: str | None
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

    Raises
    ------
    UserError
        The file is missing, unreadable, empty, of no known kind, lacks a column, or has a row of another
        width than the header (with its line).
    """
    kind = kind_of(path)
    with reading(path):
        if kind == "parquet":
            return _read_parquet(path, columns)
        encoding = find_encoding(path, encoding, whole=True)
        if kind == "jsonl":
            return _read_jsonl(path, columns, encoding)
        return _read_delimited(path, columns, encoding, separator)


def columns_of(path: Path, *, encoding: str | None, separator: str | None) -> list[str]:
    """Column names from the head of a file alone, so that files of any size take milliseconds.

    For JSON Lines these are the keys of the first lines. Raises ``UserError`` as :func:`read_rows`.
    """
    kind = kind_of(path)
    with reading(path):
        if kind == "parquet":
            return list(pq.read_schema(path).names)
        if kind == "delimited":
            return _header(path, dialect_of(path, encoding=encoding, separator=separator))
        encoding = find_encoding(path, encoding, whole=False)
        head = islice(_json_rows(path, encoding, errors="replace"), HEAD_LINES)
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


def _csv_rows(path: Path, dialect: Dialect, *, errors: str) -> Iterator[tuple[int, int, list[str]]]:
    """Rows that are not blank, each with the numbers of its first and last line."""
    reader = csv.reader(
        lines_of(path, dialect.encoding, errors=errors),
        delimiter=dialect.separator,
        quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
        strict=True,
    )
    last = 0
    try:
        for row in reader:
            if row:
                yield last + 1, reader.line_num, row
            last = reader.line_num
    except csv.Error as error:
        raise UserError(
            f"{path}: line {last + 1}: {error}; quote marks inside a quoted text must be doubled"
        ) from error


def _header(path: Path, dialect: Dialect) -> list[str]:
    for _, _, row in _csv_rows(path, dialect, errors="replace"):
        repeated = sorted({name for name in row if row.count(name) > 1})
        if repeated:
            raise UserError(f"{path}: the header names the column '{repeated[0]}' more than once")
        return row
    raise UserError(f"{path}: the file is empty; it needs a header line")


def _read_delimited(
    path: Path, columns: list[str] | None, encoding: str, separator: str | None
) -> pd.DataFrame:
    dialect = dialect_of(path, encoding=encoding, separator=separator)
    header = _header(path, dialect)
    names = header if columns is None else _checked(path, columns, header)
    plain = Dialect(encoding, dialect.separator, quoted=False)
    try:
        table, spans_lines = _parse(path, dialect, header, names)
    except UserError:
        if not _every_line_is_a_row(path, plain, len(header)):
            raise
    else:
        # Most often a quoted line break, but it may be rows eaten between two stray quote marks. A comma
        # is too common in texts for the lines' widths to tell.
        suspect = spans_lines and dialect.separator != ","
        if not (suspect and _every_line_is_a_row(path, plain, len(header))):
            return table
    _log.warning("%s: every line is one row, so quote marks are read as plain text", path)
    return _parse(path, plain, header, names)[0]


def _parse(path: Path, dialect: Dialect, header: list[str], names: list[str]) -> tuple[pd.DataFrame, bool]:
    """Read all rows; also tell whether some row spans several lines."""
    places = [header.index(name) for name in names]
    kept: list[list[str]] = [[] for _ in names]
    chunks: list[pd.DataFrame] = []
    spans_lines = False
    rows = _csv_rows(path, dialect, errors="strict")
    next(rows)
    for number, (first, last, row) in enumerate(rows, 1):
        if len(row) != len(header):
            raise UserError(
                f"{path}: line {first} has {len(row)} fields, the header has {len(header)}; "
                f"put texts that hold {dialect.separator!r} in quotes, or name the 'separator'"
            )
        spans_lines = spans_lines or first != last
        for values, place in zip(kept, places, strict=True):
            values.append(row[place])
        if number % _CHUNK_ROWS == 0:
            chunks.append(_frame(path, names, kept))
            kept = [[] for _ in names]
    return pd.concat([*chunks, _frame(path, names, kept)], ignore_index=True), spans_lines


def _every_line_is_a_row(path: Path, plain: Dialect, width: int) -> bool:
    """Whether every line alone has the header's width when quote marks mean nothing.

    A quoted field with a line break or a separator inside leaves lines of other widths.
    """
    rows = (row for _, _, row in _csv_rows(path, plain, errors="strict"))
    return width > 1 and '"' not in "".join(next(rows)) and all(len(row) == width for row in rows)


def _checked(path: Path, columns: list[str], present: list[str]) -> list[str]:
    missing = [name for name in columns if name not in present]
    if missing:
        told = "; ".join(f"no column '{name}', {hint(name, present)}" for name in missing)
        raise UserError(f"{path}: {told}")
    return columns


def _frame(path: Path, names: list[str], columns: list[list[str]]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: _text_column(path, values) for name, values in zip(names, columns, strict=True)}
    )


def _text_column(path: Path, values: list[str]) -> pd.Series:
    """A ``str`` column; NUL is dropped, half of a surrogate pair becomes U+FFFD."""
    try:
        column = pd.Series(values, dtype="str")
    except UnicodeEncodeError:
        column = pd.Series([re.sub("[\ud800-\udfff]", "\ufffd", value) for value in values], dtype="str")
    if column.str.contains("\0", regex=False).any():
        _log.warning("%s: dropped NUL characters", path)
        column = column.str.replace("\0", "", regex=False)
    return column


def _json_rows(path: Path, encoding: str, *, errors: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Objects with their line numbers; whole numbers as their exact text, others as :class:`_Float`."""
    for number, line in enumerate(lines_of(path, encoding, errors=errors), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(
                line, parse_int=str, parse_float=_Float, parse_constant=lambda _: None, strict=False
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
    _checked(path, columns or [], list(seen))
    return _frame(path, list(kept), [_without_point(values) for values in kept.values()])


def _json_text(path: Path, line: int, name: str, value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, str):
        return value
    raise UserError(f"{path}: line {line}: '{name}' holds a {type(value).__name__}, not a text or a number")


def _without_point(values: list[str]) -> list[str]:
    """Write a column's floats as whole numbers if all of them are whole (ids that passed through floats)."""
    floats = [value for value in values if isinstance(value, _Float)]
    if floats and all(float(value).is_integer() for value in floats):
        return [str(int(float(value))) if isinstance(value, _Float) else value for value in values]
    return [str(value) for value in values] if floats else values


def _read_parquet(path: Path, columns: list[str] | None) -> pd.DataFrame:
    with pq.ParquetFile(path) as source:
        present = list(source.schema_arrow.names)
        names = present if columns is None else _checked(path, columns, present)
        return _frame(path, names, [_arrow_texts(path, name, source) for name in names])


def _arrow_texts(path: Path, name: str, source: pq.ParquetFile) -> list[str]:
    column = source.read(columns=[name]).column(name)
    if pa.types.is_floating(column.type):
        return _without_point(["" if value != value else _Float(value) for value in column.to_numpy()])
    try:
        return column.cast(pa.large_string()).fill_null("").to_pylist()
    except pa.ArrowException as error:
        raise UserError(f"{path}: column '{name}' holds {column.type}, not texts or numbers") from error
