"""Combinations of a multitask model's keys that mean nothing."""

from collections.abc import Iterator, Sequence

from podium.config.base import Block
from podium.config.multitask import Balance, Multitask
from podium.errors import hint
from podium.models.multitask_options import impossible

_OWNERS: dict[str, tuple[str, ...]] = {
    "weights": ("rows", "fixed"),
    "temperature": ("dwa",),
    "interval": ("dwa",),
    "gamma": ("dtp",),
    "discount": ("dtp",),
    "alpha": ("gradnorm",),
    "rate": ("gradnorm",),
}


def multitask_checks(name: str, model: Multitask, tasks: Sequence[str]) -> list[str]:
    """Mistakes in the block of the model ``name`` in a competition of ``tasks`` (of all types), each with its key.

    Those of a transformer's keys are found by ``podium.validation_transformer``.
    """
    found = [*_tasks(model, tasks), *_mode(model), *_balance(model.balance, model.tasks or tasks)]
    if model.fuse is not None and model.fuse.weights is not None:
        count, given = len(model.fuse.models), len(model.fuse.weights)
        if count != given:
            found.append(f"fuse.weights: {given} weights for {count} models; give one for each")
    return [f"models.{name}.{mistake}" for mistake in found]


def _tasks(model: Multitask, tasks: Sequence[str]) -> Iterator[str]:
    for task in model.tasks or []:
        if task not in tasks:
            yield f"tasks: there is no task '{task}'; {hint(task, tasks)}"
    if model.tasks is not None and len(set(model.tasks)) < len(model.tasks):
        yield "tasks: a task is named twice"
    if model.tasks is None and len(tasks) < 2:
        yield "kind: multitask needs two tasks, and the competition has one; use transformer"


def _mode(model: Multitask) -> Iterator[str]:
    if model.mode == "queries" and "pooling" in model.model_fields_set and model.pooling != "query":
        yield f"pooling: mode queries pools by its own queries, not by {model.pooling}; leave it out"
    if model.stopping is not None and model.refit is not None:
        yield "refit: with stopping each task has its own weights, and training cannot go on from several; drop one"
    yield from impossible(
        mode=model.mode,
        loss=model.loss.name,
        balance=model.balance.method,
        lora=model.lora is not None,
        stopping=model.stopping is not None,
        patience=model.stopping is not None and model.stopping.patience is not None,
        average=None if model.average is None else model.average.method,
    )


def _balance(block: Balance, tasks: Sequence[str]) -> Iterator[str]:
    for key, methods in _OWNERS.items():
        if key in block.model_fields_set and block.method not in methods and _changed(block, key):
            yield f"balance.{key}: belongs to {' and '.join(methods)}, not to {block.method}; leave it out"
    for task in block.weights:
        if task not in tasks:
            yield f"balance.weights: there is no task '{task}'; {hint(task, tasks)}"


def _changed(block: Block, key: str) -> bool:
    return bool(getattr(block, key) != type(block).model_fields[key].get_default(call_default_factory=True))
