"""What the config means for the ensembles: the options of each, as ``podium.ensembles.methods.build`` takes them."""

from collections.abc import Sequence
from typing import Any

from podium.config.ensemble import Ensemble, Layers


def options_of(ensemble: Ensemble, name: str, *, members: Sequence[str], seed: int) -> dict[str, Any]:
    """Options of one ensemble: its kind, and the keys that it depends on, always in the same order.

    ``members`` are those below it, whose weights are given; ``seed`` is the run's, for those that draw.
    """
    block = ensemble.block(name)
    if isinstance(block, Layers):
        first = {below: options_of(ensemble, below, members=members, seed=seed) for below in block.first}
        second = options_of(ensemble, block.second, members=list(first), seed=seed)
        return {"kind": "layers", "first": first, "second": second}
    kind = getattr(block, "kind", name)
    if kind == "mean":
        return {"kind": kind, "average": block.average, "temperature": block.temperature}
    options = {"kind": kind, **block.options()}
    if options.get("weights") is not None:
        options["weights"] = {member: options["weights"].get(member, 0.0) for member in members}
    if options.get("search") == "greedy" or options.get("model") == "lightgbm":
        options["seed"] = seed
    return options


def reads_texts(options: dict[str, Any]) -> bool:
    """Whether an ensemble, or one inside it, looks at figures of the texts."""
    inner = [*options.get("first", {}).values(), *([options["second"]] if "second" in options else [])]
    return bool(options.get("statistics")) or any(map(reads_texts, inner))
