"""A config of several tasks, as each of them sees it."""

from collections.abc import Mapping, Set
from typing import Any

from podium.config import Config, serves
from podium.config.ensemble import Ensemble


def for_task(config: Config, name: str) -> Config:
    """Return the config of one task: the models that serve it, and lists without names of other tasks' models.

    A list that named only these is empty then, which ``podium.validation_tasks`` refuses. Views and augmentations that
    only other tasks' models read are left out.
    """
    strange = {key for key, model in config.models.items() if not serves(model, name, config.tasks)}
    if not strange:
        return config if len(config.tasks) == 1 else config.model_copy(update=_task(config, name))
    theirs = [config.models[key] for key in strange]
    ours = [model for key, model in config.models.items() if key not in strange]
    views = {
        config.noise.view,
        *(block.view for block in config.pretrain.values()),
        *(model.view for model in ours),
    }
    methods = {method for model in ours for method in model.augment}
    return config.model_copy(
        update={
            **_task(config, name),
            "models": {key: model for key, model in config.models.items() if key not in strange},
            "text": config.text.model_copy(
                update={"views": _read(config.text.views, views, {model.view for model in theirs})}
            ),
            "augment": _read(
                config.augment, methods, {method for model in theirs for method in model.augment}
            ),
            "noise": config.noise.model_copy(update={"models": _without(config.noise.models, strange)}),
            "pseudo": config.pseudo.model_copy(update={"voters": _without(config.pseudo.voters, strange)}),
            "ensemble": _ensemble(config.ensemble, strange),
        }
    )


def _task(config: Config, name: str) -> dict[str, Any]:
    return {"tasks": {name: config.tasks[name]}}


def _read(blocks: Mapping[str, Any], ours: Set[str], theirs: Set[str]) -> dict[str, Any]:
    """Blocks that our models read, or that no other task's do."""
    return {key: block for key, block in blocks.items() if key in ours or key not in theirs}


def _ensemble(ensemble: Ensemble, strange: Set[str]) -> Ensemble:
    return ensemble.model_copy(
        update={
            "members": _without(ensemble.members, strange),
            "blend": _weighing(ensemble.blend, strange),
            "vote": _weighing(ensemble.vote, strange),
            "named": {name: _weighing(block, strange) for name, block in ensemble.named.items()},
        }
    )


def _weighing(block: Any, strange: Set[str]) -> Any:
    """A block of an ensemble without the weights of members of other tasks."""
    weights = getattr(block, "weights", None)
    if weights is None:
        return block
    return block.model_copy(
        update={"weights": {key: weights[key] for key in _without(list(weights), strange) or []}}
    )


def _without(names: list[str] | None, strange: Set[str]) -> list[str] | None:
    """Names of models, or of their members, that are none of ``strange``."""
    if names is None:
        return None
    return [name for name in names if name not in strange and name.rpartition("-s")[0] not in strange]
