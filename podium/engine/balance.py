"""What the losses make of the classes' sizes. Shapes: K classes."""

import numpy as np


def valid_counts(counts: np.ndarray, classes: int) -> np.ndarray:
    """Return ``counts`` (K,) in float64; raise ``ValueError`` unless they are K finite numbers >= 0, not all 0."""
    counts = np.asarray(counts, dtype=np.float64)
    if counts.shape != (classes,) or not np.isfinite(counts).all() or (counts < 0).any() or not counts.any():
        raise ValueError(f"counts must be {classes} finite numbers of at least 0, not all 0, found {counts}")
    return counts


def class_weights(counts: np.ndarray, *, kind: str | None, beta: float | None) -> np.ndarray:
    """Weights (K,) of classes with ``counts`` (K,) rows.

    ``balanced``: n / (K n_k), as scikit-learn. ``effective``: (1 - β) / (1 - β^n_k) with ``beta`` in [0, 1), scaled to
    sum to K (Cui et al. 2019, arXiv 1901.05555, section 4). K is the number of classes that have rows; those without
    get 1, and only soft targets can reach them. None: all 1.
    """
    weights = np.ones(len(counts))
    present = counts > 0
    rows = counts[present]
    if kind == "balanced":
        weights[present] = rows.sum() / (len(rows) * rows)
    elif kind == "effective":
        assert beta is not None  # as `loss_options.check` has found
        inverse = 1 / (1 - beta**rows)
        weights[present] = inverse * len(rows) / inverse.sum()
    return weights


def log_prior(counts: np.ndarray) -> np.ndarray:
    """Logarithms (K,) of the classes' shares; a class without rows is counted as one row, for log 0 is no number."""
    rows = np.where(counts > 0, counts, 1.0)
    return np.log(rows / rows.sum())
