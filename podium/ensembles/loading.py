"""Read the members' prediction tables one after the other, into memory or, where they are many, into a file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from podium import predict
from podium.ensembles.predictions import Memory, Source, Store
from podium.errors import UserError
from podium.stopwatch import measure
from podium.targets import TaskType

HELD = 1 << 28
"""Numbers that are held in memory at most (2 GB); more go through a file."""
_BATCH = 1 << 16
_SHOWN = 3


def load(
    paths: Sequence[Path],
    ids: pd.Series,
    labels: Sequence[str],
    type: TaskType,
    *,
    members: Sequence[str],
    scratch: Path,
    held: int,
) -> Source:
    """Return the predictions (M, N, K) of tables, rows in the order of ``ids`` (N), classes in that of ``labels`` (K).

    Up to ``held`` numbers stay in memory as float64; more go to a file in ``scratch`` that goes with the process,
    probabilities as the float32 that the tables hold. NaN or infinity raises ``UserError`` with the member and its
    rows; ids, classes or probabilities that are wrong in another way raise ``ValueError``.
    """
    shape = (len(paths), len(ids), len(labels))
    order = pd.Index(ids)
    if not order.is_unique:
        raise ValueError("the ids to predict are not unique")
    if np.prod(shape, dtype=np.int64) <= held:
        found = np.empty(shape)
        for place, path in enumerate(paths):
            _fill(found[place], path, order, labels, type, members[place])
        return Memory(found)
    store = Store(scratch, shape, np.dtype(np.float64 if type == "regression" else np.float32))
    table = np.empty(shape[1:], dtype=store.dtype)
    for place, path in enumerate(paths):
        _fill(table, path, order, labels, type, members[place])
        store.write(place, table)
    return store


def _fill(
    table: np.ndarray, path: Path, order: pd.Index, labels: Sequence[str], type: TaskType, member: str
) -> None:
    """Fill ``table`` (N, K) from a file, batch by batch."""
    columns = predict.columns(labels, type)
    seen = np.zeros(len(order), dtype=bool)
    with measure("files"), pq.ParquetFile(path) as file:
        missing = [column for column in ("id", *columns) if column not in file.schema_arrow.names]
        if missing:
            raise ValueError(f"{path}: the predictions lack the columns {missing}")
        for batch in file.iter_batches(batch_size=_BATCH, columns=["id", *columns]):
            rows = order.get_indexer(pd.Index(batch.column("id").to_pandas()))
            if (rows < 0).any() or seen[rows].any() or len(np.unique(rows)) < len(rows):
                raise ValueError(f"{path}: the ids of '{member}' are not those expected, each once")
            seen[rows] = True
            values = np.column_stack(
                [batch.column(column).to_numpy(zero_copy_only=False) for column in columns]
            )
            _refuse_nan(values, rows, order, member, path)
            predict.check(values, type)
            table[rows] = values
    if not seen.all():
        raise ValueError(f"{path}: the ids of '{member}' are {seen.sum()} of the {len(order)} expected")


def _refuse_nan(values: np.ndarray, rows: np.ndarray, order: pd.Index, member: str, path: Path) -> None:
    wrong = ~np.isfinite(values).all(axis=1)
    if not wrong.any():
        return
    names = ", ".join(f"'{name}'" for name in order[rows[wrong][:_SHOWN]])
    more = f" and {wrong.sum() - _SHOWN} more" if wrong.sum() > _SHOWN else ""
    raise UserError(
        f"ensemble: member '{member}' predicts NaN or infinity for the rows {names}{more} ({path}): "
        "delete its results/train folder to train it again, or leave it out with ensemble.members"
    )
