"""What there is to say of a score once it is known: on rows like the test rows, in each fold, by class."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from podium import metrics
from podium.adversarial import shifted, trust
from podium.targets import TaskType, type_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """When to warn; the keys of the config's block ``adversarial`` of the same names."""

    level: float
    class_shift: float
    class_rows: int
    fold_rows: int
    weight_limit: float


@dataclass(frozen=True)
class Submitted:
    """What was submitted, on the training rows out of fold: ``truth``, ``proba`` and ``folds`` of N rows.

    ``predicted`` are the decided labels or values, None where the metric reads probabilities; ``test`` the
    probabilities of the M test rows; ``score`` holds ``metric``, ``cv``, ``se`` and ``folds``; ``labels`` are the names
    of the classes or value columns.
    """

    truth: np.ndarray
    proba: np.ndarray
    predicted: np.ndarray | None
    folds: np.ndarray
    test: np.ndarray
    score: dict[str, Any]
    labels: list[str]


def judge(
    given: Submitted, facts: dict[str, Any], like_test: np.ndarray, settings: dict[str, Any], bars: Bars
) -> dict[str, Any]:
    """Return the weighted score, the estimated class shares, the test of the folds, and ``warnings``.

    ``facts`` are those of ``podium.adversarial.compare``, ``like_test`` (N,) each row's probability to be a test row,
    NaN where it was not drawn; ``settings`` those of ``trust.setting_warnings``.
    """
    metric, type = given.score["metric"], type_of(given.truth)
    weighted = _weighted(given, like_test, bars.weight_limit)
    shares = None
    if type == "single_label":
        shares = shifted.class_shares(
            given.proba, given.truth, given.test, given.labels, level=bars.level, bar=bars.class_shift
        )
    sizes = np.unique(given.folds, return_counts=True)[1].tolist()
    spread = trust.fold_spread(given.score["folds"], sizes, given.score["se"])
    moved = list(trust.share_warning(shares, facts, level=bars.level, bar=bars.class_shift))
    better = metrics.get(metric, type).greater_is_better
    warnings = [
        *trust.shifted_warning(weighted, facts, better=better, classes=bool(moved)),
        *moved,
        *trust.spread_warning(spread, given.score["folds"], level=bars.level),
        *trust.size_warnings(
            _class_rows(given.truth, given.labels, type),
            sizes,
            metric=metric,
            class_rows=bars.class_rows,
            fold_rows=bars.fold_rows,
        ),
        *trust.setting_warnings(settings, facts),
    ]
    return {
        "metric": metric,
        "cv": given.score["cv"],
        "cv_se": given.score["se"],
        "shifted": weighted,
        "class_shares": shares,
        "fold_spread": spread,
        "warnings": warnings,
    }


def _weighted(given: Submitted, like_test: np.ndarray, limit: float) -> dict[str, Any]:
    """The weighted score of the rows whose probability is known."""
    known = np.isfinite(like_test)
    if not known.any():
        return shifted.nothing("there are too few rows to tell train and test apart")
    return shifted.score(
        given.score["metric"],
        given.truth[known],
        None if given.predicted is None else given.predicted[known],
        given.proba[known],
        shifted.weights(like_test[known], limit=limit),
        classes=len(given.labels),
    )


def _class_rows(truth: np.ndarray, labels: list[str], type: TaskType) -> dict[str, int]:
    if type == "regression":
        return {}
    single = type == "single_label"
    rows = np.bincount(truth, minlength=len(labels)) if single else truth.sum(axis=0, dtype=np.int64)
    return dict(zip(labels, rows.tolist(), strict=True))
