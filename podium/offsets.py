"""Single-label decisions: an offset added to the log-probability of each class, tuned for the metric.

For metrics such as macro F1 the most probable class is not the best answer: a threshold is (Lipton, Elkan and
Naryanaswamy, Optimal Thresholding of Classifiers to Maximize F1 Measure, 2014). With K classes an offset is added
to the log-probability of each class, which for two classes is the same thing.
"""

from collections.abc import Callable

import numpy as np

from podium import metrics
from podium.metric import Metric
from podium.thresholds import best_step

_FLOOR = 1e-12
"""Lowest probability whose logarithm is taken."""
_GAIN = 1e-9
"""Smallest difference of the metric that counts: running sums over a million rows are off by less."""
_EXACT_ROWS = 20_000
"""Up to so many rows every step of the metric is looked at, beyond it a grid of offsets."""
_REACH, _STEP = 16.0, 1 / 64
_GRID = np.arange(-_REACH + _STEP / 2, _REACH, _STEP)
"""The grid, in log-probability. It leaves 0 out, where rows with equal probabilities stand."""
_OWN_STEPS = 15
"""Offsets that are tried of each class for a user's own metric, which must be computed anew for each."""


def logs(proba: np.ndarray) -> np.ndarray:
    """Return the log-probabilities (N, K) of ``proba`` (N, K)."""
    return np.log(np.maximum(proba, _FLOOR))


def decide(proba: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the class index (N,) with the highest log-probability plus offset; ties go to the first class.

    ``proba`` is (N, K), ``offsets`` (K,) or, of each row, (N, K).
    """
    return (logs(proba) + offsets).argmax(axis=1)


def fit_offsets(proba: np.ndarray, truth: np.ndarray, *, metric: str, sweeps: int) -> np.ndarray:
    """Return the offsets (K,) that are best for a label metric on these rows; see ``fit_logs``."""
    return fit_logs(logs(proba), truth, metric=metric, sweeps=sweeps)


def fit_logs(logs: np.ndarray, truth: np.ndarray, *, metric: str, sweeps: int) -> np.ndarray:
    """Return the offsets (K,) that are best for a label metric on these rows, found by coordinate ascent.

    ``logs`` is (N, K), ``truth`` (N,). In each of at most ``sweeps`` passes every class in turn gets the best offset
    given the others. The metric is a step function of it that changes only where a row enters or leaves the class,
    so that the best step is found exactly by sorting (the line search of Och, Minimum Error Rate Training in
    Statistical Machine Translation, ACL 2003). An offset is changed only for a gain; of equal steps the one nearest
    to 0 is taken, and in it the middle. With two classes this is the best of all thresholds, with more a local
    optimum. Beyond 20,000 rows the steps are those of a grid of 1/64. A user's own metric, which is no function of
    counts, is tried at 15 quantiles of the offsets at which rows change.
    """
    classes = logs.shape[1]
    found = metrics.require(metric, classes=classes)
    if found.uses != "labels":
        raise ValueError(f"{metric} has no use for offsets")
    offsets, scores = np.zeros(classes), logs.copy()
    value = metrics.utility(
        metric, metrics.value(metric, truth, scores.argmax(axis=1), None, classes=classes)
    )
    if classes == 1:
        return offsets
    search = _search_of(found, metric, truth, classes)
    top = _top_two(scores)
    rows = np.arange(len(truth))
    for _ in range(sweeps):
        before = value
        for label in range(classes):
            rival = np.where(top[0] == label, top[1], top[0])
            own = scores[:, label] - offsets[label]
            offset, reached = search(scores[rows, rival] - own, rival, label)
            if reached <= value + _GAIN:
                continue
            value, offsets[label] = reached, offset
            scores[:, label] = own + offset
            _update(top, scores, label)
        if value == before:
            break
    return offsets


_Search = Callable[[np.ndarray, np.ndarray, int], tuple[float, float]]
"""From ``entry`` (N,), the offset above which a row is given the class and not its ``rival`` (N,), to the best offset
of the class and the utility there."""


def _search_of(found: Metric, metric: str, truth: np.ndarray, classes: int) -> _Search:
    if found.terms is None:
        return lambda entry, rival, label: _own_search(entry, rival, label, truth, metric, classes)
    # The grid's table of counts must not be larger than the rows' own steps.
    if len(truth) <= _EXACT_ROWS or len(_GRID) * classes > 4 * len(truth):
        return lambda entry, rival, label: _exact_search(entry, rival, label, truth, metric, classes)
    return lambda entry, rival, label: _grid_search(entry, rival, label, truth, metric, classes)


def _top_two(scores: np.ndarray) -> np.ndarray:
    """Return the indices (2, N) of the highest and the second highest score of each row."""
    first = scores.argmax(axis=1)
    rest = scores.copy()
    rest[np.arange(len(rest)), first] = -np.inf
    return np.stack([first, rest.argmax(axis=1)])


def _update(top: np.ndarray, scores: np.ndarray, label: int) -> None:
    """Mend ``top``, in place, after the scores of one class changed: only rows near that class are looked at."""
    second = scores[np.arange(len(scores)), top[1]]
    touched = np.flatnonzero((top == label).any(axis=0) | (scores[:, label] >= second))
    top[:, touched] = _top_two(scores[touched])


def _exact_search(
    entry: np.ndarray, rival: np.ndarray, label: int, truth: np.ndarray, metric: str, classes: int
) -> tuple[float, float]:
    order = np.argsort(entry, kind="stable")
    values = _values_by_step(rival[order], truth[order], label, metric=metric, classes=classes)
    return best_step(entry[order], values)


def _values_by_step(
    rival: np.ndarray, truth: np.ndarray, label: int, *, metric: str, classes: int
) -> np.ndarray:
    """Return the metric (N+1,) when the first 0, 1, .. N rows are given ``label`` and the others their ``rival``."""
    found = metrics.get(metric)
    assert found.terms is not None
    assert found.combine is not None
    hits, true, predicted = metrics.counts(metric, truth, rival, classes=classes)
    hit = metrics.matches(metric, truth, rival)
    # How many rows of the same rival, and hits among them, left before: running counts inside each rival's rows.
    grouped = np.argsort(rival, kind="stable")
    starts = np.cumsum(predicted) - predicted
    gone, gone_hits = np.empty(len(rival)), np.empty(len(rival))
    gone[grouped] = np.arange(len(rival)) - starts[rival[grouped]]
    running = np.cumsum(hit[grouped]) - hit[grouped]
    gone_hits[grouped] = running - np.r_[running, 0][starts][rival[grouped]]
    had, had_hits = predicted[rival] - gone, hits[rival] - gone_hits
    change = found.terms(had_hits - hit, true[rival], had - 1, rival)
    change -= found.terms(had_hits, true[rival], had, rival)
    own_hits = np.r_[0, np.cumsum(metrics.matches(metric, truth, label))]
    own = found.terms(own_hits, true[label], np.arange(len(rival) + 1), np.array(label))
    base = found.terms(hits, true, predicted, np.arange(classes))
    rest = base.sum(axis=0) - base[label]
    return found.combine(own + rest + np.vstack([0 * change[:1], np.cumsum(change, axis=0)]))


def _grid_search(
    entry: np.ndarray, rival: np.ndarray, label: int, truth: np.ndarray, metric: str, classes: int
) -> tuple[float, float]:
    """As ``_exact_search`` for the offsets of the grid: rows are counted between its points, not sorted."""
    points = len(_GRID)
    # The first point of the grid at which a row is given the label; `points` where it never is.
    at = np.clip(np.ceil((entry - _GRID[0]) / _STEP), 0, points).astype(np.int64)
    cell = at * classes + rival

    def left(weights: np.ndarray | None) -> np.ndarray:
        """Rows that each rival has lost at each point of the grid, or the sum of their weights."""
        table = np.bincount(cell, weights, minlength=(points + 1) * classes).reshape(points + 1, classes)
        return np.cumsum(table[:-1], axis=0)

    hits, true, predicted = metrics.counts(metric, truth, rival, classes=classes)
    gone, hit = left(None), metrics.matches(metric, truth, rival)
    hits_now, predicted_now = hits - left(hit.astype(np.float64)), predicted - gone
    own = np.bincount(at, np.asarray(metrics.matches(metric, truth, label), np.float64), minlength=points + 1)
    hits_now[:, label], predicted_now[:, label] = np.cumsum(own[:-1]), gone.sum(axis=1)
    values = metrics.from_counts(metric, hits_now, true, predicted_now)
    best = np.flatnonzero(values >= values.max() - _GAIN)
    nearest = best[np.abs(_GRID[best]).argmin()]
    return float(_GRID[nearest]), float(values[nearest])


def _own_search(
    entry: np.ndarray, rival: np.ndarray, label: int, truth: np.ndarray, metric: str, classes: int
) -> tuple[float, float]:
    """As ``_exact_search`` for a metric that must be computed anew, at a few offsets."""
    shares = (np.arange(_OWN_STEPS) + 0.5) / _OWN_STEPS
    tried = np.unique(np.quantile(entry, shares))
    tried = tried[np.argsort(np.abs(tried), kind="stable")]
    utilities = [
        metrics.utility(
            metric,
            metrics.value(metric, truth, np.where(entry < offset, label, rival), None, classes=classes),
        )
        for offset in tried
    ]
    best = int(np.argmax(utilities))
    return float(tried[best]), utilities[best]
