"""Metrics of regressions. Truth and values are (N, T); but for ``rmse`` a metric is the mean over the T columns."""

import dataclasses
from collections.abc import Callable

import numpy as np

from podium.errors import UserError
from podium.metric import Metric, Rows, divide, mean_of
from podium.ranking import (
    correlation,
    correlation_influence,
    rank_correlation,
    rank_correlation_influence,
)


def _rmse(truth: np.ndarray, values: np.ndarray) -> float:
    return float(np.sqrt(((truth - values) ** 2).mean()))


def _rmse_influence(truth: np.ndarray, values: np.ndarray) -> np.ndarray:
    errors = ((truth - values) ** 2).mean(axis=1)
    return divide(errors - errors.mean(), 2 * np.sqrt(errors.mean()))


def _absolute(truth: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.abs(truth - values).mean(axis=1)


def _r2(truth: np.ndarray, values: np.ndarray) -> float:
    left, spread = ((truth - values) ** 2).mean(), truth.var()
    if spread == 0:  # as scikit-learn
        return float(left == 0)
    return float(1 - left / spread)


def _r2_influence(truth: np.ndarray, values: np.ndarray) -> np.ndarray:
    left, spread = (truth - values) ** 2, (truth - truth.mean()) ** 2
    if spread.mean() == 0:
        return np.zeros(len(truth))
    return -(left - left.mean() / spread.mean() * spread) / spread.mean()


def _by_column(
    value: Callable[[np.ndarray, np.ndarray], float], influence: Rows, *, greater_is_better: bool = True
) -> Metric:
    """Return the mean over columns of a metric of one column (N,)."""

    def mean(truth: np.ndarray, values: np.ndarray) -> float:
        return float(np.mean([value(*pair) for pair in zip(truth.T, values.T, strict=True)]))

    def moved(truth: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.mean([influence(*pair) for pair in zip(truth.T, values.T, strict=True)], axis=0)

    return Metric(greater_is_better, "values", True, value=mean, influence=moved)


def _of_one(metric: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda truth, values: metric(truth[:, None], values[:, None])


def _whole(truth: np.ndarray) -> np.ndarray:
    if (truth != np.rint(truth)).any():
        odd = truth[truth != np.rint(truth)][0]
        raise UserError(f"metric: qwk counts steps between whole numbers, but a target is {odd:g}; use rmse")
    return truth


def _kappa_parts(truth: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances (N,), and what their mean would be for grades dealt at random, by rows (N,)."""
    grades = np.rint(values)
    return (_whole(truth) - grades) ** 2, truth**2 + grades**2 - 2 * truth.mean() * grades


def _kappa(truth: np.ndarray, values: np.ndarray) -> float:
    apart, chance = _kappa_parts(truth, values)
    return float(1 - apart.mean() / chance.mean()) if chance.mean() > 0 else 0.0


def _kappa_influence(truth: np.ndarray, values: np.ndarray) -> np.ndarray:
    apart, chance = _kappa_parts(truth, values)
    if not chance.mean() > 0:
        return np.zeros(len(truth))
    moved = chance - 2 * truth * np.rint(values).mean()  # the mean of the truth moves, too
    return (apart.mean() / chance.mean() * moved - apart) / chance.mean()


METRICS: dict[str, Metric] = {
    "rmse": Metric(False, "values", True, value=_rmse, influence=_rmse_influence),
    "mcrmse": _by_column(
        lambda truth, values: _rmse(truth[:, None], values[:, None]),
        _of_one(_rmse_influence),
        greater_is_better=False,
    ),
    "mae": Metric(False, "values", True, value=mean_of(_absolute)[0], influence=_absolute),
    "r2": _by_column(_r2, _r2_influence),
    "pearson": _by_column(correlation, correlation_influence),
    "spearman": _by_column(rank_correlation, rank_correlation_influence),
    "qwk": dataclasses.replace(_by_column(_kappa, _kappa_influence), whole=True),
}
"""By name. ``rmse`` is the root of the mean over all cells, ``mcrmse`` the mean of the columns' roots.

A correlation with a constant column is 0. ``qwk`` is quadratic weighted kappa (Cohen 1968) of the values, rounded to
whole numbers.
"""
