"""Combinations of a multitask model's keys that mean nothing."""

from collections.abc import Iterator, Sequence

from podium.config import Config, serves
from podium.config.multitask import Balance, Multitask
from podium.errors import hint
from podium.models.multitask_checks import impossible

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
    return [f"models.{name}.{mistake}" for mistake in found]


def fuse_checks(name: str, config: Config) -> Iterator[str]:
    """Mistakes in what the model ``name`` starts from, where that is the mean of other models' encoders."""
    model = config.models[name]
    assert isinstance(model, Multitask)
    if model.fuse is None:
        return
    where, ours = f"models.{name}.fuse", model.tasks or list(config.tasks)
    for other in dict.fromkeys(model.fuse.models):
        found = config.models.get(other)
        if found is None:
            yield f"{where}.models: there is no model '{other}'; {hint(other, config.models)}"
        elif found.kind != "transformer":
            yield f"{where}.models: {other} is of kind {found.kind}; name models of kind transformer"
        elif (found.encoder, found.revision) != (model.encoder, model.revision):
            yield f"{where}.models: {other} starts from another encoder; a mean needs models of one and the same"
    given = [task for task in ours if any(_serves(config, other, task) for other in model.fuse.models)]
    if len(given) < 2:
        yield f"{where}.models: they serve {len(given)} of the model's tasks, and a mean needs two at least"
    for task in model.fuse.weights:
        if task not in given:
            yield f"{where}.weights: '{task}' is no task that the models in the mean serve; {hint(task, given)}"


def _serves(config: Config, name: str, task: str) -> bool:
    return name in config.models and serves(config.models[name], task, config.tasks)


def _tasks(model: Multitask, tasks: Sequence[str]) -> Iterator[str]:
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
        if key in block.model_fields_set and block.method not in methods and block.changed(key):
            yield f"balance.{key}: belongs to {' and '.join(methods)}, not to {block.method}; leave it out"
    for task in block.weights:
        if task not in tasks:
            yield f"balance.weights: there is no task '{task}'; {hint(task, tasks)}"
