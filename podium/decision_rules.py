"""The rules by which probabilities or values become what is submitted, each fitted on rows with known labels.

A rule makes features of the predictions once, fits parameters (JSON-able) on the features of some rows and decides any
rows with them. Parameters that were tuned can be shrunk towards those of the plain decision.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from podium import cut_points, metrics, metrics_single, offsets, thresholds
from podium.targets import TaskType

Params = dict[str, Any]
FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How far, from the plain decision to what is best on the fitted rows."""


class Rule(Protocol):
    """One way to decide."""

    @property
    def factors(self) -> tuple[float, ...]:
        """What parameters may be shrunk by; 1 alone where there is nothing to shrink."""

    def features(self, proba: np.ndarray) -> np.ndarray:
        """Return what the rule reads of probabilities or values (N, K), one row each."""

    def fit(self, features: np.ndarray, truth: np.ndarray) -> Params:
        """Return the parameters that are best on these rows."""

    def shrink(self, params: Params, factor: float) -> Params:
        """Return parameters that are ``factor`` of the way from plain ones."""

    def decide(self, features: np.ndarray, params: Params) -> np.ndarray:
        """Return the labels (N,) or (N, K), ranked classes (N, k), or values (N, T)."""


@dataclass(frozen=True)
class Plain:
    """The most probable class, every class above 0.5, or the values as they are; with ``whole``, rounded."""

    type: TaskType
    whole: bool = False
    factors: tuple[float, ...] = (1.0,)

    def features(self, proba: np.ndarray) -> np.ndarray:
        """Return the predictions."""
        return proba

    def fit(self, features: np.ndarray, truth: np.ndarray) -> Params:
        """Return nothing."""
        return {}

    def shrink(self, params: Params, factor: float) -> Params:
        """Return nothing."""
        return params

    def decide(self, features: np.ndarray, params: Params) -> np.ndarray:
        """Return labels or values."""
        if self.type == "regression":
            return np.rint(features) if self.whole else features
        return metrics.default_labels(features, self.type)


@dataclass(frozen=True)
class Offsets:
    """An offset on the log-probability of each class, or on its log-odds in a multi-label task."""

    type: TaskType
    metric: str
    sweeps: int
    factors: tuple[float, ...] = FACTORS

    def features(self, proba: np.ndarray) -> np.ndarray:
        """Return log-probabilities or log-odds (N, K)."""
        return thresholds.log_odds(proba) if self.type == "multi_label" else offsets.logs(proba)

    def fit(self, features: np.ndarray, truth: np.ndarray) -> Params:
        """Return ``offsets`` (K)."""
        fit = thresholds.fit_odds if self.type == "multi_label" else offsets.fit_logs
        return {"offsets": fit(features, truth, metric=self.metric, sweeps=self.sweeps).tolist()}

    def shrink(self, params: Params, factor: float) -> Params:
        """Multiply the offsets; adding 0 turns -0.0 into 0.0."""
        return {"offsets": (factor * np.array(params["offsets"]) + 0.0).tolist()}

    def decide(self, features: np.ndarray, params: Params) -> np.ndarray:
        """Return the best class of each row, or all whose odds are above even."""
        moved = features + np.array(params["offsets"])
        return (moved > 0).astype(np.float32) if self.type == "multi_label" else moved.argmax(axis=1)


@dataclass(frozen=True)
class CutPoints:
    """Whole numbers cut from values, or class positions from the expected position of class probabilities."""

    type: TaskType
    factors: tuple[float, ...] = FACTORS

    def features(self, proba: np.ndarray) -> np.ndarray:
        """Return the values (N, T), or expected positions (N, 1)."""
        return proba if self.type == "regression" else cut_points.expected(proba)

    def fit(self, features: np.ndarray, truth: np.ndarray) -> Params:
        """Return ``low`` (T) and ``cuts`` (T lists): the lowest grade of each column and the cuts above it."""
        columns = truth.reshape(len(truth), -1).T
        found = [cut_points.fit_cuts(*pair) for pair in zip(features.T, columns, strict=True)]
        return {"low": [low for low, _ in found], "cuts": [cuts.tolist() for _, cuts in found]}

    def shrink(self, params: Params, factor: float) -> Params:
        """Move the cuts towards those of rounding, half-way between whole numbers."""
        shrunk = []
        for low, cuts in zip(params["low"], params["cuts"], strict=True):
            plain = low + 0.5 + np.arange(len(cuts))
            shrunk.append((plain + factor * (np.array(cuts) - plain)).tolist())
        return {"low": params["low"], "cuts": shrunk}

    def decide(self, features: np.ndarray, params: Params) -> np.ndarray:
        """Return whole values (N, T) float, or class indices (N,)."""
        parts = zip(features.T, params["low"], params["cuts"], strict=True)
        grades = np.stack(
            [cut_points.cut(column, low, np.array(cuts)) for column, low, cuts in parts], axis=1
        )
        return grades.astype(np.float64) if self.type == "regression" else grades[:, 0].astype(np.int64)


@dataclass(frozen=True)
class TopLabels:
    """The same number of classes for every row of a multi-label task, the most probable: ``k``, or the best number."""

    metric: str
    k: int | None
    factors: tuple[float, ...] = (1.0,)

    def features(self, proba: np.ndarray) -> np.ndarray:
        """Return the place (N, K) from 0 of each class in its row."""
        order = metrics_single.ranked(proba, proba.shape[1])
        return np.argsort(order, axis=1, kind="stable").astype(np.int32)

    def fit(self, features: np.ndarray, truth: np.ndarray) -> Params:
        """Return ``k``; of equal numbers the smallest."""
        classes = features.shape[1]
        if self.k is not None:
            return {"k": min(self.k, classes)}
        utilities = [
            metrics.utility(
                self.metric,
                metrics.value(self.metric, truth, self.decide(features, {"k": k}), None, classes=classes),
            )
            for k in range(1, classes + 1)
        ]
        return {"k": 1 + int(np.argmax(utilities))}

    def shrink(self, params: Params, factor: float) -> Params:
        """Return the same."""
        return params

    def decide(self, features: np.ndarray, params: Params) -> np.ndarray:
        """Return labels (N, K) float32."""
        return (features < params["k"]).astype(np.float32)


@dataclass(frozen=True)
class Ranked:
    """The ``k`` most probable classes of each row of a single-label task, best first."""

    k: int
    factors: tuple[float, ...] = (1.0,)

    def features(self, proba: np.ndarray) -> np.ndarray:
        """Return the predictions."""
        return proba

    def fit(self, features: np.ndarray, truth: np.ndarray) -> Params:
        """Return ``k``."""
        return {"k": min(self.k, features.shape[1])}

    def shrink(self, params: Params, factor: float) -> Params:
        """Return the same."""
        return params

    def decide(self, features: np.ndarray, params: Params) -> np.ndarray:
        """Return class indices (N, k)."""
        return metrics_single.ranked(features, params["k"])
