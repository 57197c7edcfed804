"""Ways to make one prediction of several: mean, blend, stack and vote.

Shapes: M members, N rows, K classes. Members' probabilities are stacked into (M, N, K) in the order of the members.
A method is fitted on rows with known labels and gives plain parameters (JSON-able), with which it predicts any rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.special import softmax

from podium import metrics
from podium.ensemble_types import LabelStack, LabelVote, ValueStack
from podium.errors import UserError, hint
from podium.logistic import logistic
from podium.targets import TaskType, type_of

_TIE = 1e-12
_FLOOR = 1e-6
"""Lowest probability whose logarithm is taken, and the probability of a class that a stacker never saw."""
_TOLERANCE = 1e-7
"""Where a stacker stops; going on changes no score in the fourth digit."""
_TIE_BREAK = 1e-3
"""Share of the mean probability in a vote: enough to survive float32, less than one vote among 1,000."""


class Method(Protocol):
    """How members become one prediction."""

    def fit(self, oof: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
        """Return parameters fitted on out-of-fold probabilities (M, N, K) and class indices (N,)."""

    def predict(self, stacked: np.ndarray, params: dict[str, Any]) -> np.ndarray:
        """Return probabilities (N, K) from those of the members (M, N, K)."""


@dataclass(frozen=True)
class Mean:
    """The arithmetic mean of the members' probabilities."""

    def fit(self, oof: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
        """Return no parameters."""
        return {}

    def predict(self, stacked: np.ndarray, params: dict[str, Any]) -> np.ndarray:
        """Return the mean over members (N, K)."""
        return stacked.mean(axis=0)


@dataclass(frozen=True)
class Blend:
    """A weighted mean of probabilities.

    ``weights`` (M,) are the user's, else they are found by greedy forward selection with replacement (Caruana,
    Niculescu-Mizil, Crew and Ksikes, Ensemble Selection from Libraries of Models, ICML 2004, section 2): ``steps``
    times the member is added that makes the sum of those picked so far best in the metric, and the best sum on the
    way is kept. Equal values are told apart by log loss, then by the members' order.
    """

    metric: str
    steps: int
    weights: tuple[float, ...] | None

    def fit(self, oof: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
        """Return ``weights`` (M), not negative, with sum 1."""
        weights = (
            self.weights if self.weights is not None else greedy_weights(oof, truth, self.metric, self.steps)
        )
        return {"weights": [float(weight) for weight in weights]}

    def predict(self, stacked: np.ndarray, params: dict[str, Any]) -> np.ndarray:
        """Return the weighted mean (N, K)."""
        return np.tensordot(np.asarray(params["weights"]), stacked, axes=1)


@dataclass(frozen=True)
class Vote:
    """Each member votes for its most probable class, with a weight where ``weights`` (M,) are given.

    The result is the share of votes, mixed with 0.1% of the mean probability: classes whose shares are
    that close are told apart by it, and rows sum to 1.
    """

    weights: tuple[float, ...] | None

    def fit(self, oof: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
        """Return the ``weights`` (M), with sum 1."""
        return {"weights": list(self.weights) if self.weights is not None else [1 / len(oof)] * len(oof)}

    def predict(self, stacked: np.ndarray, params: dict[str, Any]) -> np.ndarray:
        """Return shares of votes (N, K)."""
        ballots = stacked.argmax(axis=2)
        share = np.zeros(stacked.shape[1:])
        for weight, ballot in zip(params["weights"], ballots, strict=True):
            share[np.arange(len(ballot)), ballot] += weight
        return (1 - _TIE_BREAK) * share + _TIE_BREAK * stacked.mean(axis=0)


@dataclass(frozen=True)
class Stack:
    """Multinomial logistic regression on the members' log-probabilities side by side (M x K features).

    Stacked generalisation (Wolpert 1992) with class probabilities from below and a linear model above, as Ting and
    Witten advise (Issues in Stacked Generalization, 1999). The L2 penalty, of inverse strength ``c``, is on the
    distance from the members' normalised geometric mean and not from zero: a small ``c`` gives that mean, where the
    usual penalty would give equal probabilities for all classes. Probabilities are clipped at 1e-6; a class that is
    absent from the fitted rows gets 1e-6.
    """

    c: float

    def fit(self, oof: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
        """Return ``classes`` (C), ``coef`` (C, M*K) and ``intercept`` (C)."""
        classes, position = np.unique(truth, return_inverse=True)
        prior = np.hstack([np.eye(oof.shape[2])[classes] / len(oof)] * len(oof))
        coef, intercept = logistic(_log_features(oof), position, prior=prior, c=self.c, tolerance=_TOLERANCE)
        return {"classes": classes.tolist(), "coef": coef.tolist(), "intercept": intercept.tolist()}

    def predict(self, stacked: np.ndarray, params: dict[str, Any]) -> np.ndarray:
        """Return the regression's probabilities (N, K)."""
        logits = _log_features(stacked) @ np.asarray(params["coef"]).T + np.asarray(params["intercept"])
        proba = np.full(stacked.shape[1:], _FLOOR)
        proba[:, params["classes"]] = softmax(logits, axis=1)
        return proba / proba.sum(axis=1, keepdims=True)


def _log_features(stacked: np.ndarray) -> np.ndarray:
    """Return log-probabilities (N, M*K), member after member, each member's row centred at 0."""
    logs = np.log(np.maximum(stacked, _FLOOR))
    return np.hstack(list(logs - logs.mean(axis=2, keepdims=True)))


METHODS = {"mean": Mean, "blend": Blend, "stack": Stack, "vote": Vote}


def build(
    name: str,
    options: Mapping[str, Any],
    *,
    members: Sequence[str],
    metric: str,
    type: TaskType = "single_label",
) -> Method:
    """Return a method from its name and its block of the config.

    Options: mean none; blend ``weights`` (member: weight, or None) and ``steps``; stack ``c``; vote ``weights``.
    An unknown method or option, weights that do not fit the members and a vote on values raise ``UserError``.
    """
    if name not in METHODS:
        raise UserError(f"ensemble: unknown method '{name}': {hint(name, METHODS)}")
    wanted = {"mean": set(), "blend": {"weights", "steps"}, "stack": {"c"}, "vote": {"weights"}}[name]
    for option in options:
        if option not in wanted:
            raise UserError(f"ensemble.{name}: unknown option '{option}': {hint(option, wanted)}")
    if wanted - set(options):
        raise ValueError(f"ensemble.{name} lacks the options {sorted(wanted - set(options))}")
    if name == "stack":
        stacks: dict[TaskType, Callable[[float], Method]] = {
            "single_label": Stack,
            "multi_label": LabelStack,
            "regression": ValueStack,
        }
        return stacks[type](float(options["c"]))
    if name == "mean":
        return Mean()
    if name == "vote" and type == "regression":
        raise UserError("ensemble: a vote is among labels, and a regression has values: leave vote out")
    weights = _user_weights(name, options["weights"], members)
    if name == "blend":
        return Blend(metric, int(options["steps"]), weights)
    return LabelVote(weights) if type == "multi_label" else Vote(weights)


def _user_weights(
    name: str, weights: Mapping[str, float] | None, members: Sequence[str]
) -> tuple[float, ...] | None:
    """Return the user's weights in the order of the members, scaled to sum 1."""
    if weights is None:
        return None
    where = f"ensemble.{name}.weights"
    for member in weights:
        if member not in members:
            raise UserError(f"{where}: '{member}' is no member of the ensemble: {hint(member, members)}")
    for member in members:
        if member not in weights:
            raise UserError(
                f"{where}: the weight of '{member}' is missing: give every member one (0 is allowed)"
            )
    ordered = np.array([float(weights[member]) for member in members])
    if not (np.isfinite(ordered).all() and ordered.min() >= 0 and ordered.sum() > 0):
        raise UserError(f"{where}: weights must be 0 or more, and one above 0")
    return tuple((ordered / ordered.sum()).tolist())


def greedy_weights(oof: np.ndarray, truth: np.ndarray, metric: str, steps: int) -> np.ndarray:
    """Return weights (M,) by greedy selection with replacement; see ``Blend``."""
    objective = _objective(oof, truth, metric)
    picked = np.zeros(len(oof))
    best, best_weights = (-np.inf, -np.inf), picked
    for step in range(1, steps + 1):
        trials = [(picked + np.eye(len(oof))[member]) / step for member in range(len(oof))]
        values = [objective(trial) for trial in trials]
        chosen = 0
        for member in range(1, len(oof)):
            chosen = member if _better(values[member], values[chosen]) else chosen
        picked = trials[chosen] * step
        if _better(values[chosen], best):
            best, best_weights = values[chosen], trials[chosen]
    return best_weights


def _better(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Compare pairs of (utility, minus log loss); differences below 1e-12 are ties."""
    if abs(one[0] - other[0]) > _TIE:
        return one[0] > other[0]
    return one[1] > other[1] + _TIE


def _objective(
    oof: np.ndarray, truth: np.ndarray, metric: str
) -> Callable[[np.ndarray], tuple[float, float]]:
    """Return the function from weights (M,) to the blend's utility and what tells equals apart (minus a loss)."""
    if type_of(truth) != "single_label":
        return _objective_of_columns(oof, truth, metric)
    rows, classes = np.arange(len(truth)), oof.shape[2]
    scaled = oof[:, rows, truth] / oof.sum(axis=2)

    def minus_log_loss(weights: np.ndarray) -> float:
        return float(np.log(np.maximum(weights @ scaled, np.finfo(np.float64).eps)).mean())

    if metric == "log_loss":
        return lambda weights: (minus_log_loss(weights), 0.0)
    if metrics.get(metric).uses == "proba":

        def of_blend(weights: np.ndarray) -> tuple[float, float]:
            value = metrics.value(metric, truth, None, np.tensordot(weights, oof, axes=1), classes=classes)
            return metrics.utility(metric, value), minus_log_loss(weights)

        return of_blend
    # Where all members agree, every blend does: only the other rows need a sum and an argmax.
    ballots = oof.argmax(axis=2)
    agreed = (ballots == ballots[0]).all(axis=0)
    open_truth = truth[~agreed]
    contested = np.ascontiguousarray(oof[:, ~agreed]).reshape(len(oof), -1)
    settled = metrics.counts(metric, truth[agreed], ballots[0, agreed], classes=classes)

    def both(weights: np.ndarray) -> tuple[float, float]:
        labels = (weights @ contested).reshape(-1, classes).argmax(axis=1)
        moving = metrics.counts(metric, open_truth, labels, classes=classes)
        value = metrics.from_counts(metric, *(a + b for a, b in zip(settled, moving, strict=True)))
        return metrics.utility(metric, float(value)), minus_log_loss(weights)

    return both


def _objective_of_columns(
    oof: np.ndarray, truth: np.ndarray, metric: str
) -> Callable[[np.ndarray], tuple[float, float]]:
    """``_objective`` of multi-label tasks and regressions: equals are told apart by log loss, or squared error."""

    def both(weights: np.ndarray) -> tuple[float, float]:
        blend = np.tensordot(weights, oof, axes=1)
        value = metrics.value(metric, truth, None, blend, classes=oof.shape[2])
        loss = "log_loss" if type_of(truth) == "multi_label" else "rmse"
        return metrics.utility(metric, value), -metrics.value(loss, truth, None, blend, classes=oof.shape[2])

    return both
