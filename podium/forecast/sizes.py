"""How much text a task has: rows and lengths of its parts, from its files now, or from what an earlier run read."""

import dataclasses
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from podium import ingest, tokens
from podium.errors import UserError
from podium.files import read_table
from podium.plan import Plan
from podium.plan_span import SpanPlan
from podium.span.files import columns_of_table
from podium.span.ingest import Ingested, from_file

SAMPLE = 400
"""Texts of a part that a tokenizer is tried on; they are drawn evenly over the file."""
LATIN_PER_TOKEN = 4.4
"""Letters of a token where no tokenizer is there yet, of a word-piece vocabulary on English news."""


@dataclasses.dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Part:
    """One file's rows: how many, characters of a row on average, and some texts (segments of a pair side by side).

    ``different``: the share of all characters that would be left if each text stood there once.
    """

    rows: int
    characters: float
    sample: tuple[tuple[str, ...], ...]
    different: float = 1.0

    @property
    def millions(self) -> float:
        """Characters of the whole part, in millions."""
        return self.rows * self.characters / 1e6


EMPTY = Part(rows=0, characters=0.0, sample=())


@dataclasses.dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Size:
    """The parts of a task by name (``train``, ``test``, others), and its number of classes."""

    parts: dict[str, Part]
    classes: int

    def part(self, name: str) -> Part:
        """A part; an empty one where nothing is known of it."""
        return self.parts.get(name, EMPTY)


def _fetched(rows: int, lengths: Sequence[int]) -> Part:
    """A file that a rule fetches, before it is there: its rows, and tenths of its texts' lengths."""
    sample = tuple((("word " * (length // 5 + 1))[:length],) for length in lengths)
    return Part(rows=rows, characters=float(np.mean(lengths)), sample=sample)


KNOWN = {
    "data/reuters_r8/train.csv": _fetched(5485, (68, 103, 165, 243, 327, 424, 540, 686, 1109, 2062)),
    "data/reuters_r8/test.csv": _fetched(2189, (69, 105, 156, 209, 289, 376, 493, 604, 971, 1806)),
}
KNOWN_CLASSES = 8


def planned(plan: Plan) -> Size:
    """What the task's files hold now; ``UserError`` where they cannot be read. Files not yet there have no rows."""
    return _of_questions(plan) if isinstance(plan, SpanPlan) else _of_rows(plan)


def _of_rows(plan: Plan) -> Size:
    task = plan.labelled_task
    wanted = ingest.needed(id=task.id, text=task.text, target=None, group=None)
    form: dict[str, Any] = {"encoding": task.encoding, "separator": task.separator, "columns": task.columns}
    parts, classes = {}, 1
    for name, path in (("train", task.train), ("test", task.test)):
        target = task.target if name == "train" else None
        columns = ingest.needed(id=task.id, text=task.text, target=target, group=None)
        if Path(path).is_file():
            rows = ingest.read_part(Path(path), columns, **form)
            parts[name] = _part(_segments(rows, task.text))
            classes = _classes(rows, task.target, plan.type) if target is not None else classes
        elif path in KNOWN:
            parts[name], classes = KNOWN[path], KNOWN_CLASSES
    for name in plan.other_names():
        block, own = plan.other_file(name), plan.other_form(name)
        if Path(block.file).is_file():
            coded = {key: own[key] for key in ("encoding", "separator", "columns")}
            present = [column for column in wanted if column != task.id]
            try:
                rows = ingest.read_part(Path(block.file), present, **coded)
                parts[name] = _part(_segments(rows, own["text"]))
            except (UserError, KeyError):  # told by the check of the files
                continue
    return Size(parts=parts, classes=classes)


def _of_questions(plan: SpanPlan) -> Size:
    files = {"train": plan.span.train, "test": plan.span.test}
    present = [name for name, path in files.items() if Path(path).is_file()]
    return Size(parts={name: _part(questions(plan, name).rows) for name in present}, classes=2)


def questions(plan: SpanPlan, part: str) -> Ingested:
    """The questions of ``train`` or ``test``, read from the user's file; ``UserError`` where they have mistakes."""
    answered = part == "train"
    path = Path(plan.span.train if answered else plan.span.test)
    form = plan.ingest()
    names = [None, None] if not answered else [form["answer"], form["start"]]
    columns = columns_of_table(
        *(path, form["id"], form["question"], form["context"]),
        answer=names[0],
        start=names[1],
        article=form["article"],
    )
    given = {key: form[key] for key in ("group", "max_lost", "encoding", "separator")}
    return from_file(path, columns, answered=answered, **given)


def _segments(rows: pd.DataFrame, text: Sequence[str | list[str]]) -> pd.DataFrame:
    joined = {}
    for name, columns in zip(ingest.SEGMENTS, text, strict=False):
        named = [columns] if isinstance(columns, str) else columns
        joined[name] = rows[named].agg(" ".join, axis=1) if len(named) > 1 else rows[named[0]]
    return pd.DataFrame(joined)


def _classes(rows: pd.DataFrame, target: str | list[str], type: str) -> int:
    if isinstance(target, list):
        return len(target)
    return 1 if type == "regression" else max(1, int(rows[target].nunique()))


def past(plan: Plan, results: Path) -> Size | None:
    """What an earlier run read, from its tables; None where there are none."""
    folder = results / "ingest" / plan.task
    parts, classes = {}, 1
    for path in sorted(folder.glob("*.parquet")):
        names = pq.read_schema(path).names
        texts = [name for name in ingest.SEGMENTS if name in names]
        if not texts:
            continue
        parts[path.stem] = _part(read_table(path, texts))
        if path.stem == "train" and "target" in names:
            classes = max(1, int(read_table(path, ["target"])["target"].nunique()))
    spans = isinstance(plan, SpanPlan)
    return Size(parts=parts, classes=2 if spans else classes) if parts else None


def _part(rows: pd.DataFrame) -> Part:
    texts = [name for name in ingest.SEGMENTS if name in rows]
    each = pd.concat([rows[name] for name in texts], ignore_index=True)
    whole, once = (float(found.str.len().sum()) for found in (each, each.drop_duplicates()))
    places = np.unique(np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.int64))
    sample = tuple(zip(*(rows[name].iloc[places] for name in texts), strict=True))
    different = once / whole if whole else 1.0
    return Part(rows=len(rows), characters=whole / max(1, len(rows)), sample=sample, different=different)


def lengths(part: Part, folder: str | None) -> np.ndarray:
    """Tokens (S, P) of the segments of each text in the sample, special ones not counted.

    By the tokenizer in ``folder`` where it is there; else by a rule of thumb: a token for each letter of a script
    without spaces, and for each 4.4 others.
    """
    return _lengths(part.sample, folder if folder and Path(folder, "tokenizer.json").is_file() else None)


@cache
def _lengths(sample: tuple[tuple[str, ...], ...], folder: str | None) -> np.ndarray:
    columns = [list(column) for column in zip(*sample, strict=True)]
    if folder is None:
        counted = [[_guess(text) for text in column] for column in columns]
    else:
        opened = tokens.open_tokenizer(Path(folder))
        counted = [[len(ids) for ids in opened.ids(column)] for column in columns]
    return np.array(counted, dtype=np.float64).T if counted else np.zeros((0, 1))


def _guess(text: str) -> float:
    wide = sum("\u3040" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7a3" for letter in text)
    return wide + (len(text) - wide) / LATIN_PER_TOKEN


def words(part: Part, longest: int) -> float:
    """Words of a row on average, at most ``longest``; a letter of a script without spaces counts as one."""
    counts = [sum(max(len(text.split()), _guess(text) * 0.7) for text in texts) for texts in part.sample]
    return float(np.minimum(counts, longest).mean()) if counts else 0.0
