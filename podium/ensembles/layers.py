"""Ensembles of ensembles: temperatures before a method, and a second layer above several."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from podium.ensembles.predictions import Known, Memory, Predictions
from podium.ensembles.temperature import scaled, temperatures
from podium.errors import UserError


class Method(Protocol):
    """How members become one prediction."""

    def fit(self, known: Known) -> dict[str, Any]:
        """Return parameters, plain (JSON-able) values, fitted on rows with known labels."""

    def predict(self, given: Predictions, params: dict[str, Any]) -> np.ndarray:
        """Return probabilities or values (N, K) from those of the members."""


@dataclass(frozen=True)
class Tempered:
    """A method after each member's temperature scaling (``podium.ensembles.temperature``)."""

    method: Method

    def fit(self, known: Known) -> dict[str, Any]:
        """Return the ``temperatures`` (M) and the method's own ``params``."""
        found = temperatures(known)
        type, by = known.given.type, np.array(found)[:, None, None]
        scaled_rows = known.changed(lambda block: scaled(block, by, type))
        return {"temperatures": found, "params": self.method.fit(scaled_rows)}

    def predict(self, given: Predictions, params: dict[str, Any]) -> np.ndarray:
        """Return the method's prediction (N, K) of the scaled members."""
        by = np.array(params["temperatures"])[:, None, None]
        return self.method.predict(
            given.changed(lambda block: scaled(block, by, given.type)), params["params"]
        )


@dataclass(frozen=True)
class Layers:
    """Several methods, and one method above their predictions.

    What the second layer is fitted on is cross-fitted: for each fold among the fitted rows, the first layer is fitted
    without it and predicts it (Wolpert, Stacked Generalization, 1992; van der Laan, Polley and Hubbard, Super Learner,
    2007). Then the first layer is fitted on all of them. Cross-fitting the whole thus nests one such loop in another,
    and no figure is of rows that a layer was fitted on.
    """

    first: Mapping[str, Method]
    second: Method

    def fit(self, known: Known) -> dict[str, Any]:
        """Return the params of the ``first`` layer by name, and those of the ``second``."""
        numbers = np.unique(known.folds)
        if len(numbers) < 2:
            raise UserError(
                "folds.n: an ensemble of kind 'layers' needs 3 folds, or 4 with ensemble.submit best: raise folds.n"
            )
        below = np.empty((len(self.first), *known.given.shape[1:]), dtype=known.given.source.dtype)
        for fold in numbers:
            out = known.folds == fold
            rest, rows = known.take(~out), known.given.take(out)
            for place, method in enumerate(self.first.values()):
                below[place, out] = method.predict(rows, method.fit(rest))
        upper = Known.of(_table(below, known.given), known.truth, known.folds)
        first = {name: method.fit(known) for name, method in self.first.items()}
        return {"first": first, "second": self.second.fit(upper)}

    def predict(self, given: Predictions, params: dict[str, Any]) -> np.ndarray:
        """Return the second layer's prediction (N, K)."""
        below = np.stack(
            [method.predict(given, params["first"][name]) for name, method in self.first.items()]
        )
        return self.second.predict(_table(below, given), params["second"])


def _table(below: np.ndarray, given: Predictions) -> Predictions:
    """What the second layer sees: the first layer's predictions (L, N, K) with the texts' figures."""
    profile = None if given.profile is None else given.figures
    return Predictions(Memory(below), given.type, None, profile)
