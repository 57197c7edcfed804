"""Lines of at most 100 columns: what both kinds of explanation and comparisons are written with.

Texts, labels and ids of the data are shown ``clean``: a terminal obeys control characters.
"""

import json
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from podium.readable import clean

WIDTH = 100


def columns(text: str) -> int:
    """Columns of a terminal that a text takes: Chinese characters and their like take two, accents none."""
    return sum(map(_column, text))


def _column(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def cut(text: str, width: int) -> str:
    """The text on one line, cut to ``width`` columns."""
    line = " ".join(clean(text).split())
    return line if columns(line) <= width else _head(line, width - 1) + "…"


def _head(text: str, width: int) -> str:
    """As much of the text as has room."""
    used = 0
    for place, letter in enumerate(text):
        used += _column(letter)
        if used > width:
            return text[:place]
    return text


def padded(text: str, width: int) -> str:
    """The text with spaces behind it up to ``width`` columns."""
    return text + " " * max(0, width - columns(text))


def table(rows: Sequence[Sequence[str]], *, before: str, right: Sequence[int] = ()) -> Iterator[str]:
    """Rows in columns, two spaces apart; columns ``right`` end at the right."""
    if not rows:
        return
    rows = [[clean(cell) for cell in row] for row in rows]
    widths = [max(columns(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        cells = [
            " " * (width - columns(cell)) + cell if k in right else padded(cell, width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield (before + "  ".join(cells)).rstrip()


def labelled(label: str, words: str, *, width: int = 13) -> list[str]:
    """A label and, beside it, words wrapped to the width."""
    first = padded(label, width)
    lines = wrap(words, WIDTH - width) or [""]
    return [f"{first}{lines[0]}".rstrip(), *(" " * width + line for line in lines[1:])]


def wrap(words: str, width: int) -> list[str]:
    """Lines of at most ``width`` (2 or more) columns; words without room on a line are cut where they must be."""
    lines, line = [], ""
    for word in clean(words).split():
        joined = f"{line} {word}" if line else word
        if columns(joined) <= width:
            line = joined
            continue
        if line and (columns(word) <= width or columns(line) > width // 2):
            lines.append(line)
            line, joined = "", word
        while columns(joined) > width:  # a text without spaces
            lines.append(_head(joined, width))
            joined = joined[len(lines[-1]) :]
        line = joined
    return [*lines, line] if line else lines


def moment(seconds: float | None) -> str:
    """A moment in local time."""
    return "?" if seconds is None else f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}"


def size(count: int) -> str:
    """Bytes in words."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def plain(value: Any) -> str:
    """A value of the config as YAML has it on one line."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, default=str)


def counted(number: int, what: str, many: str | None = None) -> str:
    """A number and what is counted: ``1 row``, ``2 rows``."""
    return f"{number:,} {what if number == 1 else many or what + 's'}"
