"""Probabilities of several models, averaged, whole or a batch of rows at a time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from podium import predict
from podium.targets import TaskType


class Average:
    """The mean of predictions tables with the same rows (R), of which ``ids`` are kept (N).

    ``ids`` (N,) are the kept rows' ids in the order of the tables. Raises ``ValueError`` where the tables differ.
    """

    def __init__(self, tables: list[Path], labels: list[str], type: TaskType, *, among: pd.Series) -> None:
        self.tables, self.labels, self.type = tables, labels, type
        ids = [pq.read_table(path, columns=["id"]).to_pandas()["id"] for path in tables]
        if not all(ids[0].equals(other) for other in ids[1:]):
            raise ValueError("the models' probabilities are not of the same rows in the same order")
        self.keep = ids[0].isin(among).to_numpy()
        self.ids = ids[0][self.keep].reset_index(drop=True)

    @property
    def cells(self) -> int:
        """Kept rows times classes."""
        return len(self.ids) * len(self.labels)

    def whole(self) -> np.ndarray:
        """Return all probabilities (N, K) float64."""
        found = list(self.batches(max(1, len(self.keep))))
        return np.concatenate(found) if found else np.zeros((0, len(self.labels)))

    def batches(self, rows: int) -> Iterator[np.ndarray]:
        """Yield probabilities (B, K) float64 of the kept ones of ``rows`` rows at a time, in order; none is empty."""
        names = ["id", *predict.columns(self.labels, self.type)]
        files = [pq.ParquetFile(path) for path in self.tables]
        start = 0
        for batch in zip(*(file.iter_batches(rows, columns=names) for file in files), strict=True):
            keep = self.keep[start : start + len(batch[0])]
            start += len(batch[0])
            tables = [part.to_pandas() for part in batch]
            proba = np.mean([predict.to_array(table, self.labels, self.type) for table in tables], axis=0)
            predict.check(proba, self.type)
            if keep.any():
                yield proba[keep]
