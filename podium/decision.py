"""From probabilities to labels: the most probable class, or offsets tuned for the metric and cross-fitted.

For metrics such as macro F1 the most probable class is not the best answer: a threshold is (Lipton, Elkan and
Naryanaswamy, Optimal Thresholding of Classifiers to Maximize F1 Measure, 2014). With K classes an offset is added
to the log-probability of each class, which for two classes is the same thing.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from podium import metrics
from podium.errors import UserError, hint

METHODS = ("auto", "argmax", "offsets")

_FLOOR = 1e-12
"""Lowest probability whose logarithm is taken."""
_GAP = 1e-9
"""Breakpoints closer than this are one: rounding could not tell their sides apart."""
_GAIN = 1e-9
"""Smallest difference of the metric that counts: running sums over a million rows are off by less."""
_BEYOND = 0.01
"""How far past the last row an offset goes that excludes, or includes, every row."""

_FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0)


def decide(proba: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the class index (N,) with the highest log-probability plus offset; ties go to the first class.

    ``proba`` is (N, K), ``offsets`` (K,) or, of each row, (N, K).
    """
    return _scores(proba, offsets).argmax(axis=1)


def _scores(proba: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(proba, _FLOOR)) + offsets


def fit_offsets(proba: np.ndarray, truth: np.ndarray, *, metric: str, sweeps: int) -> np.ndarray:
    """Return the offsets (K,) that maximise a label metric on these rows, found by coordinate ascent.

    ``proba`` is (N, K), ``truth`` (N,). In each of at most ``sweeps`` passes every class in turn gets the best offset
    given the others. The metric is a step function of it that changes only where a row enters or leaves the class,
    so that the best step is found exactly by sorting (the line search of Och, Minimum Error Rate Training in
    Statistical Machine Translation, ACL 2003). An offset is changed only for a gain; of equal steps the one nearest
    to 0 is taken, and in it the middle. With two classes this is the best of all thresholds, with more a local
    optimum.
    """
    classes = proba.shape[1]
    if metrics.require(metric, classes=classes).terms is None:
        raise ValueError(f"{metric} has no use for offsets")
    offsets = np.zeros(classes)
    scores = _scores(proba, offsets)
    value = float(metrics.from_counts(metric, *metrics.counts(truth, scores.argmax(axis=1), classes=classes)))
    if classes == 1:
        return offsets
    top = _top_two(scores)
    for _ in range(sweeps):
        before = value
        for label in range(classes):
            rival = np.where(top[0] == label, top[1], top[0])
            own = scores[:, label] - offsets[label]
            entry = scores[np.arange(len(truth)), rival] - own
            offset, reached = _line_search(entry, rival, truth, label, metric=metric, classes=classes)
            if reached <= value + _GAIN:
                continue
            value, offsets[label] = reached, offset
            scores[:, label] = own + offset
            _update(top, scores, label)
        if value == before:
            break
    return offsets


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


def _line_search(
    entry: np.ndarray, rival: np.ndarray, truth: np.ndarray, label: int, *, metric: str, classes: int
) -> tuple[float, float]:
    """Return the best offset of a class and the metric's value there.

    ``entry`` (N,) is the offset above which a row is given ``label`` and not its ``rival`` (N,).
    """
    order = np.argsort(entry, kind="stable")
    entry = entry[order]
    values = _values_by_step(rival[order], truth[order], label, metric=metric, classes=classes)
    low, high = np.r_[-np.inf, entry], np.r_[entry, np.inf]
    values[high - low <= _GAP] = -np.inf
    best = np.flatnonzero(values >= values.max() - _GAIN)
    nearest = best[np.argmin(np.maximum(0, np.maximum(low, -high)[best]))]
    if not np.isfinite(low[nearest]):
        return high[nearest] - _BEYOND, values[nearest]
    if not np.isfinite(high[nearest]):
        return low[nearest] + _BEYOND, values[nearest]
    return (low[nearest] + high[nearest]) / 2, values[nearest]


def _values_by_step(
    rival: np.ndarray, truth: np.ndarray, label: int, *, metric: str, classes: int
) -> np.ndarray:
    """Return the metric (N+1,) when the first 0, 1, .. N rows are given ``label`` and the others their ``rival``."""
    found = metrics.get(metric)
    assert found.terms is not None
    assert found.combine is not None
    hits, true, predicted = metrics.counts(truth, rival, classes=classes)
    hit = rival == truth
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
    own = found.terms(
        np.r_[0, np.cumsum(truth == label)], true[label], np.arange(len(rival) + 1), np.array(label)
    )
    base = found.terms(hits, true, predicted, np.arange(classes))
    rest = base.sum(axis=0) - base[label]
    return found.combine(own + rest + np.vstack([0 * change[:1], np.cumsum(change, axis=0)]))


def resolve(method: str, metric: str) -> str:
    """Return ``argmax`` or ``offsets``; ``auto`` means offsets where the argmax is not the metric's best answer.

    Raises ``UserError`` for an unknown method, and for offsets with a metric of probabilities.
    """
    if method not in METHODS:
        raise UserError(f"decision.method: unknown method '{method}': {hint(method, METHODS)}")
    found = metrics.get(metric)
    if method == "offsets" and found.terms is None:
        raise UserError(
            f"decision.method: {metric} scores probabilities, offsets cannot help: use argmax or auto"
        )
    if method == "auto":
        return "argmax" if found.argmax_is_optimal else "offsets"
    return method


@dataclass(frozen=True)
class Decided:
    """Offsets for test, fitted on all rows, and what was decided out of fold.

    ``labels`` (N,) are the decisions on each row with the offsets of its fold, which the other folds alone decided;
    ``fold_offsets`` (F, K) are in the order of fold numbers, ``offsets`` (K,) are for test.
    """

    labels: np.ndarray
    offsets: np.ndarray
    fold_offsets: np.ndarray


def cross_fit(
    proba: np.ndarray, truth: np.ndarray, folds: np.ndarray, *, method: str, metric: str, sweeps: int
) -> Decided:
    """Decide each fold's labels with offsets from the other folds; ``method`` is argmax or offsets.

    Offsets that are best on their own rows overfit where classes are many and rare. So they are shrunk by the
    factor, out of 0, 1/4, 1/2, 3/4, 1, that does best in cross-fitting inside the rows they come from (for fold k:
    fitted without j and k, decided on j). With 2 folds there is no inside, and the factor is 1/2.
    """
    numbers = np.unique(folds)
    classes = proba.shape[1]
    if method == "argmax":
        return Decided(proba.argmax(axis=1), np.zeros(classes), np.zeros((len(numbers), classes)))

    @cache
    def fitted(without: frozenset[int]) -> np.ndarray:
        rows = ~np.isin(folds, list(without))
        return fit_offsets(proba[rows], truth[rows], metric=metric, sweeps=sweeps)

    def shrunk(without: frozenset[int]) -> np.ndarray:
        inner = [fold for fold in numbers.tolist() if fold not in without]
        if len(inner) < 2:
            return fitted(without) / 2
        rows = np.isin(folds, inner)
        values = []
        for factor in _FACTORS:
            labels = np.empty(len(truth), dtype=np.int64)
            for fold in inner:
                labels[folds == fold] = decide(proba[folds == fold], factor * fitted(without | {fold}))
            values.append(metrics.value(metric, truth[rows], labels[rows], None, classes=classes))
        # Adding 0 turns -0.0 into 0.0.
        return _FACTORS[int(np.argmax(values))] * fitted(without) + 0.0

    fold_offsets = np.array([shrunk(frozenset([fold])) for fold in numbers.tolist()])
    labels = decide(proba, fold_offsets[np.searchsorted(numbers, folds)])
    return Decided(labels, shrunk(frozenset()), fold_offsets)
