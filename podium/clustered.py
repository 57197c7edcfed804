"""Errors of scores where some rows are near-duplicates or of one group: such rows are right and wrong together.

As in ``podium.resampling``, of the sampling of rows alone: what the folds' models add is in the table of scores. Where
every row is a cluster of its own the errors are those of ``podium.metrics``.

Shapes: N rows, K classes; ``folds`` and ``clusters`` are (N,) int, those of the folds stage.
"""

import numpy as np

from podium import metrics, metrics_errors, resampling
from podium.metric import Metric
from podium.metric_file import is_own
from podium.metrics import Score
from podium.resampling import Drawn, Units
from podium.targets import type_of


def score(
    metric: str,
    truth: np.ndarray,
    predicted: np.ndarray | None,
    proba: np.ndarray | None,
    *,
    folds: np.ndarray,
    clusters: np.ndarray,
    classes: int,
) -> Score:
    """Return a metric's value and its standard error; see ``podium.metrics.score``."""
    if not repeated(clusters):
        return metrics.score(metric, truth, predicted, proba, classes=classes)
    value = metrics.value(metric, truth, predicted, proba, classes=classes)
    given = metrics.what_it_reads(metric, truth, predicted, proba)
    found, units = metrics.get(metric, type_of(truth)), units_of(metric, folds, clusters)
    return Score(value, _drawn(found, truth, given, units, classes).rows_se)


def paired_se(
    metric: str,
    truth: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    *,
    folds: np.ndarray,
    clusters: np.ndarray,
    classes: int,
) -> float:
    """Return the standard error of the difference for two decisions on the same rows; see ``metrics.paired_se``."""
    if not repeated(clusters):
        return metrics.paired_se(metric, truth, first, second, classes=classes)
    found, units = metrics.get(metric, type_of(truth)), units_of(metric, folds, clusters)
    one, other = (_drawn(found, truth, given, units, classes) for given in (first, second))
    return other.less(one).rows_se


def of_rows(metric: str, rows: np.ndarray, *, folds: np.ndarray, clusters: np.ndarray) -> Score:
    """Return the mean of the metric's values (N,) of a span task's questions, and its standard error."""
    found, value = metrics.get(metric, "span"), float(rows.mean())
    nothing = np.zeros(len(rows))
    if not repeated(clusters):
        return Score(value, metrics_errors.spread(found, nothing, rows, classes=0))
    return Score(value, _drawn(found, nothing, rows, units_of(metric, folds, clusters), 0).rows_se)


def repeated(clusters: np.ndarray) -> bool:
    """Whether some rows share a cluster."""
    return len(np.unique(clusters)) < len(clusters)


def units_of(metric: str, folds: np.ndarray, clusters: np.ndarray) -> Units:
    """Return what is drawn for a metric's error; one that a user's file computes is drawn in fewer groups."""
    return Units.of(folds, clusters, groups=resampling.COMPUTED if is_own(metric) else resampling.GROUPS)


def _drawn(found: Metric, truth: np.ndarray, given: np.ndarray, units: Units, classes: int) -> Drawn:
    return resampling.draw(found, truth, given, units, value=0.0, classes=classes, test_rows=None)
