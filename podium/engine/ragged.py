"""Lists of token ids of different lengths in one flat array, and pieces of them without a loop over rows."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa

BLOCK = 1 << 22  # elements that are copied at a time: bounds the memory that indices take


@dataclasses.dataclass(frozen=True, slots=True)
class Ragged:
    """N lists: list i is ``flat[starts[i] : starts[i] + lengths[i]]``. A view: lists may overlap or leave gaps."""

    flat: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, column: "pd.Series[Any]") -> Self:
        """Take a column of lists, as Arrow lists (not copied) or as one array or list a row."""
        if isinstance(column.dtype, pd.ArrowDtype):
            chunks = pa.chunked_array(column.array.__arrow_array__())
            lists = chunks.combine_chunks() if chunks.num_chunks != 1 else chunks.chunk(0)
            offsets = lists.offsets.to_numpy().astype(np.int64)
            flat = lists.values.to_numpy(zero_copy_only=False)
            return cls(flat.astype(np.int32, copy=False), offsets[:-1], np.diff(offsets))
        rows = column.tolist()
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        flat = np.concatenate([np.zeros(0, dtype=np.int32), *rows], dtype=np.int32, casting="unsafe")
        return cls(flat, np.cumsum(lengths) - lengths, lengths)

    def take(self, rows: np.ndarray) -> Self:
        """Return the lists ``rows`` (M,), in that order."""
        return dataclasses.replace(self, starts=self.starts[rows], lengths=self.lengths[rows])

    def window(self, offsets: np.ndarray, lengths: np.ndarray) -> Self:
        """Return of each list the part of ``lengths`` (N,) elements from ``offsets`` (N,) on."""
        return dataclasses.replace(self, starts=self.starts + offsets, lengths=lengths)

    def first(self, counts: np.ndarray) -> Self:
        """Return the first ``counts`` (N,) elements of each list."""
        return dataclasses.replace(self, lengths=np.minimum(self.lengths, counts))

    def last(self, counts: np.ndarray) -> Self:
        """Return the last ``counts`` (N,) elements of each list."""
        kept = np.minimum(self.lengths, counts)
        return self.window(self.lengths - kept, kept)


def joined(parts: Sequence[Ragged | int], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Join the parts of each of N ``rows``, in their order; an int is one element of every row.

    Returns
    -------
    The elements (T,) int32 of all rows, and offsets (N + 1,) int64: row i is ``flat[offsets[i] : offsets[i + 1]]``.
    """
    offsets = np.zeros(rows + 1, dtype=np.int64)
    np.cumsum(sizes(parts, rows).sum(axis=1), out=offsets[1:])
    flat = np.empty(offsets[-1], dtype=np.int32)
    place = offsets[:-1].copy()
    for part in parts:
        if isinstance(part, int):
            flat[place] = part
            place += 1
        else:
            _copy(part, flat, place)
            place += part.lengths
    return flat, offsets


def sizes(parts: Sequence[Ragged | int], rows: int) -> np.ndarray:
    """Number of elements (N, P) of each of P parts in each row."""
    each = [np.ones(rows, dtype=np.int64) if isinstance(part, int) else part.lengths for part in parts]
    return np.stack(each, axis=1) if each else np.zeros((rows, 0), dtype=np.int64)


def _copy(part: Ragged, flat: np.ndarray, places: np.ndarray) -> None:
    """Copy list i of ``part`` to ``flat[places[i]:]``, some million elements at a time."""
    ends = np.cumsum(part.lengths)
    total = int(ends[-1]) if len(ends) else 0
    bounds = np.unique([0, *np.searchsorted(ends, np.arange(BLOCK, total, BLOCK)), len(ends)])
    for low, high in itertools.pairwise(bounds.tolist()):
        lengths = part.lengths[low:high]
        before = np.cumsum(lengths) - lengths
        count = np.arange(lengths.sum())
        source = np.repeat(part.starts[low:high] - before, lengths) + count
        flat[np.repeat(places[low:high] - before, lengths) + count] = part.flat[source]
