"""Stacking with logistic or linear regressions that are held near the members' mean."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from podium.ensembles.features import Figures, Form, formed, side_by_side, thinned
from podium.ensembles.logistic import logistic
from podium.ensembles.odds import FLOOR
from podium.ensembles.predictions import Known, Predictions

TOLERANCE = 1e-7
"""Where a stacker stops; going on changes no score in the fourth digit."""


@dataclass(frozen=True, kw_only=True)
class LinearStack:
    """A regression on the members' predictions side by side, with an L2 penalty of inverse strength ``c``.

    Stacked generalisation (Wolpert 1992) with class probabilities from below and a linear model above, as Ting and
    Witten advise (Issues in Stacked Generalization, JAIR 1999).

    Single label: multinomial logistic regression on M x K features; several labels: a logistic regression for each
    class on M features; values: a linear regression for each value on M features, errors in units of the value's
    standard deviation. On logits (and values) the penalty is on the distance from the members' mean, which for a
    single label is the normalised geometric mean: a small ``c`` gives that mean, where the usual penalty, on the
    distance from zero, would give equal probabilities. On probabilities it is the usual penalty.

    Figures of the texts, where there are any, are more features, held near 0. A class that is absent from the fitted
    rows gets 1e-6; a label that all or none of them have gets the mean of the log-odds.
    """

    c: float
    features: Form
    max_rows: int

    def fit(self, known: Known) -> dict[str, Any]:
        """Return ``coef`` and ``intercept``, for each class or value; ``classes`` and ``figures`` where needed."""
        known = thinned(known, self.max_rows)
        figures = Figures.fit(known.given)
        block = formed(known.given.array(), self.features, known.given.type)
        extra = figures.of(known.given)
        fit = {"single_label": self._classes, "multi_label": self._labels, "regression": self._values}
        params = fit[known.given.type](block, extra, known.truth)
        return params | ({"figures": figures.params()} if extra.shape[1] else {})

    def predict(self, given: Predictions, params: dict[str, Any]) -> np.ndarray:
        """Return the regression's probabilities or values (N, K)."""
        coef, intercept = np.asarray(params["coef"]), np.asarray(params["intercept"])
        members, _, classes = given.shape
        width = members * classes if given.type == "single_label" else members
        extra = np.zeros((given.shape[1], len(coef)))
        if "figures" in params:
            extra = Figures.of_params(params["figures"]).of(given) @ coef[:, width:].T
        found = np.empty(given.shape[1:], dtype=given.source.dtype)
        for where, block in given.blocks():
            seen = formed(block, self.features, given.type)
            if given.type == "single_label":
                logits = side_by_side(seen) @ coef[:, :width].T + extra[where] + intercept
                found[where] = with_absent(softmax(logits, axis=1), params["classes"], classes)
            else:
                scores = np.einsum("mnk,km->nk", seen, coef[:, :width]) + extra[where] + intercept
                found[where] = expit(scores) if given.type == "multi_label" else scores
        return found

    def _classes(self, block: np.ndarray, extra: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
        classes, position = np.unique(truth, return_inverse=True)
        members = len(block)
        prior = np.zeros((len(classes), members * block.shape[2] + extra.shape[1]))
        if self.features == "logits":
            prior[:, : members * block.shape[2]] = np.hstack(
                [np.eye(block.shape[2])[classes] / members] * members
            )
        seen = np.hstack([side_by_side(block), extra])
        coef, intercept = logistic(seen, position, prior=prior, c=self.c, tolerance=TOLERANCE)
        return {"classes": classes.tolist(), "coef": coef.tolist(), "intercept": intercept.tolist()}

    def _labels(self, block: np.ndarray, extra: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
        mean = self._mean(len(block), extra.shape[1], self.features == "logits")
        coef, intercept = np.tile(mean, (block.shape[2], 1)), np.zeros(block.shape[2])
        for label in range(block.shape[2]):
            share = float(truth[:, label].mean())
            if share in (0.0, 1.0):
                if self.features == "probabilities":  # no mean of log-odds to fall back on
                    intercept[label] = np.log(FLOOR) if share == 0 else -np.log(FLOOR)
                continue
            weights, free = logistic(
                np.hstack([block[:, :, label].T, extra]),
                truth[:, label].astype(np.int64),
                # Of two classes the difference counts: half of the distance lies in each, so half of its square in all
                prior=np.stack([-mean / 2, mean / 2]),
                c=self.c / 2,
                tolerance=TOLERANCE,
            )
            coef[label], intercept[label] = weights[1] - weights[0], free[1] - free[0]
        return {"coef": coef.tolist(), "intercept": intercept.tolist()}

    def _values(self, block: np.ndarray, extra: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
        members, _, values = block.shape
        mean = self._mean(members, extra.shape[1], True)
        coef, intercept = np.empty((values, len(mean))), np.empty(values)
        for k in range(values):
            scale = truth[:, k].std() or 1.0
            seen = np.hstack([block[:, :, k].T, extra * scale])
            middle = seen.mean(axis=0)
            centred, target = (seen - middle) / scale, (truth[:, k] - truth[:, k].mean()) / scale
            gram = centred.T @ centred + np.eye(len(mean)) / self.c
            coef[k] = mean + np.linalg.solve(gram, centred.T @ (target - centred @ mean))
            intercept[k] = truth[:, k].mean() - coef[k] @ middle
            coef[k, members:] *= scale
        return {"coef": coef.tolist(), "intercept": intercept.tolist()}

    @staticmethod
    def _mean(members: int, figures: int, held: bool) -> np.ndarray:
        """What the weights are held near: the members' mean, or nothing."""
        return np.r_[np.full(members, 1 / members if held else 0.0), np.zeros(figures)]


def with_absent(proba: np.ndarray, classes: list[int], count: int) -> np.ndarray:
    """Return probabilities (n, K) of all ``count`` classes, 1e-6 for those not among ``classes``."""
    found = np.full((len(proba), count), FLOOR)
    found[:, classes] = proba
    return found / found.sum(axis=1, keepdims=True)
