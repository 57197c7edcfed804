"""Metrics of spans, as the other stages see them: the mean of what ``podium.span.metrics`` says of each row."""

import numpy as np

from podium.metric import Metric

NAMES = ("exact", "exact_without_commas", "squad_em", "squad_f1", "cmrc_em", "cmrc_f1")


def _mean(truth: np.ndarray, given: np.ndarray) -> float:
    return float(given.mean())


def _row(truth: np.ndarray, given: np.ndarray) -> np.ndarray:
    return given


METRICS = {name: Metric(greater_is_better=True, uses="values", value=_mean, influence=_row) for name in NAMES}
"""What is read of N rows are their values (N,), already compared with the true answers."""
