"""Metrics of multi-label tasks. Truth and labels are (N, K) of 0 and 1, probabilities (N, K)."""

from collections.abc import Callable

import numpy as np

from podium.metric import Metric, Rows, divide, f1, mean_of, ratio
from podium.ranking import (
    average_precision,
    average_precision_influence,
    roc_auc,
    roc_auc_influence,
)

_Slopes = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


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


def _macro(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    # Unlike in a single-label task a class that is neither true nor predicted counts 0, as in scikit-learn.
    score = f1(hits, true, predicted)
    return np.stack([score, np.ones_like(score)], axis=-1)


def _micro(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    return np.stack(np.broadcast_arrays(2.0 * hits, true + predicted), axis=-1)


def _weighted(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    return np.stack(np.broadcast_arrays(f1(hits, true, predicted) * true, true), axis=-1)


def _macro_slopes(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    slope = divide(np.ones(len(hits)), true + predicted) / len(hits)
    return 2 * slope, -f1(hits, true, predicted) * slope


def _micro_slopes(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    slope = divide(np.ones(len(hits)), np.full(len(hits), (true + predicted).sum()))
    return 2 * slope, -f1(hits.sum(), true.sum(), predicted.sum()) * slope


def _weighted_slopes(
    hits: np.ndarray, true: np.ndarray, predicted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    share = divide(true, true.sum())
    slope = divide(share, true + predicted)
    return 2 * slope, -f1(hits, true, predicted) * slope


def _of_counts(terms: Callable[..., np.ndarray], slopes: _Slopes, *, weighted: bool = False) -> Metric:
    """Return a metric of the classes' counts; ``slopes`` are its derivatives by hits and by true or predicted."""

    def value(truth: np.ndarray, labels: np.ndarray) -> float:
        found = counts(truth, labels)
        return float(ratio(terms(*found, np.arange(truth.shape[1])).sum(axis=-2)))

    def influence(truth: np.ndarray, labels: np.ndarray) -> np.ndarray:
        found = counts(truth, labels)
        by_hit, by_count = slopes(*found)
        moved = (truth * labels) @ by_hit + (truth + labels) @ by_count
        if weighted:  # the weights are counts, too
            moved += truth @ divide(f1(*found) - value(truth, labels), found[1].sum())
        return moved * len(truth)

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
    "micro_f1": _of_counts(_micro, _micro_slopes),
    "macro_f1": _of_counts(_macro, _macro_slopes),
    "weighted_f1": _of_counts(_weighted, _weighted_slopes, weighted=True),
    "samples_f1": _of_rows(
        lambda hits, true, predicted, classes: f1(hits, true, predicted),
        greater_is_better=True,
        argmax_is_optimal=False,
    ),
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
