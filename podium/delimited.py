"""Delimited text files, with a header line or with column names that the config gives."""

import csv
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from podium.dialects import Dialect, dialect_of, lines_of
from podium.errors import UserError, brief, hint

_CHUNK_ROWS = 100_000
_MARK = "\ufeff"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Head:
    """How a file is written, and its columns; ``titled`` says whether its first line names them."""

    dialect: Dialect
    columns: list[str]
    titled: bool


def head_of(path: Path, *, encoding: str | None, separator: str | None, names: Sequence[str] | None) -> Head:
    """Dialect and columns from the head of a file.

    Parameters
    ----------
    names
        None: the first line names the columns. Else the file has no header: these are its columns in order, of which
        those at the end may be lacking; the first line tells how many there are.

    Raises
    ------
    UserError
        The file is empty, names a column twice, or its first line has more fields than ``names``, or holds just these.
    """
    width = None if names is None else len(names)
    dialect = dialect_of(path, encoding=encoding, separator=separator, width=width)
    first = next(((line, row) for line, _, row in _rows(path, dialect, errors="replace")), None)
    if first is None:
        lacking = "it needs a header line" if names is None else "it has no rows"
        raise UserError(f"{path}: the file is empty; {lacking}")
    line, row = first
    if names is None:
        repeated = sorted(name for name, times in Counter(row).items() if times > 1)
        if repeated:
            raise UserError(f"{path}: the header names the column '{brief(repeated[0])}' more than once")
        return Head(dialect, row, titled=True)
    if len(row) > len(names):
        raise UserError(
            f"{path}: line {line} has {len(row)} fields, and 'columns' names {len(names)}; name every column in order, "
            "or name the 'separator'"
        )
    if len(row) > 1 and row == list(names[: len(row)]):
        raise UserError(
            f"{path}: line {line} is a header, it holds the names of 'columns'; take 'columns' out"
        )
    return Head(dialect, list(names[: len(row)]), titled=False)


def read_delimited(
    path: Path,
    columns: list[str] | None,
    *,
    encoding: str | None,
    separator: str | None,
    names: Sequence[str] | None,
) -> pd.DataFrame:
    """Read ``columns`` (None: all) as text; see ``podium.tables.read_rows`` and :func:`head_of`."""
    head = head_of(path, encoding=encoding, separator=separator, names=names)
    kept = head.columns if columns is None else checked(path, columns, head.columns)
    if not head.dialect.quoted:
        return _parse(path, head, kept)[0]
    plain = replace(head, dialect=replace(head.dialect, quoted=False))
    try:
        table, long = _parse(path, head, kept)
    except UserError:
        if not _every_line_is_a_row(path, plain):
            raise
        table = _parse(path, plain, kept)[0]
        if _in_quotes(table):  # a quoted file all the same, and the marks would be part of its ids and labels
            raise
    else:
        if not (long and _every_line_is_a_row(path, plain) and _eaten(path, plain, long)):
            _check_spaces(path, table)
            return table
        table = _parse(path, plain, kept)[0]
        if _in_quotes(table):
            raise UserError(
                f"{path}: line {long[0][0]}: a quote mark holds several rows; quote marks inside a quoted text "
                "must be doubled"
            )
    _log.warning("%s: every line is one row, so quote marks are read as plain text", path)
    return table


def _rows(path: Path, dialect: Dialect, *, errors: str) -> Iterator[tuple[int, int, list[str]]]:
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
                if row[0].startswith(_MARK):
                    row[0] = _without_mark(row[0], dialect)
                yield last + 1, reader.line_num, row
            last = reader.line_num
    except csv.Error as error:
        raise UserError(
            f"{path}: line {last + 1}: {error}; quote marks inside a quoted text must be doubled"
        ) from error


def _without_mark(field: str, dialect: Dialect) -> str:
    """The first field of a row without byte order mark: files that other programs joined have one in their middle."""
    field = field.lstrip(_MARK)
    quoted = dialect.quoted and len(field) > 1 and field[0] == field[-1] == '"'
    return field[1:-1].replace('""', '"') if quoted else field


def _parse(path: Path, head: Head, kept: list[str]) -> tuple[pd.DataFrame, list[tuple[int, int]]]:
    """Read all rows; also tell the first and last lines of those that span several."""
    width = len(head.columns)
    places = [head.columns.index(name) for name in kept]
    values: list[list[str]] = [[] for _ in kept]
    chunks: list[pd.DataFrame] = []
    long: list[tuple[int, int]] = []
    rows = _rows(path, head.dialect, errors="strict")
    if head.titled:
        next(rows)
    for number, (first, last, row) in enumerate(rows, 1):
        if len(row) != width:
            raise UserError(f"{path}: line {first} has {len(row)} fields, {_advice(head)}")
        if head.titled and width > 1 and row == head.columns:
            raise UserError(f"{path}: line {first} is the header once more; take it out")
        if first != last:
            long.append((first, last))
        for column, place in zip(values, places, strict=True):
            column.append(row[place])
        if number % _CHUNK_ROWS == 0:
            chunks.append(frame(path, kept, values))
            values = [[] for _ in kept]
    return pd.concat([*chunks, frame(path, kept, values)], ignore_index=True), long


def _advice(head: Head) -> str:
    """What a line of another width is compared with, and how to mend it."""
    has = f"{'the header' if head.titled else 'the first line'} has {len(head.columns)}"
    separator = head.dialect.separator
    if head.dialect.quoted:
        return f"{has}; put texts that hold {separator!r} in quotes, or name the 'separator'"
    return f"{has}; texts may hold no {separator!r} and no line end, and quote marks are text here"


def _every_line_is_a_row(path: Path, plain: Head) -> bool:
    """Whether every line alone has the first one's width when quote marks mean nothing.

    A quoted field with a line break or a separator inside leaves lines of other widths.
    """
    width = len(plain.columns)
    rows = (row for _, _, row in _rows(path, plain.dialect, errors="strict"))
    return width > 1 and '"' not in "".join(next(rows)) and all(len(row) == width for row in rows)


def _eaten(path: Path, plain: Head, long: list[tuple[int, int]]) -> bool:
    """Whether rows that span several ``long`` lines are rows eaten between two stray quote marks.

    Most often they are quoted line breaks. That each line alone has the first one's width tells, but a comma is too
    common in texts: there the lines inside must begin as rows do, with as many letters and digits of each sort.
    """
    if plain.dialect.separator != ",":
        return True
    inside = {line for first, last in long for line in range(first + 1, last + 1)}
    rows = [(line, _shape(row[0])) for line, _, row in _rows(path, plain.dialect, errors="strict")]
    of_long = inside | {first for first, _ in long}
    begins = {shape for line, shape in rows[1:] if line not in of_long}
    return all(shape in begins for line, shape in rows if line in inside)


def _shape(text: str) -> str:
    """A text with one sign for each run of digits and of letters."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", text))


def _in_quotes(table: pd.DataFrame) -> bool:
    """Whether all that stands in some column stands in quote marks."""
    return any(_all_match(table[name], r'".*"') for name in table)


def _check_spaces(path: Path, table: pd.DataFrame) -> None:
    """Raise ``UserError`` for a column whose quoted texts have a space before the quote mark, which thus is text."""
    for name in table:
        if _all_match(table[name], r'\s+".*"\s*'):
            raise UserError(
                f"{path}: all of '{brief(name)}' has a space before its quote marks, so that both are text; take the "
                "spaces behind the separators out"
            )


def _all_match(column: pd.Series, pattern: str) -> bool:
    """Whether a column has several values, and all of them match."""
    form, count = re.compile(pattern, re.DOTALL), 0
    for value in column:
        if value:
            if not form.fullmatch(value):
                return False
            count += 1
    return count > 1


def checked(path: Path, columns: list[str], present: list[str]) -> list[str]:
    """``columns``, if they are all ``present``; else ``UserError`` with the closest names."""
    missing = [name for name in columns if name not in present]
    if missing:
        told = "; ".join(f"no column '{name}', {hint(name, present)}" for name in missing)
        raise UserError(f"{path}: {told}")
    return columns


def frame(path: Path, names: list[str], columns: list[list[str]]) -> pd.DataFrame:
    """A table of ``str`` columns from the texts of each."""
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
