"""The config: every key, its default, its meaning and its limits, in one place.

``podium.validation.load`` turns the raw mapping that Snakemake hands over into a :class:`Config`. The
JSON schema for editors is made from these classes (``python -m podium schema``).
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, StringConstraints

from podium.config.augment import Eda
from podium.config.base import Block, Fraction, Model, Name, Path, Positive
from podium.config.models import FastText, Lightgbm, Linear, TextCnn, Transformer
from podium.config.noise import Noise
from podium.config.text import Text
from podium.targets import TaskType

Metric = Literal[
    "accuracy", "macro_f1", "weighted_f1", "f1", "mcc", "balanced_accuracy", "qwk", "log_loss", "roc_auc",
    "micro_f1", "samples_f1", "exact_match", "hamming_loss", "average_precision",
    "rmse", "mcrmse", "mae", "r2", "pearson", "spearman",
]  # fmt: skip
EnsembleMethod = Literal["mean", "blend", "stack", "vote"]


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
    metric: Metric = Field(
        "accuracy",
        description="The leaderboard's metric. single_label: accuracy, macro_f1, weighted_f1, f1 (of the last label in "
        "sorted order, 1 of 0 and 1), mcc, balanced_accuracy, qwk (of whole numbers), log_loss, roc_auc. "
        "multi_label: micro_f1, macro_f1, weighted_f1, samples_f1, exact_match, hamming_loss, log_loss, roc_auc, "
        "average_precision. regression: rmse, mcrmse, mae, r2, pearson, spearman.",
    )
    language: Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")] = Field(
        "en", description="Language of the text (ISO 639-1), for lemmas and emoji names."
    )
    encoding: str | None = Field(None, description="Text encoding of the files; null finds it.")
    separator: str | None = Field(None, description="Column separator of the files; null finds it.")


class Folds(Block):
    """Cross-validation folds: stratified by label, grouped by near-duplicates and the user's groups."""

    n: Annotated[int, Field(ge=2, le=50)] = Field(5, description="Number of folds.")
    seed: int | None = Field(None, description="Seed of the split; null takes the run's seed.")
    near_duplicates: Annotated[float, Field(gt=0, le=1)] | None = Field(
        0.8, description="Jaccard similarity from which two texts stay in one fold; null keeps only groups."
    )


AnyModel = Annotated[Linear | Lightgbm | FastText | TextCnn | Transformer, Field(discriminator="kind")]
KINDS: dict[str, type[Model]] = {
    get_args(cls.model_fields["kind"].annotation)[0]: cls
    for cls in (Linear, Lightgbm, FastText, TextCnn, Transformer)
}


class Pseudo(Block):
    """Pseudo-label rounds: test rows on which the fold's own models agree join its training part."""

    rounds: Annotated[int, Field(ge=0, le=10)] = Field(1, description="Rounds after round 0; 0 for none.")
    voters: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None, description="Models that vote; null for all."
    )
    agree: Annotated[float, Field(gt=0.5, le=1)] = Field(1.0, description="Share of the votes a label needs.")
    confidence: Fraction = Field(0.9, description="Mean probability that a label needs.")
    max_share: Fraction = Field(0.8, description="Accept at most this share of the test rows.")
    balance: Literal["train", "none"] = Field(
        "train", description="train: each class at most in its share of the training rows."
    )
    weight: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Training weight of a pseudo-labelled row."
    )


class Blend(Block):
    """Weighted mean of probabilities."""

    weights: dict[str, Annotated[float, Field(ge=0)]] | None = Field(
        None,
        description="Weight of each member, 0 for those not named; null: greedy selection (Caruana et al. 2004).",
    )
    steps: Positive = Field(50, description="Steps of the greedy selection.")


class Stack(Block):
    """Logistic regression on the members' log-probabilities, shrunk towards their geometric mean."""

    c: Annotated[float, Field(gt=0)] = Field(
        0.01, description="Inverse of the L2 penalty on the distance from the geometric mean."
    )


class Vote(Block):
    """Majority of the members' labels, ties broken by mean probability."""

    weights: dict[str, Annotated[float, Field(ge=0)]] | None = Field(
        None, description="Votes of each member, 0 for those not named; null counts each as one."
    )


class Ensemble(Block):
    """How members become one prediction; every score is cross-fitted over the folds."""

    members: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="Members to use (`model-sSEED`); null for all."
    )
    methods: Annotated[list[EnsembleMethod], Field(min_length=1)] = Field(
        ["mean", "blend", "stack", "vote"], description="Methods to compute and score."
    )
    submit: Literal["best", "mean", "blend", "stack", "vote"] = Field(
        "best", description="What is submitted; best: chosen by score, the choice itself cross-fitted."
    )
    blend: Blend = Field(default_factory=Blend)
    stack: Stack = Field(default_factory=Stack)
    vote: Vote = Field(default_factory=Vote)


class Decision(Block):
    """From probabilities to labels."""

    method: Literal["auto", "argmax", "offsets"] = Field(
        "auto",
        description="offsets: per-class log-probability offsets tuned for the metric; auto: where it helps.",
    )
    sweeps: Positive = Field(3, description="Passes of the coordinate ascent over the classes.")


class Config(Block):
    """The whole config."""

    competition: Name = Field(description="Name of the competition.")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of everything random.")
    tasks: Annotated[dict[Name, Task], Field(min_length=1, max_length=1)] = Field(
        description="The competition's task, one for now; a file with this key is complete by itself."
    )
    text: Text = Field(default_factory=Text)
    folds: Folds = Field(default_factory=Folds)
    noise: Noise = Field(default_factory=Noise)
    augment: dict[Name, Eda] = Field(default_factory=dict, description="Named augmentations.")
    models: Annotated[dict[Name, AnyModel], Field(min_length=1)] = Field(description="Named models.")
    pseudo: Pseudo = Field(default_factory=Pseudo)
    ensemble: Ensemble = Field(default_factory=Ensemble)
    decision: Decision = Field(default_factory=Decision)


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
