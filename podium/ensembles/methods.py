"""From the config's options to ensemble methods."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from podium.ensembles.blends import GivenBlend, GreedyBlend, SimplexBlend
from podium.ensembles.layers import Layers, Method, Tempered
from podium.ensembles.means import Mean
from podium.ensembles.stack_linear import LinearStack
from podium.ensembles.stack_ridge import RidgeStack
from podium.ensembles.stack_trees import TreeStack
from podium.ensembles.votes import LearnedVote, ScoreVote, Vote
from podium.errors import UserError, hint
from podium.targets import TaskType

STACKS: dict[str, Callable[..., Method]] = {
    "linear": LinearStack,
    "ridge": RidgeStack,
    "lightgbm": TreeStack,
}


def build(
    name: str, options: Mapping[str, Any], *, members: Sequence[str], metric: str, type: TaskType
) -> Method:
    """Return the method of the ensemble ``name`` from its options, as ``podium.plan_ensemble`` makes them.

    ``kind`` is mean, blend, vote, stack or layers; the other keys are the fields of its class, without what the task
    gives (metric, type). ``weights`` are by member, or None. Layers have their ensembles' options by name in ``first``,
    and those of the one above in ``second``. Weights that do not fit the members, and what makes no sense of values,
    raise ``UserError``.
    """
    given = {
        key: value for key, value in options.items() if key != "statistics"
    }  # the rows bring them, or not
    kind, tempered = given.pop("kind"), given.pop("temperature", False)
    if kind == "layers":
        first = {
            below: build(below, given["first"][below], members=members, metric=metric, type=type)
            for below in given["first"]
        }
        names = list(first)
        second = build(f"{name}: second", given["second"], members=names, metric=metric, type=type)
        return Layers(first, second)
    if type == "regression" and (mistake := regression_mistake(kind, given, tempered)):
        raise UserError(f"ensemble: {mistake}; leave {name} out")
    if "weights" in given:
        given["weights"] = user_weights(name, given["weights"], members)
    built = _build(kind, given, metric)
    return Tempered(built) if tempered else built


def regression_mistake(kind: str, options: Mapping[str, Any], temperature: bool) -> str | None:
    """Return why an ensemble makes no sense of values; None where it does."""
    if kind == "vote":
        return "a vote is among labels, and a regression has values"
    if kind == "mean" and options["average"] == "geometric":
        return "a geometric mean is of probabilities, and a regression has values"
    if temperature:
        return "a temperature scales probabilities, and a regression has values"
    return None


def _build(kind: str, options: dict[str, Any], metric: str) -> Method:
    if kind == "mean":
        return Mean(**options)
    if kind == "blend":
        return _blend(options, metric)
    if kind == "vote":
        return _vote(options, metric)
    if kind == "stack":
        return STACKS[options.pop("model")](**options)
    raise UserError(
        f"ensemble: unknown kind '{kind}': {hint(kind, ['mean', 'blend', 'vote', 'stack', 'layers'])}"
    )


def _blend(options: dict[str, Any], metric: str) -> Method:
    if options["weights"] is not None:
        return GivenBlend(weights=options["weights"])
    own = {key: value for key, value in options.items() if key not in ("weights", "search")}
    return (GreedyBlend if options["search"] == "greedy" else SimplexBlend)(metric=metric, **own)


def _vote(options: dict[str, Any], metric: str) -> Method:
    if options["weights"] is not None or options["weighting"] == "equal":
        return Vote(weights=options["weights"])
    return (
        ScoreVote(metric=metric)
        if options["weighting"] == "score"
        else LearnedVote(metric=metric, steps=options["steps"])
    )


def user_weights(
    name: str, weights: Mapping[str, float] | None, members: Sequence[str]
) -> tuple[float, ...] | None:
    """Return the user's weights in the order of the members, scaled to sum 1; a member not named has 0."""
    if weights is None:
        return None
    where = f"ensemble: {name}: weights"
    for member in weights:
        if member not in members:
            raise UserError(f"{where}: '{member}' is no member of the ensemble: {hint(member, members)}")
    ordered = np.array([float(weights.get(member, 0.0)) for member in members])
    if not (np.isfinite(ordered).all() and ordered.min() >= 0 and ordered.sum() > 0):
        raise UserError(f"{where}: weights must be 0 or more, and one above 0")
    return tuple((ordered / ordered.sum()).tolist())
