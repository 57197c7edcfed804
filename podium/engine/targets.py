"""Targets of the three types of task as the engine wants them, and the score of rows held out inside training.

Shapes: N rows, K classes, labels or values.
"""

import dataclasses
from typing import Any, Self

import numpy as np
import torch

from podium.soft import class_counts as soft_counts
from podium.targets import TaskType, type_of

SCORES = ("loss", "accuracy", "macro_f1")


@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation (K,) by which the values of a regression are standardised; 0 and 1 elsewhere."""

    mean: list[float]
    deviation: list[float]

    @classmethod
    def none(cls, classes: int) -> Self:
        """Nothing is changed."""
        return cls([0.0] * classes, [1.0] * classes)

    @classmethod
    def of(cls, target: np.ndarray, weight: np.ndarray) -> Self:
        """Those of the training rows, weighted; a value that never varies has a deviation of 1."""
        if type_of(target) != "regression":
            return cls.none(1 if target.ndim == 1 else target.shape[1])
        mean = np.average(target, axis=0, weights=weight)
        deviation = np.sqrt(np.average((target - mean) ** 2, axis=0, weights=weight))
        varies = (np.ptp(target, axis=0) > 0) & (
            deviation > 0
        )  # a constant's deviation may be a rounding error
        return cls(mean.tolist(), np.where(varies, deviation, 1.0).tolist())

    def standardised(self, target: np.ndarray) -> np.ndarray:
        """Targets (N, K) or class indices (N,) for the loss."""
        if type_of(target) != "regression":
            return target
        return (target - np.array(self.mean)) / np.array(self.deviation)

    def original(self, outputs: np.ndarray) -> np.ndarray:
        """Predictions (N, K) in the unit of the data."""
        if all(mean == 0 for mean in self.mean) and all(width == 1 for width in self.deviation):
            return outputs
        return outputs * np.array(self.deviation) + np.array(self.mean)

    def facts(self) -> dict[str, Any]:
        """For a JSON file."""
        return dataclasses.asdict(self)


def as_target(target: np.ndarray, classes: int, device: torch.device) -> torch.Tensor:
    """Return targets (N, K) float32 on ``device``; class indices become rows with a single one."""
    if target.ndim == 1:
        target = np.eye(classes, dtype=np.float32)[target]
    return torch.as_tensor(target, dtype=torch.float32, device=device)


def class_counts(
    target: np.ndarray, weight: np.ndarray, classes: int, soft: np.ndarray | None = None
) -> np.ndarray:
    """Weighted rows of each class (K,), by ``soft`` (N, K) where given; ones where a row has no single class."""
    if soft is not None:
        return soft_counts(soft, weight)
    if type_of(target) != "single_label":
        return np.ones(classes)
    return np.bincount(target, weights=weight, minlength=classes)


def inner_score(
    kind: str, type: TaskType, predicted: np.ndarray, truth: np.ndarray, weight: np.ndarray
) -> float:
    """Score predictions (N, K) against targets (N, K); higher is better, rows count by ``weight`` (N,).

    ``loss``: minus the mean log loss, or minus the mean squared error of a regression. ``accuracy`` and ``macro_f1``
    (over the classes that occur) are for single-label tasks.
    """
    if kind == "loss":
        return -float(np.average(_losses(type, predicted, truth), weights=weight))
    wanted, found = truth.argmax(axis=1), predicted.argmax(axis=1)
    if kind == "accuracy":
        return float(np.average(wanted == found, weights=weight))
    classes = truth.shape[1]
    hits = np.bincount(wanted, weights=weight * (wanted == found), minlength=classes)
    both = np.bincount(wanted, weights=weight, minlength=classes) + np.bincount(
        found, weights=weight, minlength=classes
    )
    return float((2 * hits[both > 0] / both[both > 0]).mean())


def _losses(type: TaskType, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    if type == "regression":
        return ((predicted - truth) ** 2).mean(axis=1)
    tiny = np.finfo(np.float64).tiny
    losses = -truth * np.log(np.maximum(predicted, tiny))
    if type == "multi_label":
        losses -= (1 - truth) * np.log(np.maximum(1 - predicted, tiny))
        return losses.mean(axis=1)
    return losses.sum(axis=1)
