"""What a member says of a span task: how probable each character is to begin and to end the answer.

Characters, not tokens, so that members with other tokenizers, seeds and folds can be averaged before decoding. One row
of the table for each question:

========== ================ ==================================================================================
column     type             meaning
========== ================ ==================================================================================
``id``     str
``places`` list of int32    characters of the context (from 0), ascending: those with any probability
``start``  list of float32  probability that the answer begins with this character, given that there is one
``end``    list of float32  ... that it ends with this character (the last of the answer, not the one behind)
``null``   float32          probability that there is no answer
========== ================ ==================================================================================

Sparse: a member leaves out characters that are all but impossible, so the sums of ``start`` and of ``end`` are 1 or a
little less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from podium.files import read_table, write_atomically

PLACES = pa.list_(pa.field("element", pa.int32()))
SHARES = pa.list_(pa.field("element", pa.float32()))
_ROUNDING = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """The table as flat arrays: question n has ``places[offsets[n] : offsets[n + 1]]``.

    ``start`` and ``end`` (T,) float64 belong to ``places`` (T,) int64, ``null`` (N,) float64 to ``ids`` (N).
    """

    ids: list[str]
    offsets: np.ndarray
    places: np.ndarray
    start: np.ndarray
    end: np.ndarray
    null: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def row(self) -> np.ndarray:
        """The question (T,) that each place belongs to."""
        return np.repeat(np.arange(len(self.ids)), np.diff(self.offsets))

    @classmethod
    def gather(
        cls,
        ids: Sequence[str],
        rows: np.ndarray,
        places: np.ndarray,
        start: np.ndarray,
        end: np.ndarray,
        null: np.ndarray,
    ) -> Self:
        """Make predictions of entries (T,) in any order; those of one question and place are added up."""
        span = int(places.max(initial=0)) + 1
        keys, index = np.unique(rows.astype(np.int64) * span + places, return_inverse=True)
        offsets = np.searchsorted(keys, np.arange(len(ids) + 1, dtype=np.int64) * span)
        first, last = (np.bincount(index, weights=values, minlength=len(keys)) for values in (start, end))
        return cls(list(ids), offsets, keys % span, first, last, np.asarray(null, dtype=np.float64))

    def take(self, rows: np.ndarray) -> Self:
        """Return the questions ``rows`` (M,), in that order."""
        counts = np.diff(self.offsets)[rows]
        number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        index = np.repeat(self.offsets[rows], counts) + number
        return type(self)(
            [self.ids[row] for row in rows.tolist()],
            np.r_[0, np.cumsum(counts)],
            *(self.places[index], self.start[index], self.end[index], self.null[rows]),
        )

    def in_order(self, ids: Sequence[str]) -> Self:
        """Return the questions ``ids``, in that order; ``ValueError`` where one is lacking."""
        known = {id: row for row, id in enumerate(self.ids)}
        lacking = [id for id in ids if id not in known]
        if lacking:
            raise ValueError(f"the predictions lack {len(lacking)} questions, the first is '{lacking[0]}'")
        return self.take(np.array([known[id] for id in ids], dtype=np.int64))

    def pruned(self, *, kept: int, least: float) -> Self:
        """Return only the places that are among the ``kept`` most probable starts or ends, with ``least`` at least."""
        keep = np.zeros(len(self.places), dtype=bool)
        row = self.row
        for values in (self.start, self.end):
            order = np.lexsort([-values, row])
            rank = np.arange(len(order)) - self.offsets[row[order]]
            keep[order] |= (rank < kept) & (values[order] >= least)
        counts = np.bincount(row[keep], minlength=len(self))
        return type(self)(
            self.ids,
            np.r_[0, np.cumsum(counts)],
            *(self.places[keep], self.start[keep], self.end[keep], self.null),
        )


def check(spans: Spans) -> None:
    """Raise ``ValueError`` unless every number is a probability, sums are 1 at most and places ascend."""
    for name, values in (("start", spans.start), ("end", spans.end), ("null", spans.null)):
        if not (np.isfinite(values).all() and (values >= 0).all() and (values <= 1 + _ROUNDING).all()):
            raise ValueError(f"predictions of spans: {name} holds what is no probability")
    for name, values in (("start", spans.start), ("end", spans.end)):
        if len(spans) and np.bincount(spans.row, values, len(spans)).max() > 1 + _ROUNDING:
            raise ValueError(f"predictions of spans: the {name}s of a question sum to more than 1")
    steps = np.diff(spans.places)
    inner = spans.row[1:] == spans.row[:-1]
    if (spans.places < 0).any() or (steps[inner] <= 0).any():
        raise ValueError("predictions of spans: places must ascend from 0")


def write(spans: Spans, path: Path) -> None:
    """Check and write predictions as Parquet; the same bytes each time."""
    check(spans)
    offsets = pa.array(spans.offsets.astype(np.int32))
    columns = {"places": (spans.places, np.int32, PLACES), "start": (spans.start, np.float32, SHARES)}
    columns["end"] = (spans.end, np.float32, SHARES)
    table = {"id": pa.array(spans.ids, type=pa.string())}
    for name, (values, width, kind) in columns.items():
        table[name] = pa.ListArray.from_arrays(offsets, pa.array(values.astype(width)), type=kind)
    table["null"] = pa.array(spans.null.astype(np.float32))
    write_atomically(path, lambda temporary: pq.write_table(pa.table(table), temporary, compression="zstd"))


def read(path: Path) -> Spans:
    """Read what :func:`write` wrote."""
    return from_table(read_table(path))


def from_table(table: pd.DataFrame) -> Spans:
    """Make predictions of a table that ``podium.files.read_table`` read."""
    lists = {}
    for name in ("places", "start", "end"):
        found = pa.chunked_array(table[name].array.__arrow_array__()).combine_chunks()
        array = found if isinstance(found, pa.ListArray) else found.chunk(0)
        lists[name] = array.flatten().to_numpy(zero_copy_only=False)
        offsets = array.offsets.to_numpy().astype(np.int64)
    return Spans(
        table["id"].tolist(),
        offsets - offsets[0],
        lists["places"].astype(np.int64),
        lists["start"].astype(np.float64),
        lists["end"].astype(np.float64),
        table["null"].to_numpy(dtype=np.float64),
    )


def join(parts: Sequence[Spans]) -> Spans:
    """Put predictions of different questions, such as those of the folds, one behind the other."""
    sizes = [int(part.offsets[-1]) for part in parts]
    before = np.cumsum([0, *sizes])[:-1]
    offsets = [part.offsets[1:] + base for part, base in zip(parts, before, strict=True)]
    return Spans(
        [id for part in parts for id in part.ids],
        np.concatenate([np.zeros(1, dtype=np.int64), *offsets]),
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("places", "start", "end", "null")
        ),
    )


def average(members: Sequence[Spans], weights: Sequence[float] | np.ndarray) -> Spans:
    """Return the weighted arithmetic mean of members' predictions for the same questions in the same order.

    ``weights`` (M,) are not negative and are divided by their sum. A member of weight 0 adds no place. Starts and ends
    are given that there is an answer, so within a question a member also counts by how probable it holds one to be.
    """
    share = np.asarray(weights, dtype=np.float64)
    if len(share) != len(members) or (share < 0).any() or not share.sum() > 0:
        raise ValueError(f"{len(members)} members cannot be averaged by the weights {share.tolist()}")
    if any(member.ids != members[0].ids for member in members):
        raise ValueError("members cannot be averaged: they predict other questions or another order")
    share = share / share.sum()
    used = [(member, part) for member, part in zip(members, share.tolist(), strict=True) if part > 0]
    null = np.sum([part * member.null for member, part in used], axis=0)
    # P(begins here) is P(answer) times P(begins here, given an answer): these are averaged, then divided by P(answer)
    factors = [part * (1 - member.null) for member, part in used]
    factors = [factor / np.maximum(1 - null, 1e-12) for factor in factors]
    even = null > 1 - 1e-9  # nobody believes in an answer
    factors = [np.where(even, part, factor) for factor, (_, part) in zip(factors, used, strict=True)]
    rows = [member.row for member, _ in used]
    start, end = (
        np.concatenate(
            [values * factor[row] for values, factor, row in zip(column, factors, rows, strict=True)]
        )
        for column in ([member.start for member, _ in used], [member.end for member, _ in used])
    )
    places = np.concatenate([member.places for member, _ in used])
    return Spans.gather(members[0].ids, np.concatenate(rows), places, start, end, null)
