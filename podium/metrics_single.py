"""Metrics of single-label tasks. Truth and labels are class indices (N,), probabilities (N, K)."""

import numpy as np

from podium.metric import Metric, divide, f1, mean_of, ratio
from podium.ranking import roc_auc, roc_auc_influence


def row_log_loss(truth: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return minus the log-probability of each row's true class (N,).

    Rows are scaled to sum to 1 (tables hold float32) and clipped at the float64 epsilon, as scikit-learn does.
    """
    picked = proba[np.arange(len(truth)), truth] / proba.sum(axis=1)
    epsilon = np.finfo(np.float64).eps
    return -np.log(np.clip(picked, epsilon, 1 - epsilon))


def _accuracy(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    return np.stack(np.broadcast_arrays(hits, true), axis=-1).astype(float)


def _macro_f1(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    # A class that is neither true nor predicted is left out of the mean, not counted as zero.
    return np.stack([f1(hits, true, predicted), (true + predicted > 0).astype(float)], axis=-1)


def _weighted_f1(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    return np.stack(np.broadcast_arrays(f1(hits, true, predicted) * true, true), axis=-1).astype(float)


def _f1(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    # The positive class enters with its counts alone, so that the sums over both classes are its own.
    positive = label == 1
    return np.stack(np.broadcast_arrays(2.0 * hits * positive, (true + predicted) * positive), axis=-1)


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


def _areas(truth: np.ndarray, proba: np.ndarray) -> dict[int, float]:
    """ROC areas of each class against the rest where there are both; of two classes, of the last alone."""
    classes = [1] if proba.shape[1] == 2 else range(proba.shape[1])
    found = {label: roc_auc(truth == label, proba[:, label]) for label in classes}
    return {label: area for label, area in found.items() if not np.isnan(area)}


def _roc_auc(truth: np.ndarray, proba: np.ndarray) -> float:
    areas = _areas(truth, proba)
    return float(np.mean(list(areas.values()))) if areas else 0.5


def _roc_auc_influence(truth: np.ndarray, proba: np.ndarray) -> np.ndarray:
    moved = [roc_auc_influence(truth == label, proba[:, label]) for label in _areas(truth, proba)]
    return np.mean(moved, axis=0) if moved else np.zeros(len(truth))


METRICS: dict[str, Metric] = {
    "accuracy": Metric(True, "labels", True, _accuracy, ratio),
    "macro_f1": Metric(True, "labels", False, _macro_f1, ratio),
    "weighted_f1": Metric(True, "labels", False, _weighted_f1, ratio),
    "f1": Metric(True, "labels", False, _f1, ratio),
    "mcc": Metric(True, "labels", False, _mcc, _combine_mcc),
    "balanced_accuracy": Metric(True, "labels", False, _balanced, ratio),
    "qwk": Metric(True, "labels", False, _qwk, _combine_qwk, ordinal=True),
    "log_loss": Metric(False, "proba", True, value=mean_of(row_log_loss)[0], influence=row_log_loss),
    "roc_auc": Metric(True, "proba", True, value=_roc_auc, influence=_roc_auc_influence),
}
"""By name. ``f1`` is that of the last of two classes; ``mcc`` is the K-class form (Gorodkin 2004); ``qwk`` is
quadratic weighted kappa over the positions of the sorted classes (Cohen 1968); ``roc_auc`` is the area of the last of
two classes, of more the mean of each against the rest that has rows.
"""
