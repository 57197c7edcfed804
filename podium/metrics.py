"""Metrics of all types of tasks: the value, its standard error and the value of each fold.

The type of task is told by the truth (``podium.targets.type_of``): class indices (N,), float32 of 0 and 1 (N, K), or
float64 values (N, T); labels have the truth's form.

Every label metric of a single-label task depends on the confusion matrix alone, through three counts a class: ``hits``
(diagonal), ``true`` (rows of the class) and ``predicted`` (rows given the class). Each such metric is written
as sums over classes of a few terms and a function of those sums. Bootstrap, blending and the search for
decision offsets then work on counts, never on rows.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from podium import (
    metric_file,
    metric_names,
    metrics_errors,
    metrics_multi,
    metrics_regression,
    metrics_single,
    metrics_span,
)
from podium.errors import UserError, hint
from podium.metric import Metric
from podium.targets import AnyType, TaskType, encode, type_of

METRICS: dict[AnyType, dict[str, Metric]] = {
    "single_label": metrics_single.METRICS,
    "multi_label": metrics_multi.METRICS,
    "regression": metrics_regression.METRICS,
    "span": metrics_span.METRICS,
}
"""Metrics by type of task and name; a name means the same direction in every type."""

FAMILIES: dict[AnyType, dict[str, Callable[[float], Metric]]] = {
    "single_label": metrics_single.FAMILIES,
    "multi_label": metrics_multi.FAMILIES,
    "regression": {},
    "span": {},
}
"""Metrics with a number in their names (``podium.metric_names``)."""


@dataclass(frozen=True)
class Score:
    """A metric's value and its standard error (sampling of rows; not of training runs)."""

    value: float
    se: float


def find(metric: str, type: AnyType) -> Metric | None:
    """Return the metric of that name for a type of task; None where there is none.

    The name is one of ``METRICS``, one with a number (``podium.metric_names``), or a user's file
    (``podium.metric_file``), whose mistakes raise ``UserError``.
    """
    if metric in METRICS[type]:
        return METRICS[type][metric]
    if metric_file.is_own(metric):
        return None if type == "span" else metric_file.load(metric, type)
    family = metric_names.family(metric)
    return _numbered(type, *family) if family and family[0] in FAMILIES[type] else None


@cache
def _numbered(type: AnyType, family: str, number: float) -> Metric:
    return FAMILIES[type][family](number)


def get(metric: str, type: AnyType = "single_label") -> Metric:
    """Return the metric of that name (``find``); an unknown one raises ``UserError``."""
    found = find(metric, type)
    if found is None:
        raise UserError(f"metric: unknown metric '{metric}': {hint(metric, METRICS[type])}")
    return found


def require(metric: str, *, classes: int, type: TaskType = "single_label") -> Metric:
    """Return the metric if it is defined for that number of classes, else raise ``UserError``."""
    found = get(metric, type)
    if type == "single_label" and _of_two(metric) and classes != 2:
        raise UserError(
            f"metric: {metric} needs 2 classes, the task has {classes}: use macro_{metric} or weighted_{metric}"
        )
    return found


def _of_two(metric: str) -> bool:
    family = metric_names.family(metric)
    return family is not None and family[0] == "f"


def label_mistake(metric: str, column: str, labels: Sequence[str]) -> str | None:
    """Return why a single-label metric is not defined for the class names of ``column``; None where it is."""
    if metric_file.is_own(metric):
        return metric_file.class_mistake(metric, list(labels))
    if _of_two(metric) and len(labels) != 2:
        return f"{metric} is for two labels, but {column} has {len(labels)}; use macro_{metric}"
    found = find(metric, "single_label")
    if found is not None and found.ranked is not None and found.ranked >= len(labels):
        return f"{metric} looks at {found.ranked} labels, but {column} has only {len(labels)}; use a smaller number"
    word = next((label for label in labels if not re.fullmatch(r"-?[0-9]+", label)), None)
    if metric == "qwk" and word is not None:
        return f"qwk counts steps between whole numbers, but {column} has the label '{word}'; use macro_f1"
    return None


def greater_is_better(metric: str) -> bool:
    """Return the direction of the metric of that name; an unknown one raises ``UserError``."""
    if metric_file.is_own(metric):
        return metric_file.read(metric).greater_is_better
    for type in METRICS:
        if found := find(metric, type):
            return found.greater_is_better
    names = {name for registry in METRICS.values() for name in registry}
    raise UserError(f"metric: unknown metric '{metric}': {hint(metric, names)}")


def utility(metric: str, value: float) -> float:
    """Return the value with its sign such that greater is better."""
    return value if greater_is_better(metric) else -value


def default_labels(proba: np.ndarray, type: TaskType) -> np.ndarray:
    """Return the labels of untuned decisions: the most probable class (N,), or the classes above 0.5 (N, K)."""
    return (proba > 0.5).astype(np.float32) if type == "multi_label" else proba.argmax(axis=1)


def matches(metric: str, truth: np.ndarray, predicted: np.ndarray | int) -> np.ndarray:
    """Return what each row adds to ``hits`` of the class it is given (N,); ``truth`` holds class indices (N,)."""
    return truth if get(metric).ordinal else truth == predicted


def counts(
    metric: str, truth: np.ndarray, predicted: np.ndarray, *, classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``hits``, ``true`` and ``predicted`` (each (K,)) of class indices (N,); see ``Metric``."""
    if get(metric).ordinal:
        hits = np.bincount(predicted, truth, minlength=classes)
    else:
        hits = np.bincount(truth[truth == predicted], minlength=classes)
    return hits, np.bincount(truth, minlength=classes), np.bincount(predicted, minlength=classes)


def from_counts(metric: str, hits: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the value (...) of a single-label label metric from counts (..., K), for as many tables as there are."""
    found = get(metric)
    if found.terms is None or found.combine is None:
        raise ValueError(f"{metric} is not a function of the confusion matrix")
    return found.combine(found.terms(hits, true, predicted, np.arange(hits.shape[-1])).sum(axis=-2))


def value(
    metric: str, truth: np.ndarray, predicted: np.ndarray | None, proba: np.ndarray | None, *, classes: int
) -> float:
    """Return the metric's value; see ``score``."""
    found = require(metric, classes=classes, type=type_of(truth))
    if len(truth) == 0:
        raise ValueError("a score needs at least one row")
    given = _given(found, metric, truth, predicted, proba)
    if found.value is not None:
        return float(found.value(truth, given))
    return float(from_counts(metric, *counts(metric, truth, given, classes=classes)))


def score(
    metric: str, truth: np.ndarray, predicted: np.ndarray | None, proba: np.ndarray | None, *, classes: int
) -> Score:
    """Return the metric's value, as scikit-learn computes it, and its standard error.

    ``truth`` and ``predicted`` are class indices (N,), ``proba`` is (N, K) with K = ``classes``; multi-label truth and
    labels are (N, K), the truth and values of a regression (N, K). Without ``predicted`` a label metric takes
    ``default_labels`` of ``proba``. Means over classes of a single-label task are over those that are true
    or predicted somewhere (macro F1) or true somewhere (balanced accuracy), scikit-learn's default.

    The error is sqrt(p(1-p)/N) for accuracy, and for the others that of ``podium.metrics_errors``. It is reproducible.
    """
    point = value(metric, truth, predicted, proba, classes=classes)
    rows = len(truth)
    if metric == "accuracy":
        return Score(point, float(np.sqrt(point * (1 - point) / rows)))
    found = get(metric, type_of(truth))
    given = _given(found, metric, truth, predicted, proba)
    return Score(point, metrics_errors.spread(found, truth, given, classes=classes))


def paired_se(
    metric: str, truth: np.ndarray, first: np.ndarray, second: np.ndarray, *, classes: int
) -> float:
    """Return the standard error of the difference of the metric for two decisions on the same rows.

    ``first`` and ``second`` are what the metric reads, as in ``score``.
    """
    found = get(metric, type_of(truth))
    return metrics_errors.paired_spread(found, truth, first, second, classes=classes)


def what_it_reads(
    metric: str, truth: np.ndarray, predicted: np.ndarray | None, proba: np.ndarray | None
) -> np.ndarray:
    """Return what the metric is a function of beside the truth, as ``score`` takes it: labels or ``proba``."""
    return _given(get(metric, type_of(truth)), metric, truth, predicted, proba)


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


def _given(
    found: Metric, metric: str, truth: np.ndarray, predicted: np.ndarray | None, proba: np.ndarray | None
) -> np.ndarray:
    """Return what the metric reads: labels, probabilities or values."""
    if found.uses != "proba" and predicted is not None:
        return predicted
    if proba is None:
        raise ValueError(f"{metric} needs probabilities or labels")
    return default_labels(proba, type_of(truth)) if found.uses == "labels" else proba
