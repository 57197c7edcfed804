"""Metrics of rows that count by a weight, as scikit-learn computes them with ``sample_weight``.

Means over rows become weighted means, counts become sums of weights. Rank correlations and a user's own metric have no
weighted form.
"""

import numpy as np

from podium import metrics
from podium.metric import Metric
from podium.metric_file import is_own
from podium.targets import TaskType, type_of

_RANKINGS = ("roc_auc", "average_precision")
_OF_VALUES = ("rmse", "mcrmse", "r2", "pearson", "qwk")
_ROW_MEANS = ("log_loss", "mae")


def mistake(metric: str, type: TaskType) -> str | None:
    """Return why a metric takes no weights; None where it does."""
    if is_own(metric):
        return "a metric in a file of your own takes no weights"
    if type == "regression" and metric not in (*_OF_VALUES, *_ROW_MEANS):
        return f"{metric} has no form with weights"
    return None


def value(
    metric: str,
    truth: np.ndarray,
    predicted: np.ndarray | None,
    proba: np.ndarray | None,
    weight: np.ndarray,
    *,
    classes: int,
) -> float:
    """Return the metric's value with rows of ``weight`` (N,), none negative; the rest as ``podium.metrics.score``.

    Raises ``ValueError`` for a metric that takes no weights (``mistake``).
    """
    type = type_of(truth)
    if reason := mistake(metric, type):
        raise ValueError(reason)
    found = metrics.require(metric, classes=classes, type=type)
    given = metrics.what_it_reads(metric, truth, predicted, proba)
    if metric in _ROW_MEANS or found.of_row is not None or found.ranked is not None:
        assert found.influence is not None  # of a mean over rows these are the rows themselves
        return float(np.average(found.influence(truth, given), weights=weight))
    if type == "regression":
        return _of_values(metric, truth, given, weight)
    if metric in _RANKINGS:
        return _ranking(metric, truth, given, weight)
    return _of_counts(found, truth, given, weight, classes)


def _of_counts(
    found: Metric, truth: np.ndarray, given: np.ndarray, weight: np.ndarray, classes: int
) -> float:
    assert found.terms is not None
    assert found.combine is not None
    if truth.ndim == 2:
        hits, true, predicted = weight @ (truth * given), weight @ truth, weight @ given
    else:
        match = truth if found.ordinal else truth == given
        hits, true, predicted = (
            np.bincount(by, weight * factor, minlength=classes)
            for by, factor in ((given, match), (truth, 1.0), (given, 1.0))
        )
    terms = found.terms(hits, true, predicted, np.arange(classes))
    return float(found.combine(terms.sum(axis=-2)))


def _ranking(metric: str, truth: np.ndarray, proba: np.ndarray, weight: np.ndarray) -> float:
    """Return the mean over classes of both kinds, as ``podium.metrics_single`` and ``metrics_multi`` have it."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    if truth.ndim == 2:
        columns = [(truth[:, k] > 0, proba[:, k]) for k in range(proba.shape[1])]
    else:
        chosen = [1] if proba.shape[1] == 2 else range(proba.shape[1])
        columns = [(truth == k, proba[:, k]) for k in chosen]
    auc = metric == "roc_auc"
    score = roc_auc_score if auc else average_precision_score
    values = [
        score(true, column, sample_weight=weight)
        for true, column in columns
        if true.any() and not (auc and true.all())
    ]
    return float(np.mean(values)) if values else 0.5 * auc


def _of_values(metric: str, truth: np.ndarray, values: np.ndarray, weight: np.ndarray) -> float:
    def mean(rows: np.ndarray) -> np.ndarray:
        return np.average(rows, axis=0, weights=weight)

    apart = mean((truth - values) ** 2)
    if metric == "rmse":
        return float(np.sqrt(apart.mean()))
    if metric == "mcrmse":
        return float(np.sqrt(apart).mean())
    if metric == "r2":
        spread = mean((truth - mean(truth)) ** 2)
        return float(np.mean(np.where(spread > 0, 1 - apart / np.where(spread > 0, spread, 1), apart == 0)))
    if metric == "pearson":
        one, other = truth - mean(truth), values - mean(values)
        scale = np.sqrt(mean(one**2) * mean(other**2))
        return float(np.mean(np.where(scale > 0, mean(one * other) / np.where(scale > 0, scale, 1), 0.0)))
    grades = np.rint(values)
    chance = mean(truth**2) + mean(grades**2) - 2 * mean(truth) * mean(grades)
    apart = mean((truth - grades) ** 2)
    return float(np.mean(np.where(chance > 0, 1 - apart / np.where(chance > 0, chance, 1), 0.0)))
