"""Soft labels: a row's target is a probability for each class, as a mixture of rows of one class each.

Shapes: N rows, K classes, C copies.
"""

import numpy as np

LEAST = 0.001
"""Smaller probabilities count as 0: they would make many rows of next to no weight."""


def trimmed(proba: np.ndarray) -> np.ndarray:
    """Return probabilities (N, K) float32 without the small ones, scaled to sum 1; a single one stays exactly 1."""
    tiny = (proba < LEAST) & (proba < proba.max(axis=1, keepdims=True))
    kept = np.where(tiny, 0, proba).astype(np.float32)
    total = kept.sum(axis=1, keepdims=True)
    return np.where(kept == total, np.sign(kept), kept / total).astype(np.float32)


def copies(soft: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows (C,), classes (C,) and weights (C,) of a copy of each row (N) for each class that it may have.

    The copies' weights are the row's ``weight`` (N,) times ``soft`` (N, K). A loss that is linear in the target, such
    as cross-entropy, is the same of them as of the soft labels; a row that is sure has one copy, itself.
    """
    rows, classes = np.nonzero(soft)
    return rows, classes.astype(np.int64), weight[rows] * soft[rows, classes]


def class_counts(soft: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the weighted rows (K,) of each class."""
    _, classes, weights = copies(soft, weight)
    return np.bincount(classes, weights=weights, minlength=soft.shape[1])
