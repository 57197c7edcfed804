"""Mistakes in a competition's tasks that only show when models and lists of names are seen beside them."""

from collections.abc import Iterator

from podium import competition
from podium.config import Config, Multitask, serves
from podium.errors import UserError, hint
from podium.metric_file import is_own
from podium.metrics import find
from podium.task_configs import for_task
from podium.validation_external import kinds_checks
from podium.validation_multitask import fuse_checks, multitask_checks


def tasks_checks(config: Config) -> Iterator[str]:
    """Yield a line for each mistake."""
    tasks = list(config.tasks)
    for name, model in config.models.items():
        where = f"models.{name}.tasks"
        for task in dict.fromkeys(model.tasks or []):
            if task not in tasks:
                yield f"{where}: there is no task '{task}'; {hint(task, tasks)}"
        if len(set(model.tasks or [])) < len(model.tasks or []):
            yield f"{where}: a task is named twice"
        if isinstance(model, Multitask):
            yield from multitask_checks(name, model, tasks)
            yield from fuse_checks(name, config)
    for name in config.noise.models or []:
        if isinstance(config.models.get(name), Multitask):
            yield f"noise.models: {name} learns several tasks together; name models of one task"
    for task in tasks:
        yield from _served(config, task)
    yield from kinds_checks(config)
    yield from _score(config)


def _served(config: Config, task: str) -> Iterator[str]:
    """Lists that leave a task without a model."""
    if not any(serves(model, task, config.tasks) for model in config.models.values()):
        yield f"tasks.{task}: no model serves it; name it in the tasks of a model"
        return
    own = for_task(config, task)
    lists = {
        "noise.models": own.noise.models,
        "pseudo.voters": own.pseudo.voters,
        "ensemble.members": own.ensemble.members,
    }
    for key, names in lists.items():
        if names == []:
            yield f"{key}: names nothing that serves task {task}; add a model that does, or leave the list out"


def _score(config: Config) -> Iterator[str]:
    """Mistakes in the competition's score."""
    metrics = {name: task.metric for name, task in config.tasks.items() if not is_own(task.metric)}
    if any(find(metric, config.tasks[name].type) is None for name, metric in metrics.items()):
        return  # told of the task
    weights = config.metric.weights
    for name in weights:
        if name not in config.tasks:
            yield f"metric.weights: there is no task '{name}'; {hint(name, config.tasks)}"
    try:
        competition.shares(metrics, {name: weight for name, weight in weights.items() if name in metrics})
    except UserError as error:
        yield str(error)
