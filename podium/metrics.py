"""Metrics of single-label tasks: the value, its standard error and the value of each fold.

Every metric but ``log_loss`` depends on the confusion matrix alone, through three counts a class: ``hits``
(diagonal), ``true`` (rows of the class) and ``predicted`` (rows given the class). Each such metric is written
as sums over classes of a few terms and a function of those sums. Bootstrap, blending and the search for
decision offsets then work on counts, never on rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from podium.alignment import encode
from podium.errors import UserError, hint

DRAWS = 500
"""Bootstrap draws behind a standard error; the noise of that error itself is then about 3%."""

_SEED = 20170


@dataclass(frozen=True)
class Score:
    """A metric's value and its standard error (sampling of rows; not of training runs)."""

    value: float
    se: float


@dataclass(frozen=True)
class Metric:
    """What the other stages must know of a metric.

    ``uses`` says whether it reads labels or probabilities; ``argmax_is_optimal`` whether giving each row its
    most probable class is the best decision when the probabilities are right. ``terms`` maps the counts
    ``hits``, ``true``, ``predicted`` (..., K) of the classes ``label`` (K,) to additive terms (..., K, S), and
    ``combine`` maps their sums over classes (..., S) to the value (...). Both are None for ``log_loss``.
    """

    greater_is_better: bool
    uses: Literal["labels", "proba"]
    argmax_is_optimal: bool
    terms: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None = None
    combine: Callable[[np.ndarray], np.ndarray] | None = None


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Divide, with 0 where the denominator is 0 (as scikit-learn does for undefined scores)."""
    shape = np.broadcast_shapes(np.shape(top), np.shape(bottom))
    return np.divide(top, bottom, out=np.zeros(shape), where=np.asarray(bottom) != 0)


def _f1(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return _divide(2.0 * hits, true + predicted)


def _terms_accuracy(
    hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray
) -> np.ndarray:
    return np.stack(np.broadcast_arrays(hits, true), axis=-1).astype(float)


def _terms_macro_f1(
    hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray
) -> np.ndarray:
    # A class that is neither true nor predicted is left out of the mean, not counted as zero.
    return np.stack([_f1(hits, true, predicted), (true + predicted > 0).astype(float)], axis=-1)


def _terms_weighted_f1(
    hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray
) -> np.ndarray:
    return np.stack(np.broadcast_arrays(_f1(hits, true, predicted) * true, true), axis=-1).astype(float)


def _terms_f1(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    # The positive class enters with its counts alone, so that the sums over both classes are its own.
    positive = label == 1
    return np.stack(np.broadcast_arrays(2.0 * hits * positive, (true + predicted) * positive), axis=-1)


def _terms_balanced(
    hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray
) -> np.ndarray:
    return np.stack(np.broadcast_arrays(_divide(hits, true), (true > 0).astype(float)), axis=-1)


def _terms_mcc(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, label: np.ndarray) -> np.ndarray:
    terms = np.broadcast_arrays(hits, true, predicted * true, predicted * predicted, true * true)
    return np.stack(terms, axis=-1).astype(float)


def _ratio(sums: np.ndarray) -> np.ndarray:
    return _divide(sums[..., 0], sums[..., 1])


def _combine_mcc(sums: np.ndarray) -> np.ndarray:
    hits, rows, cross, predicted, true = np.moveaxis(sums, -1, 0)
    return _divide(hits * rows - cross, np.sqrt((rows**2 - predicted) * (rows**2 - true)))


METRICS: dict[str, Metric] = {
    "accuracy": Metric(True, "labels", True, _terms_accuracy, _ratio),
    "macro_f1": Metric(True, "labels", False, _terms_macro_f1, _ratio),
    "weighted_f1": Metric(True, "labels", False, _terms_weighted_f1, _ratio),
    "f1": Metric(True, "labels", False, _terms_f1, _ratio),
    "mcc": Metric(True, "labels", False, _terms_mcc, _combine_mcc),
    "balanced_accuracy": Metric(True, "labels", False, _terms_balanced, _ratio),
    "log_loss": Metric(False, "proba", True),
}
"""Metrics by name. ``f1`` is that of the last of two classes; ``mcc`` is the K-class form (Gorodkin 2004)."""


def get(metric: str) -> Metric:
    """Return the metric of that name; an unknown one raises ``UserError``."""
    if metric not in METRICS:
        raise UserError(f"metric: unknown metric '{metric}': {hint(metric, METRICS)}")
    return METRICS[metric]


def require(metric: str, *, classes: int) -> Metric:
    """Return the metric if it is defined for that number of classes, else raise ``UserError``."""
    found = get(metric)
    if metric == "f1" and classes != 2:
        raise UserError(f"metric: f1 needs 2 classes, the task has {classes}: use macro_f1 or weighted_f1")
    return found


def utility(metric: str, value: float) -> float:
    """Return the value with its sign such that greater is better."""
    return value if get(metric).greater_is_better else -value


def counts(
    truth: np.ndarray, predicted: np.ndarray, *, classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``hits``, ``true`` and ``predicted`` (each (K,) int) of class indices (N,)."""
    return (
        np.bincount(truth[truth == predicted], minlength=classes),
        np.bincount(truth, minlength=classes),
        np.bincount(predicted, minlength=classes),
    )


def from_counts(metric: str, hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the value (...) of a label metric from counts (..., K), for as many tables as there are."""
    found = get(metric)
    if found.terms is None or found.combine is None:
        raise ValueError(f"{metric} is not a function of the confusion matrix")
    return found.combine(found.terms(hits, true, predicted, np.arange(hits.shape[-1])).sum(axis=-2))


def row_log_loss(truth: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return minus the log-probability of each row's true class (N,).

    Rows are scaled to sum to 1 (tables hold float32) and clipped at the float64 epsilon, as scikit-learn does.
    """
    picked = proba[np.arange(len(truth)), truth] / proba.sum(axis=1)
    epsilon = np.finfo(np.float64).eps
    return -np.log(np.clip(picked, epsilon, 1 - epsilon))


def value(
    metric: str, truth: np.ndarray, predicted: np.ndarray | None, proba: np.ndarray | None, *, classes: int
) -> float:
    """Return the metric's value; see ``score``."""
    found = require(metric, classes=classes)
    if len(truth) == 0:
        raise ValueError("a score needs at least one row")
    if found.uses == "proba":
        return float(row_log_loss(truth, _need(metric, proba)).mean())
    labels = predicted if predicted is not None else _need(metric, proba).argmax(axis=1)
    return float(from_counts(metric, *counts(truth, labels, classes=classes)))


def score(
    metric: str, truth: np.ndarray, predicted: np.ndarray | None, proba: np.ndarray | None, *, classes: int
) -> Score:
    """Return the metric's value, as scikit-learn computes it, and its standard error.

    ``truth`` and ``predicted`` are class indices (N,), ``proba`` is (N, K) with K = ``classes``. A label metric
    takes the argmax of ``proba`` where ``predicted`` is None. Means over classes are over those that are true
    or predicted somewhere (macro F1) or true somewhere (balanced accuracy), scikit-learn's default.

    The error is sqrt(p(1-p)/N) for accuracy, that of the mean for log loss, else the standard deviation over
    500 bootstrap samples of the confusion matrix: rows drawn with replacement give multinomial cells
    (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 6). It is reproducible.
    """
    point = value(metric, truth, predicted, proba, classes=classes)
    rows = len(truth)
    if metric == "accuracy":
        return Score(point, float(np.sqrt(point * (1 - point) / rows)))
    if get(metric).uses == "proba":
        losses = row_log_loss(truth, _need(metric, proba))
        return Score(point, float(losses.std(ddof=1) / np.sqrt(rows)) if rows > 1 else 0.0)
    labels = predicted if predicted is not None else _need(metric, proba).argmax(axis=1)
    return Score(point, _bootstrap_se(metric, truth, labels, classes=classes))


def _bootstrap_se(metric: str, truth: np.ndarray, predicted: np.ndarray, *, classes: int) -> float:
    """Return the standard deviation of the metric over multinomial draws of the filled cells."""
    cells, filled = np.unique(truth * classes + predicted, return_counts=True)
    rng = np.random.default_rng(_SEED)
    drawn = rng.multinomial(len(truth), filled / filled.sum(), size=DRAWS)
    row, column = np.divmod(cells, classes)
    true = _sum_by(drawn, row, classes)
    given = _sum_by(drawn, column, classes)
    hits = _sum_by(drawn[:, row == column], row[row == column], classes)
    return float(from_counts(metric, hits, true, given).std(ddof=1))


def _sum_by(drawn: np.ndarray, group: np.ndarray, classes: int) -> np.ndarray:
    """Sum the columns of ``drawn`` (D, C) that share a ``group`` (C,) into (D, K)."""
    membership = np.zeros((len(group), classes))
    membership[np.arange(len(group)), group] = 1
    return drawn @ membership


def fold_scores(
    metric: str,
    truth: np.ndarray,
    predicted: np.ndarray | None,
    proba: np.ndarray | None,
    folds: np.ndarray,
    *,
    classes: int,
) -> list[float]:
    """Return the metric's value in each fold, in the order of fold numbers; ``folds`` is (N,) int."""
    return [
        value(
            metric,
            truth[rows],
            None if predicted is None else predicted[rows],
            None if proba is None else proba[rows],
            classes=classes,
        )
        for rows in (folds == fold for fold in np.unique(folds))
    ]


def score_labels(metric: str, truth: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> Score:
    """Return the score of predicted class names; a name outside ``labels`` raises ``UserError``."""
    if len(truth) != len(predicted):
        raise ValueError(f"{len(truth)} true and {len(predicted)} predicted labels")
    if get(metric).uses == "proba":
        raise UserError(f"metric: {metric} needs probabilities, only labels are given: choose another metric")
    return score(metric, encode(truth, labels), encode(predicted, labels), None, classes=len(labels))


def _need(metric: str, proba: np.ndarray | None) -> np.ndarray:
    if proba is None:
        raise ValueError(f"{metric} needs probabilities or labels")
    return proba
