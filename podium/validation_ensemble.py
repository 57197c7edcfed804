"""Checks of the ensembles that need other blocks: members, names, folds, the type of the task."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from podium.config import Config, member_names
from podium.config.ensemble import Blend, Ensemble, EnsembleMethod, Layers, Mean, Stack, Vote
from podium.errors import hint
from podium.targets import AnyType

_METHODS: tuple[str, ...] = get_args(EnsembleMethod)
_RESERVED = (*_METHODS, "best")


def ensemble_checks(config: Config) -> Iterator[str]:
    """Mistakes in the ensembles, each with its key."""
    ensemble, members = config.ensemble, member_names(config)
    yield from _once("ensemble.members", ensemble.members or [])
    yield from _once("ensemble.methods", ensemble.methods)
    for member in ensemble.members or []:
        yield from _known("ensemble.members", member, members, "member")
    used = ensemble.members or members
    for block in ("blend", "vote"):
        yield from _weights(f"ensemble.{block}.weights", getattr(ensemble, block).weights, used)
    type = next(iter(config.tasks.values())).type
    for name in ensemble.named:
        yield from _named(ensemble, name, used, type)
    for name in [*ensemble.named, *_METHODS]:
        yield from _idle(ensemble, name)
    yield from _submitted(config)
    for name in [*ensemble.named, "mean", "blend", "stack"]:
        if mistake := type_mistake(ensemble.block(name), type):
            yield f"ensemble.{'named.' if name in ensemble.named else ''}{name}: {mistake}"


def type_mistake(block: Any, type: AnyType) -> str | None:
    """Why a block of options makes no sense for a type of task; None where it does."""
    if type != "regression":
        return None
    if isinstance(block, Vote):
        return "a vote is among labels, and a regression has values; leave it out"
    if getattr(block, "average", None) == "geometric":
        return "a geometric mean is of probabilities, and a regression has values; use arithmetic or rank"
    if getattr(block, "temperature", False):
        return "a temperature scales probabilities, and a regression has values; leave temperature out"
    if isinstance(block, Stack) and block.features == "probabilities":
        return "a regression has no probabilities; leave features out"
    return None


def _named(ensemble: Ensemble, name: str, used: Sequence[str], type: AnyType) -> Iterator[str]:
    where, block = f"ensemble.named.{name}", ensemble.named[name]
    if name in _RESERVED:
        yield f"{where}: this name is reserved"
    if not isinstance(block, Layers):
        yield from _weights(f"{where}.weights", getattr(block, "weights", None), used)
        return
    yield from _once(f"{where}.first", block.first)
    choices = [*_METHODS, *(other for other in ensemble.named if other != name)]
    for key, below in [*(("first", below) for below in block.first), ("second", block.second)]:
        yield from _known(f"{where}.{key}", below, choices, "ensemble")
        if isinstance(ensemble.named.get(below), Layers) and below != name:
            yield f"{where}.{key}: '{below}' has layers of its own; two layers are the most"
        if below in _METHODS and (mistake := type_mistake(ensemble.block(below), type)):
            yield f"{where}.{key}: {mistake}"
    upper = ensemble.block(block.second) if block.second in choices else None
    yield from _weights(
        f"{where}.second: {block.second}.weights", getattr(upper, "weights", None), block.first
    )


def _idle(ensemble: Ensemble, name: str) -> Iterator[str]:
    """Keys that are set to no purpose: those of another search, model or weighting.

    A config that is written out in full names all of them; at their defaults they are no mistakes.
    """
    block = ensemble.block(name)
    if isinstance(block, Mean | Layers):
        return
    read = block.options().keys() - ({"share"} if isinstance(block, Blend) and block.bags == 1 else set())
    for key in type(block).model_fields:
        if key in block.model_fields_set - read - {"kind"} and block.changed(key):
            where = f"ensemble.{'named.' if name in ensemble.named else ''}{name}"
            yield f"{where}.{key}: means nothing beside {_beside(block, key)}; leave it out"


def _beside(block: Blend | Vote | Stack, key: str) -> str:
    """What makes a key of a block idle."""
    if isinstance(block, Stack):
        return f"model: {block.model}"
    if block.weights is not None:
        return "weights"
    if isinstance(block, Vote):
        return f"weighting: {block.weighting}"
    return f"search: {block.search}" if block.search != "greedy" else f"bags: {block.bags}"


def _submitted(config: Config) -> Iterator[str]:
    ensemble, folds = config.ensemble, config.folds.n
    submit = ensemble.submit
    if submit not in ("best", *ensemble.names):
        other = "" if submit in _METHODS else f"; {hint(submit, ['best', *ensemble.names])}"
        yield f"ensemble.submit: '{submit}' is not among ensemble.methods{other}"
    if submit == "best" and folds < 3:
        yield "ensemble.submit: 'best' needs folds.n of 3 or more, to cross-fit the choice"
    least = 4 if submit == "best" else 3
    for name, block in ensemble.named.items():
        if isinstance(block, Layers) and folds < least:
            yield f"ensemble.named.{name}: layers need folds.n of {least} or more, to cross-fit one inside the other"


def _weights(where: str, weights: dict[str, float] | None, members: Sequence[str]) -> Iterator[str]:
    for member in weights or {}:
        yield from _known(where, member, members, "member")
    if weights is not None and not any(weights.values()):
        yield f"{where}: at least one weight must be above 0"


def _known(where: str, name: str, choices: Sequence[str], what: str) -> Iterator[str]:
    if name not in choices:
        yield f"{where}: there is no {what} '{name}'; {hint(name, choices)}"


def _once(where: str, values: Sequence[str]) -> Iterator[str]:
    for value in dict.fromkeys(values):
        if values.count(value) > 1:
            yield f"{where}: {value} stands there more than once"
