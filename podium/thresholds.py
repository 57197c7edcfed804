"""Multi-label decisions: an offset added to the log-odds of each class, tuned for the metric.

A row is given every class whose log-odds plus offset is above 0: an offset of 0 is a threshold of 0.5, and in general
the threshold is 1 / (1 + exp(offset)). F1 scores are best below 0.5 where a class is rare (Lipton, Elkan and
Naryanaswamy, Optimal Thresholding of Classifiers to Maximize F1 Measure, 2014).
"""

from collections.abc import Callable

import numpy as np

from podium import metrics
from podium.metric import Metric
from podium.metrics_multi import counts

_FLOOR = 1e-12
"""Lowest probability, of a class and of its absence, whose logarithm is taken."""
_GAP = 1e-9
"""Breakpoints closer than this are one: rounding could not tell their sides apart."""
_GAIN = 1e-9
"""Smallest difference of the metric that counts: running sums over a million rows are off by less."""
_BEYOND = 0.01
"""How far past the last row an offset goes that excludes, or includes, every row."""


def log_odds(proba: np.ndarray) -> np.ndarray:
    """Return the log-odds (N, K) of probabilities (N, K)."""
    return np.log(np.maximum(proba, _FLOOR)) - np.log(np.maximum(1 - proba, _FLOOR))


def decide(proba: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return labels (N, K) float32: 1 where log-odds of ``proba`` (N, K) plus ``offsets`` (K,) are above 0."""
    return (log_odds(proba) + offsets > 0).astype(np.float32)


def fit_offsets(proba: np.ndarray, truth: np.ndarray, *, metric: str, sweeps: int) -> np.ndarray:
    """Return the offsets (K,) that are best for a label metric on these rows, found by coordinate ascent.

    ``proba`` and ``truth`` are (N, K). In each of at most ``sweeps`` passes every class in turn gets the best offset
    given the others, found exactly: the metric changes only where a row enters or leaves the class. An offset is
    changed only for a gain; of equal steps the one nearest to 0 is taken, and in it the middle. For metrics that are a
    mean over classes one pass finds the best of all thresholds.
    """
    found = metrics.get(metric, "multi_label")
    if found.uses != "labels":
        raise ValueError(f"{metric} has no use for offsets")
    sign = 1 if found.greater_is_better else -1
    offsets, odds = np.zeros(proba.shape[1]), log_odds(proba)
    order = np.argsort(-odds, axis=0, kind="stable")
    labels = (odds > 0).astype(np.float32)
    reached = sign * metrics.value(metric, truth, labels, None, classes=len(offsets))
    steps = (_by_rows if found.of_row else _by_classes)(found, truth, labels)
    for _ in range(sweeps):
        before = reached
        for label in range(len(offsets)):
            rows = order[:, label]
            offset, value = best_step(-odds[rows, label], sign * steps(label, rows))
            if value <= reached + _GAIN:
                continue
            reached, offsets[label] = value, offset
            labels[:, label] = odds[:, label] + offset > 0
        if reached == before:
            break
    return offsets


def best_step(entry: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Return the best offset and the value there.

    Rows enter at the offsets ``entry`` (N,), rising; ``values`` (N+1,) are those of the steps between, the first below
    all of them.
    """
    low, high = np.r_[-np.inf, entry], np.r_[entry, np.inf]
    values = np.where(high - low <= _GAP, -np.inf, values)
    best = np.flatnonzero(values >= values.max() - _GAIN)
    nearest = best[np.argmin(np.maximum(0, np.maximum(low, -high)[best]))]
    if not np.isfinite(low[nearest]):
        return high[nearest] - _BEYOND, values[nearest]
    if not np.isfinite(high[nearest]):
        return low[nearest] + _BEYOND, values[nearest]
    return (low[nearest] + high[nearest]) / 2, values[nearest]


_Steps = Callable[[int, np.ndarray], np.ndarray]
"""From a class and an order of rows to the metric (N+1,) when the first 0, 1, .. N of them are given the class."""


def _by_classes(metric: Metric, truth: np.ndarray, labels: np.ndarray) -> _Steps:
    """For metrics of the classes' counts; ``labels`` (N, K) may change between calls."""
    assert metric.terms is not None
    assert metric.combine is not None
    terms, combine, rows = metric.terms, metric.combine, np.arange(len(truth) + 1)

    def steps(label: int, order: np.ndarray) -> np.ndarray:
        hits, true, predicted = counts(truth, labels)
        base = terms(hits, true, predicted, np.arange(len(hits)))
        entered = np.r_[0, np.cumsum(truth[order, label], dtype=np.float64)]
        own = terms(entered, true[label], rows, np.array(label))
        return combine(own + base.sum(axis=0) - base[label])

    return steps


def _by_rows(metric: Metric, truth: np.ndarray, labels: np.ndarray) -> _Steps:
    """For metrics that are the mean over rows of a function of each row's counts; ``labels`` may change, too."""
    assert metric.of_row is not None
    of_row, (rows, classes) = metric.of_row, truth.shape
    true = truth.sum(axis=1, dtype=np.float64)

    def steps(label: int, order: np.ndarray) -> np.ndarray:
        own, given = truth[:, label], labels[:, label]
        hits = np.einsum("nk,nk->n", truth, labels, dtype=np.float64) - own * given
        predicted = labels.sum(axis=1, dtype=np.float64) - given
        without = of_row(hits, true, predicted, classes)
        inside = of_row(hits + own, true, predicted + 1, classes)
        change = np.r_[0, np.cumsum((inside - without)[order])]
        return (without.sum() + change) / rows

    return steps
