"""Members' predictions, in memory or in a file, read block by block; and the rows among them whose truth is known."""

import os
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol

import numpy as np

from podium.targets import TaskType

BLOCK = 1 << 22
"""Numbers in a block: 32 MB, so that a few of them fit beside anything else."""

Change = Callable[[np.ndarray], np.ndarray]


class Source(Protocol):
    """Where the predictions (M, N, K) of all rows are."""

    shape: tuple[int, int, int]
    dtype: np.dtype
    held: bool
    """Whether they are in memory."""

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return the rows from ``start`` to before ``stop``, (M, stop - start, K)."""

    def member(self, member: int) -> np.ndarray:
        """Return all rows of one member (N, K)."""


class Memory:
    """Predictions in memory."""

    held = True

    def __init__(self, array: np.ndarray) -> None:
        if array.ndim != 3:
            raise ValueError(f"predictions have the shape {array.shape}, expected (M, N, K)")
        self.array, self.dtype = array, array.dtype
        self.shape: tuple[int, int, int] = array.shape

    def read(self, start: int, stop: int) -> np.ndarray:
        """See ``Source``; a view, not a copy."""
        return self.array[:, start:stop]

    def member(self, member: int) -> np.ndarray:
        """See ``Source``; a view, not a copy."""
        return self.array[member]


class Store:
    """Predictions in a nameless file inside ``folder``, member after member: it goes when the process does.

    Read with plain reads and not memory-mapped: so no more memory is in use than a block takes.
    """

    held = False

    def __init__(self, folder: Path, shape: tuple[int, int, int], dtype: np.dtype) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)

    def write(self, member: int, table: np.ndarray) -> None:
        """Write all rows of one member (N, K)."""
        if table.shape != self.shape[1:]:
            raise ValueError(f"a member has the shape {table.shape}, expected {self.shape[1:]}")
        place = self._offset(member, 0)
        left = memoryview(np.ascontiguousarray(table, dtype=self.dtype).data).cast("B")
        while left:
            size = os.pwrite(self._file, left, place)
            left, place = left[size:], place + size

    def read(self, start: int, stop: int) -> np.ndarray:
        """See ``Source``."""
        found = np.empty((self.shape[0], stop - start, self.shape[2]), dtype=self.dtype)
        for member in range(self.shape[0]):
            self._fill(found[member], member, start)
        return found

    def member(self, member: int) -> np.ndarray:
        """See ``Source``."""
        found = np.empty(self.shape[1:], dtype=self.dtype)
        self._fill(found, member, 0)
        return found

    def _fill(self, rows: np.ndarray, member: int, start: int) -> None:
        place = self._offset(member, start)
        left = memoryview(rows.data).cast("B") if rows.size else memoryview(b"")
        while left:
            size = os.preadv(self._file, [left], place)
            if not size:
                raise OSError("the file of predictions ends too early")
            left, place = left[size:], place + size

    def _offset(self, member: int, row: int) -> int:
        return (member * self.shape[1] + row) * self.shape[2] * self.dtype.itemsize


class Changed:
    """Another source whose every block goes through ``change``, (M, n, K) to the same shape."""

    held = False

    def __init__(self, source: Source, change: Change) -> None:
        self.source, self.change = source, change
        self.shape, self.dtype = source.shape, source.dtype

    def read(self, start: int, stop: int) -> np.ndarray:
        """See ``Source``."""
        return self.change(self.source.read(start, stop))

    def member(self, member: int) -> np.ndarray:
        """See ``Source``."""
        found = np.empty(self.shape[1:], dtype=self.dtype)
        step = _rows_of(self.shape)
        for start in range(0, self.shape[1], step):
            found[start : start + step] = self.read(start, min(start + step, self.shape[1]))[member]
        return found


@dataclass(frozen=True, eq=False)
class Predictions:
    """Some ``rows`` (N,) of a source, increasing; None for all.

    ``profile`` (rows of the source, S) are figures of the texts, where a method asks for them.
    """

    source: Source
    type: TaskType
    rows: np.ndarray | None = None
    profile: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """M, N and K."""
        members, rows, classes = self.source.shape
        return members, rows if self.rows is None else len(self.rows), classes

    @property
    def figures(self) -> np.ndarray:
        """The texts' figures (N, S) float64; S is 0 where there are none."""
        if self.profile is None:
            return np.zeros((self.shape[1], 0))
        found = self.profile if self.rows is None else self.profile[self.rows]
        return found.astype(np.float64)

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield the rows piece by piece: where they stand in N, and (M, n, K) float64."""
        rows, step = self.source.shape[1], _rows_of(self.source.shape)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            if self.rows is None:
                yield slice(start, stop), self.source.read(start, stop).astype(np.float64, copy=False)
                continue
            first, last = np.searchsorted(self.rows, (start, stop)).tolist()
            if first < last:
                block = self.source.read(start, stop)[:, self.rows[first:last] - start]
                yield slice(first, last), block.astype(np.float64, copy=False)

    def member(self, member: int) -> np.ndarray:
        """Return one member's predictions (N, K) float64."""
        found = self.source.member(member)
        return (found if self.rows is None else found[self.rows]).astype(np.float64, copy=False)

    def array(self) -> np.ndarray:
        """Return all (M, N, K) float64, in memory."""
        if isinstance(self.source, Memory) and self.rows is None:
            return self.source.array.astype(np.float64, copy=False)
        found = np.empty(self.shape)
        for where, block in self.blocks():
            found[:, where] = block
        return found

    def take(self, kept: np.ndarray) -> "Predictions":
        """Return the rows where ``kept`` (N,) is true."""
        rows = np.arange(self.source.shape[1]) if self.rows is None else self.rows
        return Predictions(self.source, self.type, rows[kept], self.profile)

    def changed(self, change: Change) -> "Predictions":
        """Return the predictions after ``change``, which maps blocks (M, n, K) to the same shape, row by row.

        In memory where these are, else each time that they are read.
        """
        if not self.source.held:
            return Predictions(Changed(self.source, change), self.type, self.rows, self.profile)
        found = np.empty(self.shape, dtype=self.source.dtype)
        for where, block in self.blocks():
            found[:, where] = change(block)
        profile = None if self.profile is None else self.figures
        return Predictions(Memory(found), self.type, None, profile)

    def mapped(self, combine: Change) -> np.ndarray:
        """Return ``combine`` of every block, (M, n, K) to (n, K), as one array (N, K)."""
        found = np.empty(self.shape[1:], dtype=self.source.dtype)
        for where, block in self.blocks():
            found[where] = combine(block)
        return found


@dataclass(frozen=True, eq=False)
class Known:
    """Rows whose ``truth`` is known, as in ``podium.metrics``, and the ``folds`` (N,) that they are in.

    ``whole`` are the rows that these were taken from, with their truth: what is the same for every choice of rows is
    worked out once there and kept in ``notes``.
    """

    given: Predictions
    truth: np.ndarray
    folds: np.ndarray
    whole: "Known | None" = None
    notes: dict[str, object] | None = None

    @classmethod
    def of(cls, given: Predictions, truth: np.ndarray, folds: np.ndarray) -> "Known":
        """Rows that are taken from no others."""
        return cls(given, truth, folds, None, {})

    @property
    def rows(self) -> np.ndarray:
        """Where the rows (N,) stand in ``whole``, or in themselves."""
        if self.whole is None:
            return np.arange(len(self.truth))
        inside = self.whole.given.rows
        mine = np.arange(len(self.truth)) if self.given.rows is None else self.given.rows
        return mine if inside is None else np.searchsorted(inside, mine)

    def take(self, kept: np.ndarray) -> "Known":
        """Return the rows where ``kept`` (N,) is true."""
        whole = self if self.whole is None else self.whole
        return Known(self.given.take(kept), self.truth[kept], self.folds[kept], whole)

    def changed(self, change: Change) -> "Known":
        """Return the same rows with changed predictions; see ``Predictions.changed``."""
        return Known.of(self.given.changed(change), self.truth, self.folds)


def _rows_of(shape: tuple[int, int, int]) -> int:
    """Return how many rows make a block."""
    return max(1, BLOCK // (shape[0] * max(1, shape[2])))
