"""The config of the noise stage."""

from typing import Annotated, Literal

from pydantic import Field

from podium.config.base import Block, Fraction, Name, Path, Positive


class Noise(Block):
    """Doubtful labels, found by cross-validation and confident learning inside each fold's training part."""

    models: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None,
        description="Models whose cross-validated probabilities are averaged, each with its first seed; null: a fast "
        "linear model that is built in.",
    )
    mode: Literal["nested", "plain"] = Field(
        "nested",
        description="nested: a cross-validation inside each fold's training part, so that verdicts know nothing of the "
        "fold; plain: one cross-validation over all rows with the run's folds, cheaper, but the models behind a "
        "fold's verdicts saw its labels, and scores of models trained on cleaned rows can be too good.",
    )
    inner_folds: Annotated[int, Field(ge=2, le=20)] = Field(
        3, description="Folds of the nested cross-validation."
    )
    view: Name = Field("raw", description="Text view of the built-in model.")
    filter_by: Literal[
        "prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given",
        "low_normalized_margin", "low_self_confidence", "margin",
    ] = Field(
        "prune_by_noise_rate",
        description="What counts as a label issue: cleanlab's rules, or margin, a fixed distance.",
    )  # fmt: skip
    margin: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.3,
        description="filter_by margin: how far the highest probability must exceed that of the given label.",
    )
    score: Literal["self_confidence", "normalized_margin", "confidence_weighted_entropy"] = Field(
        "self_confidence",
        description="cleanlab's label quality, 0 to 1: the order of the review, who is pruned first, the row weights.",
    )
    max_share: Fraction = Field(0.1, description="Act on at most this share of a fold's training rows.")
    class_max_share: Fraction = Field(0.5, description="Act on at most this share of each class's rows.")
    min_rows: Positive = Field(1, description="Rows that each class keeps.")
    relabel_confidence: Fraction = Field(
        0.9, description="Probability of the suggested label from which a model with noise: relabel takes it."
    )
    overrides: Path | None = Field(
        "data/overrides.csv",
        description="A person's word on single rows, columns id and label (a class, or drop); the default's file may "
        "be missing, another must be there; null: none is looked for.",
    )
