"""Metrics of multi-label tasks. Truth and labels are (N, K) of 0 and 1, probabilities (N, K)."""

from collections.abc import Callable

import numpy as np

from podium.metric import Metric, Rows, divide, f_beta, mean_of, ratio
from podium.ranking import (
    average_precision,
    average_precision_influence,
    roc_auc,
    roc_auc_influence,
)

_Slopes = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Derivatives by the hits, true and predicted rows of each class (each (K,))."""


def counts(truth: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``hits``, ``true``, ``predicted`` (each (K,) float) of truth and labels (N, K)."""
    return (
        np.einsum("nk,nk->k", truth, labels, dtype=np.float64),
        truth.sum(axis=0, dtype=np.float64),
        labels.sum(axis=0, dtype=np.float64),
    )


def row_counts(truth: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``hits``, ``true``, ``predicted`` (each (N,) float) of truth and labels (N, K)."""
    return counts(truth.T, labels.T)


def row_log_loss(truth: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return the mean over classes of minus the log-probability of what is true (N,).

    Probabilities are clipped at the float64 epsilon, as scikit-learn does.
    """
    epsilon = np.finfo(np.float64).eps
    clipped = np.clip(proba, epsilon, 1 - epsilon)
    return -np.where(truth > 0, np.log(clipped), np.log1p(-clipped)).mean(axis=1)


def macro_f(beta: float) -> Metric:
    """Return the mean over classes of the F score."""

    def terms(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
        # Unlike in a single-label task a class that is neither true nor predicted counts 0, as in scikit-learn.
        score = f_beta(hits, true, predicted, beta)
        return np.stack([score, np.ones_like(score)], axis=-1)

    def slopes(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> _Slopes:
        slope = divide(np.ones(len(hits)), beta**2 * true + predicted) / len(hits)
        return _f_slopes(slope, f_beta(hits, true, predicted, beta), beta)

    return _of_counts(terms, slopes)


def micro_f(beta: float) -> Metric:
    """Return the F score of all cells of rows and classes together."""

    def terms(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
        parts = ((1 + beta**2) * hits, beta**2 * true + predicted)
        return np.stack(np.broadcast_arrays(*parts), axis=-1)

    def slopes(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> _Slopes:
        slope = divide(np.ones(len(hits)), np.full(len(hits), (beta**2 * true + predicted).sum()))
        return _f_slopes(slope, f_beta(hits.sum(), true.sum(), predicted.sum(), beta), beta)

    return _of_counts(terms, slopes)


def weighted_f(beta: float) -> Metric:
    """Return the mean over classes of the F score, weighted by their true rows."""

    def terms(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
        scores = f_beta(hits, true, predicted, beta) * true
        return np.stack(np.broadcast_arrays(scores, true), axis=-1)

    def slopes(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> _Slopes:
        score, rows = f_beta(hits, true, predicted, beta), true.sum()
        slope = divide(divide(true, rows), beta**2 * true + predicted)
        by_hit, by_true, by_predicted = _f_slopes(slope, score, beta)
        mean = divide((score * true).sum(), rows)
        return by_hit, by_true + divide(score - mean, rows), by_predicted  # the weights are counts, too

    return _of_counts(terms, slopes)


def samples_f(beta: float) -> Metric:
    """Return the mean over rows of the F score of a row's classes."""
    return _of_rows(
        lambda hits, true, predicted, classes: f_beta(hits, true, predicted, beta),
        greater_is_better=True,
        argmax_is_optimal=False,
    )


def _f_slopes(slope: np.ndarray, score: np.ndarray, beta: float) -> _Slopes:
    """Derivatives of F scores whose denominator's inverse, times a weight, is ``slope`` (K,)."""
    return (1 + beta**2) * slope, -(beta**2) * score * slope, -score * slope


def _of_counts(
    terms: Callable[..., np.ndarray], slopes: Callable[[np.ndarray, np.ndarray, np.ndarray], _Slopes]
) -> Metric:
    """Return a metric of the classes' counts, with its derivatives by hits, true and predicted (each (K,))."""

    def value(truth: np.ndarray, labels: np.ndarray) -> float:
        found = counts(truth, labels)
        return float(ratio(terms(*found, np.arange(truth.shape[1])).sum(axis=-2)))

    def influence(truth: np.ndarray, labels: np.ndarray) -> np.ndarray:
        by_hit, by_true, by_predicted = slopes(*counts(truth, labels))
        return ((truth * labels) @ by_hit + truth @ by_true + labels @ by_predicted) * len(truth)

    return Metric(True, "labels", False, terms, ratio, value=value, influence=influence)


def _of_rows(
    score: Callable[[np.ndarray, np.ndarray, np.ndarray, int], np.ndarray],
    *,
    greater_is_better: bool,
    argmax_is_optimal: bool,
) -> Metric:
    """Return a metric that is the mean of a score of each row's counts."""
    value, influence = mean_of(
        lambda truth, labels: score(*row_counts(truth, labels), truth.shape[1]),
    )
    return Metric(
        greater_is_better, "labels", argmax_is_optimal, of_row=score, value=value, influence=influence
    )


def _of_columns(value: Callable[[np.ndarray, np.ndarray], float], influence: Rows, chance: float) -> Metric:
    """Return the mean of a metric over the classes for which it is defined; ``chance`` where it is for none."""

    def defined(truth: np.ndarray, proba: np.ndarray) -> dict[int, float]:
        values = {k: value(truth[:, k], proba[:, k]) for k in range(truth.shape[1])}
        return {k: found for k, found in values.items() if not np.isnan(found)}

    def mean(truth: np.ndarray, proba: np.ndarray) -> float:
        found = defined(truth, proba)
        return float(np.mean(list(found.values()))) if found else chance

    def moved(truth: np.ndarray, proba: np.ndarray) -> np.ndarray:
        found = [influence(truth[:, k], proba[:, k]) for k in defined(truth, proba)]
        return np.mean(found, axis=0) if found else np.zeros(len(truth))

    return Metric(True, "proba", True, value=mean, influence=moved)


METRICS: dict[str, Metric] = {
    "micro_f1": micro_f(1.0),
    "macro_f1": macro_f(1.0),
    "weighted_f1": weighted_f(1.0),
    "samples_f1": samples_f(1.0),
    "exact_match": _of_rows(
        lambda hits, true, predicted, classes: ((hits == true) & (hits == predicted)).astype(float),
        greater_is_better=True,
        argmax_is_optimal=True,
    ),
    "hamming_loss": _of_rows(
        lambda hits, true, predicted, classes: (true + predicted - 2 * hits) / classes,
        greater_is_better=False,
        argmax_is_optimal=True,
    ),
    "log_loss": Metric(False, "proba", True, value=mean_of(row_log_loss)[0], influence=row_log_loss),
    "roc_auc": _of_columns(roc_auc, roc_auc_influence, 0.5),
    "average_precision": _of_columns(average_precision, average_precision_influence, 0.0),
}
"""By name. A class without a true row has no ROC area and no average precision and is left out of their means.

``samples_f1`` of a row with neither true nor predicted classes is 0, ``micro_f1`` is over all cells.
"""

FAMILIES: dict[str, Callable[[float], Metric]] = {
    "macro_f": macro_f,
    "micro_f": micro_f,
    "weighted_f": weighted_f,
    "samples_f": samples_f,
}
"""Metrics with a number, by the name of their family (``podium.metric_names``)."""
