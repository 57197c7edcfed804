"""The table of predictions: ``id``, then one column a class or value.

Classes are named ``p:<class>`` and hold float32 probabilities; those of a single-label row sum to 1. The values of a
regression are named ``v:<column>`` and hold float64.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from podium.targets import TaskType

PREFIX, VALUE_PREFIX = "p:", "v:"

_ROUNDING = 1e-6


def columns(labels: Sequence[str], type: TaskType = "single_label") -> list[str]:
    """Return the columns of the classes or values ``labels`` (K)."""
    prefix = VALUE_PREFIX if type == "regression" else PREFIX
    return [f"{prefix}{label}" for label in labels]


def to_table(
    ids: Sequence[str] | pd.Series,
    proba: np.ndarray,
    labels: Sequence[str],
    type: TaskType = "single_label",
) -> pd.DataFrame:
    """Make the table of ``ids`` (N) and ``proba`` (N, K), classes or values in the order of ``labels`` (K).

    Raises ``ValueError`` when shapes differ, and as ``check`` does.
    """
    proba = np.asarray(proba, dtype=np.float64)
    if proba.shape != (len(ids), len(labels)):
        raise ValueError(f"proba has shape {proba.shape}, expected {(len(ids), len(labels))}")
    check(proba, type)
    width = np.float64 if type == "regression" else np.float32
    filled = {name: proba[:, k].astype(width) for k, name in enumerate(columns(labels, type))}
    return pd.DataFrame({"id": pd.Series(list(ids), dtype="str"), **filled})


def to_array(table: pd.DataFrame, labels: Sequence[str], type: TaskType = "single_label") -> np.ndarray:
    """Return probabilities or values (N, K) as float64, in the order of ``labels``."""
    wanted = columns(labels, type)
    missing = [column for column in wanted if column not in table.columns]
    if missing:
        raise ValueError(f"the predictions lack the columns {missing}")
    return table[wanted].to_numpy(dtype=np.float64)


def check(proba: np.ndarray, type: TaskType = "single_label") -> None:
    """Raise ``ValueError`` unless every entry is finite and, of probabilities, none outside 0 to 1.

    Rows of a single-label task sum to 1.
    """
    what = "values" if type == "regression" else "probabilities"
    if not np.isfinite(proba).all():
        raise ValueError(f"{what} hold NaN or infinity")
    if not proba.size or type == "regression":
        return
    if type == "multi_label":
        if proba.min() < -_ROUNDING or proba.max() > 1 + _ROUNDING:
            raise ValueError("probabilities are below 0 or above 1")
    elif proba.min() < 0 or np.abs(proba.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError("probabilities are negative or a row does not sum to 1")
