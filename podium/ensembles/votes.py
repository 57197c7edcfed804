"""Votes: members count by the label that they give, not by how sure they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from podium import metrics
from podium.ensembles.objectives import value_of
from podium.ensembles.predictions import Known, Predictions
from podium.ensembles.searches import greedy
from podium.targets import TaskType

_TIE_BREAK = 1e-3
"""Share of the probabilities in a vote: enough to survive float32, less than one vote among 1,000."""
_PLAIN: dict[TaskType, str] = {"single_label": "accuracy", "multi_label": "micro_f1"}


@dataclass(frozen=True, kw_only=True)
class Vote:
    """Each member votes for its most probable class, or for the classes that it finds more probable than 0.5.

    Votes count equally, or by the user's ``weights`` (M,). The result is the share of votes, mixed with 0.1% of the
    equally weighted probabilities: classes whose shares are that close are told apart by them.
    """

    weights: tuple[float, ...] | None

    def fit(self, known: Known) -> dict[str, Any]:
        """Return the ``weights`` (M), with sum 1."""
        members = known.given.shape[0]
        return {"weights": [1 / members] * members if self.weights is None else list(self.weights)}

    def predict(self, given: Predictions, params: dict[str, Any]) -> np.ndarray:
        """Return shares of votes (N, K)."""
        return _count(given, params)


@dataclass(frozen=True, kw_only=True)
class ScoreVote:
    """A vote that counts by each member's own value of the metric on the fitted rows (a winning iFlytek team's way).

    Of a metric of errors or probabilities it is the accuracy, or the micro F1 of several labels.
    """

    metric: str

    def fit(self, known: Known) -> dict[str, Any]:
        """Return the ``weights`` (M), with sum 1."""
        return {"weights": scores(known, self.metric).tolist()}

    def predict(self, given: Predictions, params: dict[str, Any]) -> np.ndarray:
        """Return shares of votes (N, K); see ``Vote``."""
        return _count(given, params)


@dataclass(frozen=True, kw_only=True)
class LearnedVote:
    """A vote with the weights of ``steps`` of greedy selection among the members' votes (``GreedyBlend``)."""

    metric: str
    steps: int

    def fit(self, known: Known) -> dict[str, Any]:
        """Return the ``weights`` (M), with sum 1."""
        cast = known.changed(lambda block: softened(block, known.given.type))
        value = value_of(cast, self.metric, "metric")
        weights = greedy(value, steps=self.steps, best_first=False, among=range(value.members))
        return {"weights": weights.tolist()}

    def predict(self, given: Predictions, params: dict[str, Any]) -> np.ndarray:
        """Return shares of votes (N, K); see ``Vote``."""
        return _count(given, params)


def _count(given: Predictions, params: dict[str, Any]) -> np.ndarray:
    weights = np.asarray(params["weights"])
    return given.mapped(lambda block: np.tensordot(weights, softened(block, given.type), axes=1))


def softened(block: np.ndarray, type: TaskType) -> np.ndarray:
    """Return votes (M, n, K): 1 for a class that is voted for, else 0, mixed with 0.1% of the probabilities."""
    if type == "multi_label":
        cast = (block > 0.5).astype(np.float64)
    else:
        cast = np.zeros_like(block)
        np.put_along_axis(cast, block.argmax(axis=2)[:, :, None], 1.0, axis=2)
    return (1 - _TIE_BREAK) * cast + _TIE_BREAK * block


def scores(known: Known, metric: str) -> np.ndarray:
    """Return each member's value of the metric as weights (M,) with sum 1; equal ones where none is above 0."""
    type = known.given.type
    found = metrics.get(metric, type)
    used = metric if found.greater_is_better and found.uses == "labels" else _PLAIN[type]
    members, _, classes = known.given.shape
    values = [
        metrics.value(used, known.truth, None, known.given.member(member), classes=classes)
        for member in range(members)
    ]
    kept = np.maximum(np.nan_to_num(values), 0)
    return kept / kept.sum() if kept.sum() > 0 else np.full(members, 1 / members)
