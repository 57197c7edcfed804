"""The config of stage adversarial: train and test compared, and when a cross-validated score is not to be trusted."""

from typing import Annotated

from pydantic import Field

from podium.config.base import Block, Positive


class Adversarial(Block):
    """How unlike the test rows are the training rows, how far they overlap, and what that means for the score."""

    enabled: bool = Field(True, description="Whether train and test are compared at all.")
    rows: Annotated[int, Field(ge=100)] = Field(
        20_000,
        description="At most so many rows of each part are looked at closely, drawn with the run's seed.",
    )
    near_duplicates: Annotated[float, Field(gt=0, le=1)] = Field(
        0.8,
        description="Jaccard similarity from which two texts are near-duplicates here, whatever folds has.",
    )
    level: Annotated[float, Field(gt=0, le=0.1)] = Field(
        0.01,
        description="Highest chance of a false alarm that a warning resting on a test of chance may have.",
    )
    auc: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        0.6,
        description="Warn where train and test rows are told apart with an AUC above this, and above chance.",
    )
    overlap: Annotated[float, Field(gt=0, le=1)] = Field(
        0.1,
        description="Warn where at least this share of the test rows has a near-duplicate among the training rows.",
    )
    class_shift: Annotated[float, Field(gt=0, le=1)] = Field(
        0.05, description="Warn where at least this share of the test rows would have to change their class to have "
        "the class shares of train, as EM estimates them."
    )  # fmt: skip
    class_rows: Positive = Field(
        10, description="Warn of classes with fewer training rows, where the metric counts every class alike."
    )
    fold_rows: Positive = Field(50, description="Warn of folds with fewer rows.")
    weight_limit: Annotated[float, Field(gt=1)] = Field(
        20.0,
        description="Greatest weight of a row, the mean being 1, in the importance-weighted cross-validation.",
    )
