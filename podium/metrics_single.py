"""Metrics of single-label tasks. Truth and labels are class indices (N,), probabilities (N, K)."""

from collections.abc import Callable

import numpy as np

from podium.metric import Metric, Rows, divide, f_beta, mean_of, ratio
from podium.ranking import average_precision, average_precision_influence, roc_auc, roc_auc_influence


def row_log_loss(truth: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return minus the log-probability of each row's true class (N,).

    Rows are scaled to sum to 1 (tables hold float32) and clipped at the float64 epsilon, as scikit-learn does.
    """
    picked = proba[np.arange(len(truth)), truth] / proba.sum(axis=1)
    epsilon = np.finfo(np.float64).eps
    return -np.log(np.clip(picked, epsilon, 1 - epsilon))


def _accuracy(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    return np.stack(np.broadcast_arrays(hits, true), axis=-1).astype(float)


def macro_f(beta: float) -> Metric:
    """Return the mean over classes of the F score."""

    def terms(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
        # A class that is neither true nor predicted is left out of the mean, not counted as zero.
        return np.stack([f_beta(hits, true, predicted, beta), (true + predicted > 0).astype(float)], axis=-1)

    return Metric(True, "labels", False, terms, ratio)


def weighted_f(beta: float) -> Metric:
    """Return the mean over classes of the F score, weighted by their rows."""

    def terms(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
        scores = f_beta(hits, true, predicted, beta) * true
        return np.stack(np.broadcast_arrays(scores, true), axis=-1).astype(float)

    return Metric(True, "labels", False, terms, ratio)


def last_f(beta: float) -> Metric:
    """Return the F score of the last of two classes."""

    def terms(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
        # The positive class enters with its counts alone, so that the sums over both classes are its own.
        positive = label == 1
        parts = ((1 + beta**2) * hits * positive, (beta**2 * true + predicted) * positive)
        return np.stack(np.broadcast_arrays(*parts), axis=-1).astype(float)

    return Metric(True, "labels", False, terms, ratio)


def _balanced(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    return np.stack(np.broadcast_arrays(divide(hits, true), (true > 0).astype(float)), axis=-1)


def _mcc(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    terms = np.broadcast_arrays(hits, true, predicted * true, predicted * predicted, true * true)
    return np.stack(terms, axis=-1).astype(float)


def _combine_mcc(sums: np.ndarray) -> np.ndarray:
    hits, rows, cross, predicted, true = np.moveaxis(sums, -1, 0)
    return divide(hits * rows - cross, np.sqrt((rows**2 - predicted) * (rows**2 - true)))


def _qwk(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    terms = (hits * label, true, true * label, predicted * label, (true + predicted) * label**2)
    return np.stack(np.broadcast_arrays(*terms), axis=-1).astype(float)


def _combine_qwk(sums: np.ndarray) -> np.ndarray:
    # Of the squared distance of truth and prediction: 1 - mean over rows / mean over all pairs of a true and a given
    cross, rows, true, predicted, squares = np.moveaxis(sums, -1, 0)
    return divide(2 * (cross * rows - true * predicted), squares * rows - 2 * true * predicted)


def _mean_over_classes(
    value: Callable[[np.ndarray, np.ndarray], float], influence: Rows, chance: float
) -> Metric:
    """Return the mean of each class against the rest where it is defined; of two classes, that of the last alone.

    ``value`` is NaN where it is not; ``chance`` is the mean over none.
    """

    def defined(truth: np.ndarray, proba: np.ndarray) -> dict[int, float]:
        classes = [1] if proba.shape[1] == 2 else range(proba.shape[1])
        found = {label: value(truth == label, proba[:, label]) for label in classes}
        return {label: number for label, number in found.items() if not np.isnan(number)}

    def mean(truth: np.ndarray, proba: np.ndarray) -> float:
        found = defined(truth, proba)
        return float(np.mean(list(found.values()))) if found else chance

    def moved(truth: np.ndarray, proba: np.ndarray) -> np.ndarray:
        found = [influence(truth == label, proba[:, label]) for label in defined(truth, proba)]
        return np.mean(found, axis=0) if found else np.zeros(len(truth))

    return Metric(True, "proba", True, value=mean, influence=moved)


def ranked(proba: np.ndarray, k: int) -> np.ndarray:
    """Return the ``k`` most probable classes of each row (N, k), best first, equal ones in their order."""
    return np.argsort(-proba, axis=1, kind="stable")[:, :k]


def _place(truth: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return the place (N,) from 1 of each row's true class in the order of ``ranked``."""
    own = proba[np.arange(len(truth)), truth][:, None]
    before = (proba == own) & (np.arange(proba.shape[1]) < truth[:, None])
    return 1 + ((proba > own) | before).sum(axis=1)


def _of_places(score: Callable[[np.ndarray], np.ndarray], k: int) -> Metric:
    value, influence = mean_of(lambda truth, proba: score(_place(truth, proba)))
    return Metric(True, "proba", True, value=value, influence=influence, ranked=k)


def top_accuracy(k: int) -> Metric:
    """Return the share of rows whose true class is among the ``k`` most probable."""
    return _of_places(lambda place: (place <= k).astype(float), k)


def map_at(k: int) -> Metric:
    """Return the mean average precision at ``k``: with one true class a row, the mean of 1 / its place up to ``k``."""
    return _of_places(lambda place: np.where(place <= k, 1 / place, 0.0), k)


METRICS: dict[str, Metric] = {
    "accuracy": Metric(True, "labels", True, _accuracy, ratio),
    "micro_f1": Metric(True, "labels", True, _accuracy, ratio),
    "macro_f1": macro_f(1.0),
    "weighted_f1": weighted_f(1.0),
    "f1": last_f(1.0),
    "mcc": Metric(True, "labels", False, _mcc, _combine_mcc),
    "balanced_accuracy": Metric(True, "labels", False, _balanced, ratio),
    "qwk": Metric(True, "labels", False, _qwk, _combine_qwk, ordinal=True),
    "log_loss": Metric(False, "proba", True, value=mean_of(row_log_loss)[0], influence=row_log_loss),
    "roc_auc": _mean_over_classes(roc_auc, roc_auc_influence, 0.5),
    "average_precision": _mean_over_classes(average_precision, average_precision_influence, 0.0),
}
"""By name. ``f1`` is that of the last of two classes; ``micro_f1`` is the accuracy; ``mcc`` is the K-class form
(Gorodkin 2004); ``qwk`` is quadratic weighted kappa over the positions of the sorted classes (Cohen 1968);
``roc_auc`` and ``average_precision`` are those of the last of two classes, of more the mean of each against the rest
that has rows.
"""

FAMILIES: dict[str, Callable[[float], Metric]] = {
    "f": last_f,
    "macro_f": macro_f,
    "micro_f": lambda beta: METRICS["micro_f1"],
    "weighted_f": weighted_f,
    "map_at": lambda k: map_at(int(k)),
    "top": lambda k: top_accuracy(int(k)),
}
"""Metrics with a number, by the name of their family (``podium.metric_names``)."""
