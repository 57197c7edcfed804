"""A text view of a file of any length: read, normalised and written batch by batch, by several processes.

Batches do not depend on who works on them, so the bytes do not depend on the number of processes. What is kept of all
rows is nothing, or for ``drop_duplicates`` some 60 bytes a row besides its id.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from podium.files import temporary_beside
from podium.side_by_side import MANY_ROWS, side_by_side
from podium.text.same import digests, first_rows
from podium.text.steps import SAME_AS, TEXTS, Step, apply, drops_duplicates, pipeline

BATCH_ROWS = 4096
_READ_BYTES = 1 << 20

Result = TypeVar("Result")


class Rows(NamedTuple):
    """Some rows of a table: their ids, and the texts of each text column."""

    ids: list[str]
    texts: dict[str, list[str]]


class Made(NamedTuple):
    """What a view makes of some rows: their texts, and their digests where duplicates matter."""

    texts: dict[str, list[str]]
    digests: np.ndarray | None


def write_view(
    table: Path,
    out: Path,
    *,
    steps: Sequence[Step],
    language: str,
    wordnet: Path | None,
    processes: int,
) -> None:
    """Write the view of the Parquet table ``table`` to ``out``: the rows of ``podium.text.normalise``, streamed.

    Parameters
    ----------
    table
        ``id``, ``text_a`` and perhaps ``text_b``; other columns are left out.
    out
        Replaced when the view is complete.
    steps, language, wordnet
        See ``podium.text.normalise``.
    processes
        How many work side by side where the rows are many.

    Raises
    ------
    UserError
        See ``podium.text.steps.pipeline``.
    """
    pipeline(steps, language=language, wordnet=None)  # a mistake is told before anything is written
    work = functools.partial(_make, steps=tuple(steps), language=language, wordnet=wordnet)
    with temporary_beside(out) as texts:
        ids, digested = _write_texts(table, texts, work, processes)
        if not drops_duplicates(steps):
            texts.replace(out)
            return
        with temporary_beside(out, ".same") as marked:
            _add_same_as(texts, marked, ids, first_rows(digested))
            marked.replace(out)


def _make(rows: Rows, *, steps: Sequence[Step], language: str, wordnet: Path | None) -> Made:
    functions = pipeline(steps, language=language, wordnet=wordnet)
    done = {name: apply(functions, texts) for name, texts in rows.texts.items()}
    return Made(done, digests(list(done.values())) if drops_duplicates(steps) else None)


def _write_texts(
    table: Path, out: Path, work: Callable[[Rows], Made], processes: int
) -> tuple[pa.ChunkedArray, np.ndarray]:
    """Write ids and texts; return the ids of all rows and their digests where duplicates matter, else of none."""
    ids: list[pa.Array] = []
    digested = [np.zeros((0, 2), dtype=np.uint64)]
    with pq.ParquetWriter(out, schema_of(table), compression="zstd") as writer:
        for rows, made in each_batch(table, work, processes):
            batch = {"id": pa.array(rows.ids, pa.string())}
            batch |= {name: pa.array(texts, pa.string()) for name, texts in made.texts.items()}
            writer.write_table(pa.table(batch))
            if made.digests is not None:
                ids.append(batch["id"])
                digested.append(made.digests)
    return pa.chunked_array(ids, pa.string()), np.concatenate(digested)


def _add_same_as(texts: Path, out: Path, ids: pa.ChunkedArray, first: np.ndarray) -> None:
    """Copy a table and add the column ``same_as``: of each row the id of the row that ``first`` names."""
    with pq.ParquetFile(texts, buffer_size=_READ_BYTES) as source:
        schema = source.schema_arrow.append(pa.field(SAME_AS, pa.string()))
        with pq.ParquetWriter(out, schema, compression="zstd") as writer:
            start = 0
            for batch in read_batches(source, source.schema_arrow.names):
                same = ids.take(pa.array(first[start : start + len(batch)])).combine_chunks()
                writer.write_table(pa.Table.from_batches([batch]).append_column(SAME_AS, same))
                start += len(batch)


def schema_of(table: Path) -> pa.Schema:
    """The columns of a view of ``table``, without ``same_as``."""
    names = pq.read_schema(table).names
    return pa.schema([(name, pa.string()) for name in ("id", *TEXTS) if name in names])


def read_batches(source: pq.ParquetFile, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file in order; one row group after the other, as Arrow keeps something of each it opened."""
    for group in range(source.num_row_groups):
        yield from source.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns)


def each_batch(table: Path, work: Callable[[Rows], Result], processes: int) -> Iterator[tuple[Rows, Result]]:
    """Yield the batches of a table, in order, each with what ``work`` makes of it in one of ``processes``.

    ``work`` is a function that another process can import. At most two batches a process are held at a time.
    """
    with pq.ParquetFile(table, buffer_size=_READ_BYTES) as source:
        rows = map(_rows, read_batches(source, schema_of(table).names))
        yield from side_by_side(rows, work, processes if source.metadata.num_rows >= MANY_ROWS else 1)


def _rows(batch: pa.RecordBatch) -> Rows:
    columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
    ids = columns.pop("id")
    return Rows(ids, {name: [text or "" for text in columns[name]] for name in TEXTS if name in columns})
