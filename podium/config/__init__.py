"""The config: every key, its default, its meaning and its limits, in one place.

``podium.validation.load`` turns the raw mapping that Snakemake hands over into a :class:`Config`. The
JSON schema for editors is made from these classes (``python -m podium schema``).
"""

from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field

from podium.config.adversarial import Adversarial
from podium.config.augment import AnyAugmentation
from podium.config.base import Block, Model, Name
from podium.config.decision import Decision
from podium.config.ensemble import Ensemble
from podium.config.models import FastText, Lightgbm, Linear, TextCnn, Transformer
from podium.config.multitask import CompetitionMetric, Multitask
from podium.config.noise import Noise
from podium.config.pretrain import Pretraining
from podium.config.pseudo import Pseudo
from podium.config.span import Reader, Retriever
from podium.config.tasks import AnyTask, SpanTask, Task
from podium.config.text import Text


class Folds(Block):
    """Cross-validation folds: stratified by label, grouped by near-duplicates and the user's groups."""

    n: Annotated[int, Field(ge=2, le=50)] = Field(5, description="Number of folds.")
    seed: int | None = Field(None, description="Seed of the split; null takes the run's seed.")
    near_duplicates: Annotated[float, Field(gt=0, le=1)] | None = Field(
        0.8, description="Jaccard similarity from which two texts stay in one fold; null keeps only groups."
    )


class Gpu(Block):
    """How jobs share GPUs; results do not depend on it."""

    jobs_per_device: Annotated[int, Field(ge=1, le=16)] = Field(
        1,
        description="Jobs that may be on one GPU at once, where a job needs no more than a part of its memory; "
        "`--resources gpu=2` still means two devices. "
        "On a cluster, whose scheduler deals devices to jobs, each job has its own.",
    )


Models = Linear | Lightgbm | FastText | TextCnn | Transformer | Multitask | Reader | Retriever
AnyModel = Annotated[Models, Field(discriminator="kind")]
KINDS: dict[str, type[Model]] = {
    get_args(cls.model_fields["kind"].annotation)[0]: cls for cls in get_args(Models)
}


class Config(Block):
    """The whole config."""

    competition: Name = Field(description="Name of the competition.")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of everything random.")
    tasks: Annotated[dict[Name, AnyTask], Field(min_length=1)] = Field(
        description="The competition's tasks by name; a file with this key is complete by itself."
    )
    metric: CompetitionMetric = Field(default_factory=CompetitionMetric)
    text: Text = Field(default_factory=Text)
    folds: Folds = Field(default_factory=Folds)
    noise: Noise = Field(default_factory=Noise)
    augment: dict[Name, AnyAugmentation] = Field(default_factory=dict, description="Named augmentations.")
    pretrain: dict[Name, Pretraining] = Field(
        default_factory=dict, description="Named pretrainings on the task's texts, without labels."
    )
    models: Annotated[dict[Name, AnyModel], Field(min_length=1)] = Field(description="Named models.")
    pseudo: Pseudo = Field(default_factory=Pseudo)
    ensemble: Ensemble = Field(default_factory=Ensemble)
    decision: Decision = Field(default_factory=Decision)
    adversarial: Adversarial = Field(default_factory=Adversarial)
    gpu: Gpu = Field(default_factory=Gpu)


def serves(model: Model, task: str, tasks: Mapping[str, Task | SpanTask]) -> bool:
    """Whether a model makes predictions for a task: one that it names, else one that its kind is made for.

    Kinds are for span tasks or for the others; a competition that has no task for a kind is told so (``type_checks``).
    """
    if model.tasks is not None:
        return task in model.tasks
    spans = {name for name, block in tasks.items() if isinstance(block, SpanTask)}
    mine = spans if isinstance(model, Reader | Retriever) else tasks.keys() - spans
    return task in (mine or tasks)


def block_of(annotation: Any) -> type[BaseModel] | None:
    """The class of a block that a key holds, also where it may be null; None for plain values."""
    kinds = get_args(annotation) or (annotation,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def member_names(config: Config) -> list[str]:
    """All members, ``model-sSEED``, in the order of the config."""
    return [f"{name}-s{seed}" for name, model in config.models.items() for seed in model.seeds]


def schema() -> dict[str, Any]:
    """The config's JSON schema, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
