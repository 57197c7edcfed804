"""Weighted means of the members."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from podium.ensembles.objectives import Objective, value_of
from podium.ensembles.predictions import Known, Predictions
from podium.ensembles.searches import best_value, greedy, lowest_loss
from podium.seeds import derive


class _Weighted:
    """Predicts by a weighted mean."""

    def predict(self, given: Predictions, params: dict[str, Any]) -> np.ndarray:
        """Return the weighted mean (N, K)."""
        weights = np.asarray(params["weights"])
        return given.mapped(lambda block: np.tensordot(weights, block, axes=1))


@dataclass(frozen=True, kw_only=True)
class GivenBlend(_Weighted):
    """A mean of probabilities or values with the user's ``weights`` (M,)."""

    weights: tuple[float, ...]

    def fit(self, known: Known) -> dict[str, Any]:
        """Return the ``weights`` (M)."""
        return {"weights": list(self.weights)}


@dataclass(frozen=True, kw_only=True)
class GreedyBlend(_Weighted):
    """A mean whose weights are counts of a forward selection with replacement.

    Caruana, Niculescu-Mizil, Crew and Ksikes, Ensemble Selection from Libraries of Models, ICML 2004: ``steps`` times
    the member is added that makes the sum of those picked so far best, and the best sum on the way is kept (section
    2.1). With ``best_first`` the sum begins with the best members, as many as are best together (2.2). With ``bags``
    above 1 each of so many selections sees a random ``share`` of the members, and their weights are averaged (2.3).
    Equals are told apart by loss, then by the members' order.

    What is best says ``objective``: the metric, or the loss of the type of task (``podium.ensembles.objectives``).
    """

    metric: str
    objective: Objective
    steps: int
    best_first: bool
    bags: int
    share: float
    seed: int

    def fit(self, known: Known) -> dict[str, Any]:
        """Return ``weights`` (M), not negative, with sum 1."""
        value = value_of(known, self.metric, self.objective)
        found = [
            greedy(value, steps=self.steps, best_first=self.best_first, among=among)
            for among in bags(value.members, bags=self.bags, share=self.share, seed=self.seed)
        ]
        return {"weights": np.mean(found, axis=0).tolist()}


@dataclass(frozen=True, kw_only=True)
class SimplexBlend(_Weighted):
    """A mean with the weights, not negative and of sum 1, of the lowest loss, or from there on of the best metric."""

    metric: str
    objective: Objective

    def fit(self, known: Known) -> dict[str, Any]:
        """Return ``weights`` (M), not negative, with sum 1."""
        weights = lowest_loss(known)
        if self.objective == "metric":
            weights = best_value(value_of(known, self.metric, "metric"), weights)
        return {"weights": weights.tolist()}


def bags(members: int, *, bags: int, share: float, seed: int) -> list[list[int]]:
    """Return the members that each selection may use; one bag has all, several a random ``share`` each."""
    if bags == 1:
        return [list(range(members))]
    random = np.random.default_rng(derive(seed, "ensemble", "bags"))
    size = max(1, round(share * members))
    return [sorted(random.choice(members, size, replace=False).tolist()) for _ in range(bags)]
