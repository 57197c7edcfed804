"""Bring tables made by different jobs into one order of rows and classes, by id and name, never by position."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from podium import predict
from podium.targets import TaskType


def positions(table: pd.DataFrame, ids: Sequence[str] | pd.Series) -> np.ndarray:
    """Return where each of ``ids`` (N) stands in the table (N,) int.

    Raises ``ValueError`` unless the table has each of them exactly once, and no other.
    """
    found = pd.Index(table["id"])
    if not found.is_unique:
        raise ValueError(f"the table has the id '{found[found.duplicated()][0]}' more than once")
    order = found.get_indexer(pd.Index(ids))
    if (order < 0).any() or len(found) != len(order):
        raise ValueError(f"the table's {len(found)} ids are not the {len(order)} ids expected")
    return order


def probabilities(
    table: pd.DataFrame,
    ids: Sequence[str] | pd.Series,
    labels: Sequence[str],
    type: TaskType = "single_label",
) -> np.ndarray:
    """Return the probabilities or values (N, K) of a predictions table in the order of ``ids`` (N) and ``labels`` (K).

    Raises ``ValueError`` when ids or classes differ, and as ``podium.predict.check`` does.
    """
    proba = predict.to_array(table, labels, type)[positions(table, ids)]
    predict.check(proba, type)
    return proba


def fold_numbers(table: pd.DataFrame, ids: Sequence[str] | pd.Series) -> np.ndarray:
    """Return the fold (N,) int of each of ``ids`` (N) from the table of folds; ids that differ raise ``ValueError``."""
    return table["fold"].to_numpy()[positions(table, ids)]


def cluster_numbers(table: pd.DataFrame, ids: Sequence[str] | pd.Series) -> np.ndarray:
    """Return the cluster (N,) int of each of ``ids`` (N), as :func:`fold_numbers` does the fold."""
    return table["cluster"].to_numpy()[positions(table, ids)]
