"""The config: every key, its default, its meaning and its limits, in one place.

``podium.validation.load`` turns the raw mapping that Snakemake hands over into a :class:`Config`. The
JSON schema for editors is made from these classes (``python -m podium schema``).
"""

from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field, StringConstraints

from podium.config.adversarial import Adversarial
from podium.config.augment import AnyAugmentation
from podium.config.base import Block, Columns, Model, Name, Path
from podium.config.decision import Decision
from podium.config.ensemble import Ensemble
from podium.config.external import External, Unlabelled
from podium.config.metric import AnyMetric, metric_field
from podium.config.models import FastText, Lightgbm, Linear, TextCnn, Transformer
from podium.config.multitask import CompetitionMetric, Multitask
from podium.config.noise import Noise
from podium.config.pretrain import Pretraining
from podium.config.pseudo import Pseudo
from podium.config.submission import Submission
from podium.config.text import Text
from podium.targets import TaskType


class Task(Block):
    """One prediction task of the competition: its files, columns and metric."""

    type: TaskType = Field(
        "single_label",
        description="What is predicted of a row: one label, any number of labels, or numbers.",
    )
    train: Path = Field(
        description="Training rows: .csv, .tsv, .jsonl or .parquet (text forms may end in .gz)."
    )
    test: Path = Field(description="Rows to predict, same columns without the target.")
    sample: Path | None = Field(None, description="The sample submission; its form is copied exactly.")
    submission: Submission = Field(default_factory=Submission, description="The file to hand in.")
    holdout: Path | None = Field(
        None,
        description="True labels of the test rows, for `snakemake check_holdout` only; no other rule reads it.",
    )
    id: str | None = Field("id", description="Column of row ids; null numbers the rows from 0.")
    text: Annotated[
        list[str | Annotated[list[str], Field(min_length=1)]], Field(min_length=1, max_length=2)
    ] = Field(
        description="One text segment or a pair; a segment is a column, or a list of columns joined by a space."
    )
    target: str | Annotated[list[str], Field(min_length=1)] = Field(
        description="Column of labels; multi_label: columns of 0 and 1, or one of joined labels; "
        "regression: one or several columns of numbers."
    )
    label_separator: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        None, description="What stands between the labels of one multi_label column."
    )
    group: str | None = Field(None, description="Column whose equal values must stay in one fold.")
    metric: AnyMetric = metric_field()
    language: Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")] = Field(
        "en", description="Language of the text (ISO 639-1), for lemmas and emoji names."
    )
    encoding: str | None = Field(None, description="Text encoding of the files; null finds it.")
    separator: str | None = Field(None, description="Column separator of the files; null finds it.")
    columns: Columns | None = Field(
        None,
        description="Names of all columns, in order, where train and test have no header line (those at the end may be "
        "lacking in test); null: they have one.",
    )
    external: dict[Name, External] = Field(
        default_factory=dict, description="Named labelled files whose rows join training parts only."
    )
    unlabelled: dict[Name, Unlabelled] = Field(
        default_factory=dict, description="Named files without labels, for pseudo-labels."
    )


class Folds(Block):
    """Cross-validation folds: stratified by label, grouped by near-duplicates and the user's groups."""

    n: Annotated[int, Field(ge=2, le=50)] = Field(5, description="Number of folds.")
    seed: int | None = Field(None, description="Seed of the split; null takes the run's seed.")
    near_duplicates: Annotated[float, Field(gt=0, le=1)] | None = Field(
        0.8, description="Jaccard similarity from which two texts stay in one fold; null keeps only groups."
    )


Models = Linear | Lightgbm | FastText | TextCnn | Transformer | Multitask
AnyModel = Annotated[Models, Field(discriminator="kind")]
KINDS: dict[str, type[Model]] = {
    get_args(cls.model_fields["kind"].annotation)[0]: cls for cls in get_args(Models)
}


class Config(Block):
    """The whole config."""

    competition: Name = Field(description="Name of the competition.")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of everything random.")
    tasks: Annotated[dict[Name, Task], Field(min_length=1)] = Field(
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


def serves(model: Model, task: str) -> bool:
    """Whether a model makes predictions for a task."""
    return model.tasks is None or task in model.tasks


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
