"""Ensemble methods of multi-label tasks and regressions where those of single-label tasks do not serve.

Shapes: M members, N rows, K classes or values; predictions are stacked into (M, N, K) in the order of the members. The
mean and the blend are the same for every type of task.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from podium.logistic import logistic
from podium.thresholds import log_odds

_FLOOR = 1e-6
"""Lowest probability whose log-odds a stacker reads."""
_TOLERANCE = 1e-7
_TIE_BREAK = 1e-3
"""Share of the mean probability in a vote, as in ``podium.ensemble_methods``."""


@dataclass(frozen=True)
class LabelVote:
    """Each member votes for the classes it finds more probable than 0.5, with a weight where ``weights`` are given.

    The result is the share of votes, mixed with 0.1% of the mean probability, which breaks ties.
    """

    weights: tuple[float, ...] | None

    def fit(self, oof: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
        """Return the ``weights`` (M), with sum 1."""
        return {"weights": list(self.weights) if self.weights is not None else [1 / len(oof)] * len(oof)}

    def predict(self, stacked: np.ndarray, params: dict[str, Any]) -> np.ndarray:
        """Return shares of votes (N, K)."""
        share = np.tensordot(np.asarray(params["weights"]), (stacked > 0.5).astype(np.float64), axes=1)
        return np.clip((1 - _TIE_BREAK) * share + _TIE_BREAK * stacked.mean(axis=0), 0, 1)


@dataclass(frozen=True)
class LabelStack:
    """For each class a logistic regression on the members' log-odds of that class (M features).

    Minimised is the sum of log losses plus the squared distance of the weights from 1/M over ``2 c``, as in
    ``podium.ensemble_methods.Stack``: a small ``c`` gives the mean of the log-odds. A class that all fitted rows have,
    or none, gets that mean.
    """

    c: float

    def fit(self, oof: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
        """Return ``coef`` (K, M) and ``intercept`` (K)."""
        odds, mean = _odds(oof), np.full(len(oof), 1 / len(oof))
        coef, intercept = np.tile(mean, (oof.shape[2], 1)), np.zeros(oof.shape[2])
        for label in np.flatnonzero(truth.min(axis=0) < truth.max(axis=0)):
            weights, free = logistic(
                odds[:, :, label].T,
                truth[:, label].astype(np.int64),
                # Of two classes the difference counts: half of the distance lies in each, so half of its square in all
                prior=np.stack([-mean / 2, mean / 2]),
                c=self.c / 2,
                tolerance=_TOLERANCE,
            )
            coef[label], intercept[label] = weights[1] - weights[0], free[1] - free[0]
        return {"coef": coef.tolist(), "intercept": intercept.tolist()}

    def predict(self, stacked: np.ndarray, params: dict[str, Any]) -> np.ndarray:
        """Return the regressions' probabilities (N, K)."""
        odds = np.einsum("mnk,km->nk", _odds(stacked), np.asarray(params["coef"]))
        return expit(odds + np.asarray(params["intercept"]))


@dataclass(frozen=True)
class ValueStack:
    """For each value a linear regression on the members' predictions of it (M features).

    Minimised is the sum of squared errors in units of the fitted values' standard deviation plus the squared distance
    of the weights from 1/M over ``c``: a small ``c`` gives the mean. The intercept is free.
    """

    c: float

    def fit(self, oof: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
        """Return ``coef`` (K, M) and ``intercept`` (K)."""
        members, _, values = oof.shape
        coef, intercept = np.empty((values, members)), np.empty(values)
        for k in range(values):
            middle, scale = oof[:, :, k].mean(axis=1), truth[:, k].std() or 1.0
            features = (oof[:, :, k].T - middle) / scale
            target = (truth[:, k] - truth[:, k].mean()) / scale
            rest = target - features.mean(axis=1)
            gram = features.T @ features + np.eye(members) / self.c
            coef[k] = 1 / members + np.linalg.solve(gram, features.T @ rest)
            intercept[k] = truth[:, k].mean() - coef[k] @ middle
        return {"coef": coef.tolist(), "intercept": intercept.tolist()}

    def predict(self, stacked: np.ndarray, params: dict[str, Any]) -> np.ndarray:
        """Return the regressions' values (N, K)."""
        return np.einsum("mnk,km->nk", stacked, np.asarray(params["coef"])) + np.asarray(params["intercept"])


def _odds(stacked: np.ndarray) -> np.ndarray:
    return log_odds(np.clip(stacked, _FLOOR, 1 - _FLOOR))
