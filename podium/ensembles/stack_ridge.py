"""Stacking with ridge regression on all members' predictions of all classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from podium.ensembles.features import Figures, Form, formed, side_by_side, thinned
from podium.ensembles.odds import FLOOR
from podium.ensembles.predictions import Known, Predictions


@dataclass(frozen=True, kw_only=True)
class RidgeStack:
    """Ridge regression (Hoerl and Kennard 1970) of 0 and 1 for each class, or of each value, on M x K features.

    For classes this is the multi-response linear regression of Ting and Witten (Issues in Stacked Generalization, JAIR
    1999, section 2.1). Minimised is the sum of squared errors plus ``alpha`` times the squared weights, with free
    intercepts. Values and what members say of them are in units of their standard deviations. Results become
    probabilities by clipping at 1e-6 (and 1), and for a single label by scaling to sum 1.
    """

    alpha: float
    features: Form
    max_rows: int

    def fit(self, known: Known) -> dict[str, Any]:
        """Return ``coef`` (K, F) and ``intercept`` (K); ``figures`` where there are some."""
        known = thinned(known, self.max_rows)
        figures = Figures.fit(known.given)
        extra, truth = figures.of(known.given), known.truth.astype(np.float64)
        block = formed(known.given.array(), self.features, known.given.type)
        seen = np.hstack([side_by_side(block), extra])
        if known.given.type == "single_label":
            truth = np.eye(known.given.shape[2])[known.truth]
        units, sizes = np.ones(seen.shape[1]), np.ones(truth.shape[1])
        if known.given.type == "regression":
            units, sizes = _spread(seen), _spread(truth)
        middle, target = seen.mean(axis=0), truth.mean(axis=0)
        centred = (seen - middle) / units
        gram = centred.T @ centred + self.alpha * np.eye(len(units))
        weights = np.linalg.solve(gram, centred.T @ ((truth - target) / sizes))  # (F, K)
        coef = (weights * sizes / units[:, None]).T
        params = {"coef": coef.tolist(), "intercept": (target - coef @ middle).tolist()}
        return params | ({"figures": figures.params()} if extra.shape[1] else {})

    def predict(self, given: Predictions, params: dict[str, Any]) -> np.ndarray:
        """Return probabilities or values (N, K)."""
        coef, intercept = np.asarray(params["coef"]), np.asarray(params["intercept"])
        width = given.shape[0] * given.shape[2]
        extra = np.zeros((given.shape[1], len(coef)))
        if "figures" in params:
            extra = Figures.of_params(params["figures"]).of(given) @ coef[:, width:].T
        found = np.empty(given.shape[1:], dtype=given.source.dtype)
        for where, block in given.blocks():
            seen = side_by_side(formed(block, self.features, given.type))
            values = seen @ coef[:, :width].T + extra[where] + intercept
            if given.type != "regression":
                values = np.clip(values, FLOOR, 1)
            if given.type == "single_label":
                values /= values.sum(axis=1, keepdims=True)
            found[where] = values
        return found


def _spread(table: np.ndarray) -> np.ndarray:
    spread = table.std(axis=0)
    return np.where(spread > 0, spread, 1.0)
