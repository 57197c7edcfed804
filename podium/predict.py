"""The table of predictions: ``id``, then one ``p:<class>`` column of float32 probabilities a class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

PREFIX = "p:"


def to_table(ids: Sequence[str] | pd.Series, proba: np.ndarray, labels: Sequence[str]) -> pd.DataFrame:
    """Make the table of ``ids`` (N) and ``proba`` (N, K), classes in the order of ``labels`` (K).

    Raises ``ValueError`` when shapes differ, a probability is not finite or a row does not sum to 1.
    """
    proba = np.asarray(proba, dtype=np.float64)
    if proba.shape != (len(ids), len(labels)):
        raise ValueError(f"proba has shape {proba.shape}, expected {(len(ids), len(labels))}")
    check(proba)
    columns = {f"{PREFIX}{label}": proba[:, k].astype(np.float32) for k, label in enumerate(labels)}
    return pd.DataFrame({"id": pd.Series(list(ids), dtype="str"), **columns})


def to_array(table: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
    """Return probabilities (N, K) as float64, classes in the order of ``labels``."""
    columns = [f"{PREFIX}{label}" for label in labels]
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"the predictions lack the columns {missing}")
    return table[columns].to_numpy(dtype=np.float64)


def check(proba: np.ndarray) -> None:
    """Raise ``ValueError`` unless every entry is finite, none negative, and rows sum to 1."""
    if not np.isfinite(proba).all():
        raise ValueError("probabilities hold NaN or infinity")
    if proba.size and (proba.min() < 0 or np.abs(proba.sum(axis=1) - 1).max() > 1e-3):
        raise ValueError("probabilities are negative or a row does not sum to 1")
