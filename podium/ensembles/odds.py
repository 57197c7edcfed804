"""Logarithms of probabilities, kept finite."""

import numpy as np

FLOOR = 1e-6
"""Lowest probability whose logarithm is taken, and the probability of a class that a stacker never saw."""


def logs(proba: np.ndarray) -> np.ndarray:
    """Return log-probabilities (..., K), each row centred at 0."""
    found = np.log(np.maximum(proba, FLOOR))
    return found - found.mean(axis=-1, keepdims=True)


def log_odds(proba: np.ndarray) -> np.ndarray:
    """Return the log-odds of probabilities of any shape."""
    kept = np.clip(proba, FLOOR, 1 - FLOOR)
    return np.log(kept) - np.log1p(-kept)
