"""Submissions of JSON lines: one object a row, each value a number or a string as the sample has it."""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pandas as pd

from podium.dialects import find_encoding, lines_of, reading
from podium.errors import UserError

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_FLAGS = {"0": False, "1": True, "false": False, "true": True}


class Number(str):
    """A JSON number as it is written: ``1.0`` is not ``1``."""


Value = Number | str | bool | None
Row = dict[str, Value]


@dataclass(frozen=True)
class Style:
    """What stands between the parts of a line, and whether other signs than ASCII's are escaped."""

    comma: str = ", "
    colon: str = ": "
    ascii: bool = False

    def line(self, row: Row) -> str:
        """A row as one line."""
        parts = (f"{self._text(key)}{self.colon}{self._value(value)}" for key, value in row.items())
        return "{" + self.comma.join(parts) + "}"

    def _value(self, value: Value) -> str:
        if isinstance(value, Number):
            return str(value)
        return self._text(value) if isinstance(value, str) else json.dumps(value)

    def _text(self, text: str) -> str:
        lone = re.search("[\ud800-\udfff]", text)  # half of a pair, which UTF-8 cannot hold
        return json.dumps(text, ensure_ascii=self.ascii or lone is not None)


def read_sample(path: Path) -> tuple[list[Row], Style]:
    """Rows of a sample with their numbers as written, and how its lines are written.

    The file is one that :func:`podium.tables.read_rows` reads, which tells what is wrong with others.
    """
    with reading(path):
        encoding = find_encoding(path, None, whole=True)
        lines = [line.strip() for line in lines_of(path, encoding, errors="strict") if line.strip()]
    rows = [_parsed(line) for line in lines]
    texts = (value for row in rows for value in row.values() if isinstance(value, str))
    escaped = all(line.isascii() for line in lines) and not all(text.isascii() for text in texts)
    for comma, colon, ascii in product((", ", ","), (": ", ":"), (False, True)):
        if lines and Style(comma, colon, ascii).line(rows[0]) == lines[0]:
            return rows, Style(comma, colon, escaped)
    return rows, Style(ascii=escaped)


def _parsed(line: str) -> Row:
    row: Row = json.loads(
        line, parse_int=Number, parse_float=Number, parse_constant=lambda _: None, strict=False
    )
    return row


def plain_rows(table: pd.DataFrame, *, numbers: Collection[str]) -> list[Row]:
    """Rows without a sample: strings, but for the columns of ``numbers``."""
    made = {name: _numbers("the submission", name, table[name]) for name in numbers}
    return _rows({name: made.get(name, list(table[name])) for name in table})


def filled_rows(
    path: Path, given: Sequence[Row], sample: pd.DataFrame, filled: pd.DataFrame, *, numbers: bool
) -> list[Row]:
    """The sample's rows with what was filled in, in the type that each column has there.

    Parameters
    ----------
    path
        The sample, for messages.
    given
        Its N rows (:func:`read_sample`); their keys keep their order, and cells that were not filled their values.
    sample, filled
        The same N rows as text, before and after.
    numbers
        Whether a column that is null in all rows gets numbers, where what is filled in is a number.

    Raises
    ------
    UserError
        A column of numbers, or of true and false, gets something else.
    """
    changed = {
        str(name): _typed(path, str(name), [row.get(str(name)) for row in given], filled[name], numbers)
        for name in filled
        if name not in sample or list(sample[name]) != list(filled[name])
    }
    return [
        {**row, **new}
        for row, new in zip(given, _rows(changed) if changed else [{} for _ in given], strict=True)
    ]


def _rows(columns: dict[str, list[Value]]) -> list[Row]:
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _typed(path: Path, name: str, given: list[Value], texts: pd.Series, numbers: bool) -> list[Value]:
    shown = [value for value in given if value is not None]
    if not shown:
        return _numbers(path, name, texts) if numbers and _all_numbers(texts) else list(texts)
    if all(isinstance(value, Number) for value in shown):
        return _numbers(path, name, texts)
    if all(isinstance(value, bool) for value in shown):
        other = next((text for text in texts if text not in _FLAGS), None)
        if other is not None:
            raise UserError(
                f"{path}: '{name}' holds true and false, and '{other}' is predicted; mend the sample"
            )
        return [_FLAGS[text] for text in texts]
    return list(texts)


def _all_numbers(texts: pd.Series) -> bool:
    return all(_NUMBER.fullmatch(text) for text in texts)


def _numbers(where: object, name: str, texts: pd.Series) -> list[Value]:
    other = next((text for text in texts if not _NUMBER.fullmatch(text)), None)
    if other is not None:
        raise UserError(
            f"{where}: '{name}' holds numbers, and '{other}' is predicted, which JSON writes as a string; "
            "mend the sample, or give the target column that holds the numbers"
        )
    return [Number(text) for text in texts]


def write_and_verify(rows: Sequence[Row], style: Style, path: Path) -> None:
    r"""Write rows in UTF-8 with ``\n`` line ends, read them again and compare, order and types of values included."""
    path.write_text("".join(f"{style.line(row)}\n" for row in rows), encoding="utf-8", newline="")
    lines = path.read_bytes().decode("utf-8").split("\n")
    written = [[_told(cell) for cell in _parsed(line).items()] for line in lines[:-1]]
    if written != [[_told(cell) for cell in row.items()] for row in rows] or lines[-1]:
        raise RuntimeError(f"{path}: the submission does not read back as it was written")


def _told(cell: tuple[str, Value]) -> tuple[str, type, Value]:
    """A cell with its type: equality alone takes a number's text for a string, and 1 for true."""
    return cell[0], type(cell[1]), cell[1]
