"""The frame of all kinds of augmentation: which copies are wanted, and the table of those that were made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

import pandas as pd

from podium.seeds import derive

Segments = Literal["either", "a", "b", "both"]


@dataclass(frozen=True, slots=True)
class Job:
    """One text to change: segment ``column`` of row number ``row``, for its ``copy`` in ``draw``.

    ``seed`` depends on the row's texts, the run's seed, the copy, the draw and the column alone.
    """

    row: int
    draw: int
    copy: int
    column: str
    text: str
    seed: int


def columns_of(table: pd.DataFrame) -> list[str]:
    """Text columns of ``table``: ``text_a`` and perhaps ``text_b``."""
    return [column for column in ("text_a", "text_b") if column in table.columns]


def choose(texts: dict[str, str], segments: Segments, random: Random) -> list[str]:
    """Columns of one row to change: for ``either`` one that is not empty, drawn; else those that are named."""
    if len(texts) == 1:
        return list(texts)
    if segments == "both":
        return [column for column, text in texts.items() if text.strip()]
    if segments != "either":
        return [f"text_{segments}"]
    filled = [column for column, text in texts.items() if text.strip()] or list(texts)
    return [random.choice(filled)]


def rows_of(table: pd.DataFrame) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (number, texts by column) of each row; a missing text is empty."""
    columns = columns_of(table)
    filled = [table[column].fillna("") for column in columns]
    for row, texts in enumerate(zip(*filled, strict=True)):
        yield row, dict(zip(columns, texts, strict=True))


def jobs(table: pd.DataFrame, *, copies: int, draws: int, segments: Segments, seed: int) -> list[Job]:
    """Every text to change, in the order of the rows, draws and copies.

    Copies are numbered from 1 in each draw, draws from 0. A pair whose two texts are both to change has two jobs of
    one copy. What is drawn for a copy does not change with ``copies`` or ``draws``, or with the other rows.
    """
    if copies < 1 or draws < 1:
        raise ValueError(f"copies and draws must be at least 1, not {copies} and {draws}")
    found = []
    for row, texts in rows_of(table):
        for draw in range(draws):
            for copy in range(1, copies + 1):
                own = derive(seed, "copy", draw, copy, *texts.values())
                for column in choose(texts, segments, Random(own)):
                    found.append(Job(row, draw, copy, column, texts[column], derive(own, column)))
    return found


def assemble(
    table: pd.DataFrame, wanted: Sequence[Job], made: Sequence[str], *, method: str, copies: int
) -> pd.DataFrame:
    """Put the ``made`` texts (one for each of the jobs ``wanted``) into copies of their rows.

    Returns
    -------
    ``id`` (``<source_id>~<method><n>``, n = draw * copies + copy), ``source_id``, ``made_by``, ``text_a`` and
    ``text_b`` where given, ``copy`` and ``draw`` (int32), in the order of the jobs.
    """
    if len(wanted) != len(made):
        raise ValueError(f"{len(made)} texts were made for {len(wanted)} jobs")
    texts = dict(rows_of(table))
    found: dict[tuple[int, int, int], dict[str, str]] = {}
    for job, text in zip(wanted, made, strict=True):
        found.setdefault((job.row, job.draw, job.copy), dict(texts[job.row]))[job.column] = text
    ids = table["id"].tolist()
    rows = [
        {
            "id": f"{ids[row]}~{method}{draw * copies + copy}",
            "source_id": ids[row],
            "made_by": method,
            **copied,
            "copy": copy,
            "draw": draw,
        }
        for (row, draw, copy), copied in found.items()
    ]
    names = ["id", "source_id", "made_by", *columns_of(table), "copy", "draw"]
    types = {name: "int32" if name in ("copy", "draw") else "str" for name in names}
    return pd.DataFrame(rows, columns=names).astype(types)
