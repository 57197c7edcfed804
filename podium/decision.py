"""From probabilities to labels: the most probable class, or offsets tuned for the metric and cross-fitted.

For metrics such as macro F1 the most probable class is not the best answer: a threshold is (Lipton, Elkan and
Naryanaswamy, Optimal Thresholding of Classifiers to Maximize F1 Measure, 2014). With K classes an offset is added
to the log-probability of each class, which for two classes is the same thing. Multi-label tasks have thresholds
(``podium.thresholds``), regressions nothing to decide.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from podium import metrics, thresholds
from podium.errors import UserError, hint
from podium.targets import TaskType, type_of
from podium.thresholds import best_step

METHODS = ("auto", "argmax", "offsets")

_FLOOR = 1e-12
"""Lowest probability whose logarithm is taken."""
_GAIN = 1e-9
"""Smallest difference of the metric that counts: running sums over a million rows are off by less."""
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
    given = scores.argmax(axis=1)
    value = float(metrics.from_counts(metric, *metrics.counts(metric, truth, given, classes=classes)))
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


def resolve(method: str, metric: str, type: TaskType = "single_label") -> str:
    """Return ``argmax``, ``offsets`` or, of a regression, ``values``.

    ``auto`` means offsets where the argmax (a threshold of 0.5 in multi-label tasks) is not the metric's best answer.
    Raises ``UserError`` for an unknown method, and for offsets with a metric of probabilities or in a regression.
    """
    if method not in METHODS:
        raise UserError(f"decision.method: unknown method '{method}': {hint(method, METHODS)}")
    found = metrics.get(metric, type)
    if type == "regression":
        if method == "auto":
            return "values"
        raise UserError(
            f"decision.method: {method} decides labels, but a regression predicts values: use auto"
        )
    if method == "offsets" and found.uses != "labels":
        raise UserError(
            f"decision.method: {metric} scores probabilities, offsets cannot help: use argmax or auto"
        )
    if method == "auto":
        return "argmax" if found.argmax_is_optimal else "offsets"
    return method


def name_of(method: str, type: TaskType) -> str:
    """Return what a resolved method is called in tables that a person reads."""
    names = {"argmax": "threshold 0.5", "offsets": "thresholds"} if type == "multi_label" else {}
    return names.get(method, method)


@dataclass(frozen=True)
class Decided:
    """Offsets for test, fitted on all rows, and what was decided out of fold.

    ``labels`` (N,), or (N, K) in a multi-label task, are the decisions on each row with the offsets of its fold, which
    the other folds alone decided; the values (N, T) of a regression are as they were predicted. ``fold_offsets`` (F, K)
    are in the order of fold numbers, ``offsets`` (K,) are for test; they are 0 where nothing is tuned.
    """

    labels: np.ndarray
    offsets: np.ndarray
    fold_offsets: np.ndarray


def apply(proba: np.ndarray, offsets: np.ndarray, *, method: str, type: TaskType) -> np.ndarray:
    """Return the labels of ``proba`` (N, K) by a resolved method with its ``offsets`` (K,), or the values unchanged."""
    if method == "values":
        return proba
    if method == "argmax":
        return metrics.default_labels(proba, type)
    return thresholds.decide(proba, offsets) if type == "multi_label" else decide(proba, offsets)


def cross_fit(
    proba: np.ndarray, truth: np.ndarray, folds: np.ndarray, *, method: str, metric: str, sweeps: int
) -> Decided:
    """Decide each fold's labels with offsets from the other folds; ``method`` is a resolved one.

    Offsets that are best on their own rows overfit where classes are many and rare. So they are shrunk by the
    factor, out of 0, 1/4, 1/2, 3/4, 1, that does best in cross-fitting inside the rows they come from (for fold k:
    fitted without j and k, decided on j). With 2 folds there is no inside, and the factor is 1/2.
    """
    numbers = np.unique(folds)
    type, classes = type_of(truth), proba.shape[1]
    if method != "offsets":
        labels = apply(proba, np.zeros(classes), method=method, type=type)
        return Decided(labels, np.zeros(classes), np.zeros((len(numbers), classes)))
    fit = thresholds.fit_offsets if type == "multi_label" else fit_offsets

    @cache
    def fitted(without: frozenset[int]) -> np.ndarray:
        rows = ~np.isin(folds, list(without))
        return fit(proba[rows], truth[rows], metric=metric, sweeps=sweeps)

    def decided(rows: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        return apply(proba[rows], offsets, method=method, type=type)

    def shrunk(without: frozenset[int]) -> np.ndarray:
        inner = [fold for fold in numbers.tolist() if fold not in without]
        if len(inner) < 2:
            return fitted(without) / 2
        rows = np.isin(folds, inner)
        utilities = []
        for factor in _FACTORS:
            labels = np.empty_like(truth)
            for fold in inner:
                labels[folds == fold] = decided(folds == fold, factor * fitted(without | {fold}))
            found = metrics.value(metric, truth[rows], labels[rows], None, classes=classes)
            utilities.append(metrics.utility(metric, found))
        # Adding 0 turns -0.0 into 0.0.
        return _FACTORS[int(np.argmax(utilities))] * fitted(without) + 0.0

    fold_offsets = np.array([shrunk(frozenset([fold])) for fold in numbers.tolist()])
    labels = apply(proba, fold_offsets[np.searchsorted(numbers, folds)], method=method, type=type)
    return Decided(labels, shrunk(frozenset()), fold_offsets)
