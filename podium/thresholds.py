"""Multi-label decisions: an offset added to the log-odds of each class, tuned for the metric.

A row is given every class whose log-odds plus offset is above 0: an offset of 0 is a threshold of 0.5, and in general
the threshold is 1 / (1 + exp(offset)). F1 scores are best below 0.5 where a class is rare (Lipton, Elkan and
Naryanaswamy, Optimal Thresholding of Classifiers to Maximize F1 Measure, 2014).
"""

from typing import Protocol

import numpy as np

from podium import metrics
from podium.metric import Metric
from podium.metrics_multi import counts, row_counts

_FLOOR = 1e-12
"""Lowest probability, of a class and of its absence, whose logarithm is taken."""
_GAP = 1e-9
"""Breakpoints closer than this are one: rounding could not tell their sides apart."""
_GAIN = 1e-9
"""Smallest difference of the metric that counts: running sums over a million rows are off by less."""
_OWN_STEPS = 15
"""Offsets that are tried of each class for a user's own metric."""
_BEYOND = 0.01
"""How far past the last row an offset goes that excludes, or includes, every row."""


def log_odds(proba: np.ndarray) -> np.ndarray:
    """Return the log-odds (N, K) of probabilities (N, K)."""
    return np.log(np.maximum(proba, _FLOOR)) - np.log(np.maximum(1 - proba, _FLOOR))


def decide(proba: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return labels (N, K) float32: 1 where log-odds of ``proba`` (N, K) plus ``offsets`` (K,) are above 0."""
    return (log_odds(proba) + offsets > 0).astype(np.float32)


def fit_offsets(proba: np.ndarray, truth: np.ndarray, *, metric: str, sweeps: int) -> np.ndarray:
    """Return the offsets (K,) that are best for a label metric on these rows; see ``fit_odds``."""
    return fit_odds(log_odds(proba), truth, metric=metric, sweeps=sweeps)


def fit_odds(odds: np.ndarray, truth: np.ndarray, *, metric: str, sweeps: int) -> np.ndarray:
    """Return the offsets (K,) that are best for a label metric on these rows, found by coordinate ascent.

    ``odds`` (log-odds) and ``truth`` are (N, K). In each of at most ``sweeps`` passes every class in turn gets the best
    offset given the others, found exactly: the metric changes only where a row enters or leaves the class. An offset is
    changed only for a gain; of equal steps the one nearest to 0 is taken, and in it the middle. For metrics that are a
    mean over classes one pass finds the best of all thresholds. A user's own metric is tried at 15 quantiles.
    """
    found = metrics.get(metric, "multi_label")
    if found.uses != "labels":
        raise ValueError(f"{metric} has no use for offsets")
    offsets = np.zeros(odds.shape[1])
    order = np.argsort(-odds, axis=0, kind="stable")
    labels = (odds > 0).astype(np.float32)
    reached = metrics.utility(metric, metrics.value(metric, truth, labels, None, classes=len(offsets)))
    searching = _search_of(found, metric, truth, labels)
    for _ in range(sweeps):
        before = reached
        for label in range(len(offsets)):
            rows = order[:, label]
            offset, value = searching.best(label, rows, -odds[rows, label])
            if value <= reached + _GAIN:
                continue
            reached, offsets[label] = value, offset
            searching.give(label, (odds[:, label] + offset > 0).astype(np.float32))
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


class _Search(Protocol):
    """The best offset of one class given the labels of the others."""

    def best(self, label: int, order: np.ndarray, entry: np.ndarray) -> tuple[float, float]:
        """Return the best offset of a class and the utility there; rows (N,) enter in ``order`` at ``entry``."""

    def give(self, label: int, column: np.ndarray) -> None:
        """Give the class to the rows where ``column`` (N,) is 1."""


def _search_of(found: Metric, metric: str, truth: np.ndarray, labels: np.ndarray) -> _Search:
    if found.of_row is not None:
        return _ByRows(found, truth, labels)
    if found.terms is not None:
        return _ByClasses(found, truth, labels)
    return _Own(metric, truth, labels)


class _ByClasses:
    """For metrics of the classes' counts, which are kept current."""

    def __init__(self, metric: Metric, truth: np.ndarray, labels: np.ndarray) -> None:
        assert metric.terms is not None
        assert metric.combine is not None
        self._terms, self._combine = metric.terms, metric.combine
        self._sign = 1 if metric.greater_is_better else -1
        self._truth, self._hits, self._true, self._predicted = truth, *counts(truth, labels)
        self._rows, self._classes = np.arange(len(truth) + 1), np.arange(truth.shape[1])

    def best(self, label: int, order: np.ndarray, entry: np.ndarray) -> tuple[float, float]:
        base = self._terms(self._hits, self._true, self._predicted, self._classes)
        entered = np.r_[0, np.cumsum(self._truth[order, label], dtype=np.float64)]
        own = self._terms(entered, self._true[label], self._rows, np.array(label))
        return best_step(entry, self._sign * self._combine(own + base.sum(axis=0) - base[label]))

    def give(self, label: int, column: np.ndarray) -> None:
        self._hits[label] = (self._truth[:, label] * column).sum(dtype=np.float64)
        self._predicted[label] = column.sum(dtype=np.float64)


class _ByRows:
    """For metrics that are the mean over rows of a function of each row's counts, which are kept current."""

    def __init__(self, metric: Metric, truth: np.ndarray, labels: np.ndarray) -> None:
        assert metric.of_row is not None
        self._of_row, self._sign = metric.of_row, 1 if metric.greater_is_better else -1
        self._truth, self._labels = truth, labels
        self._hits, self._true, self._predicted = row_counts(truth, labels)

    def best(self, label: int, order: np.ndarray, entry: np.ndarray) -> tuple[float, float]:
        rows, classes = self._truth.shape
        own, given = self._truth[:, label], self._labels[:, label]
        hits, predicted = self._hits - own * given, self._predicted - given
        without = self._of_row(hits, self._true, predicted, classes)
        inside = self._of_row(hits + own, self._true, predicted + 1, classes)
        change = np.r_[0, np.cumsum((inside - without)[order])]
        return best_step(entry, self._sign * (without.sum() + change) / rows)

    def give(self, label: int, column: np.ndarray) -> None:
        moved = column - self._labels[:, label]
        self._hits += self._truth[:, label] * moved
        self._predicted += moved
        self._labels[:, label] = column


class _Own:
    """For a user's own metric, which must be computed anew for every offset: at a few quantiles."""

    def __init__(self, metric: str, truth: np.ndarray, labels: np.ndarray) -> None:
        self._metric, self._truth, self._labels = metric, truth, labels

    def best(self, label: int, order: np.ndarray, entry: np.ndarray) -> tuple[float, float]:
        tried = np.unique(np.quantile(entry, (np.arange(_OWN_STEPS) + 0.5) / _OWN_STEPS))
        tried = tried[np.argsort(np.abs(tried), kind="stable")]
        trial, utilities = self._labels.copy(), []
        for offset in tried:
            trial[order, label] = entry < offset
            found = metrics.value(self._metric, self._truth, trial, None, classes=trial.shape[1])
            utilities.append(metrics.utility(self._metric, found))
        best = int(np.argmax(utilities))
        return float(tried[best]), utilities[best]

    def give(self, label: int, column: np.ndarray) -> None:
        self._labels[:, label] = column
