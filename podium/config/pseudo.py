"""The config of pseudo-label rounds."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from podium.config.base import Block, Fraction, Name, Positive
from podium.pseudo_choice import OTHERS

USUAL_BAR = 0.9

Weight = Annotated[float, Field(gt=0, le=1)]


def _form(given: Any) -> str:
    """Which form of a key that has several the user chose: so that mistakes are told of that one alone."""
    return "mapping" if isinstance(given, dict) else "listed" if isinstance(given, list) else "number"


def _names(given: Any) -> Any:
    """Class names that look like whole numbers are numbers in YAML."""
    if not isinstance(given, dict):
        return given
    return {str(key) if type(key) is int else key: bar for key, bar in given.items()}


Confidence = Annotated[
    Annotated[Fraction, Tag("number")]
    | Annotated[dict[str, Fraction], BeforeValidator(_names), Tag("mapping")],
    Discriminator(_form),
]
Weights = Annotated[
    Annotated[Weight, Tag("number")] | Annotated[list[Weight], Field(min_length=1), Tag("listed")],
    Discriminator(_form),
]


class Pseudo(Block):
    """Pseudo-label rounds: test and unlabelled rows on which the fold's own models agree join it."""

    rounds: Annotated[int, Field(ge=0, le=10)] = Field(1, description="Rounds after round 0; 0 for none.")
    until_helps: bool = Field(
        False,
        description="A member takes part only until a round does not raise its score; for each fold by the scores on "
        "the other folds.",
    )
    voters: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None, description="Models that vote; null for all."
    )
    agree: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Share of the votes that a label needs."
    )
    votes: Positive | None = Field(
        None, description="Number of votes that a label needs beside `agree`; null: none but that share."
    )
    confidence: Confidence = Field(
        USUAL_BAR,
        description='Mean probability that a label needs; or one for each class, {class: number}, where "*" stands for '
        "the classes not named (0.9 where it is not there).",
    )
    precision: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="Share of right labels: each class is taken from the lowest probability on, above `confidence`, at "
        "which its out-of-fold rows are right that often; null: `confidence` alone.",
    )
    max_share: Fraction = Field(0.8, description="Accept at most this share of the test and unlabelled rows.")
    balance: Literal["train", "prior", "equal", "none"] = Field(
        "train",
        description="Share of that number which each class may take. train: its share of the training rows; prior: its "
        "estimated share of the test rows, where they are surely not those of train; equal: the same; none: no limit.",
    )
    top: Positive | None = Field(None, description="Accept at most so many rows of a class; null: no limit.")
    labels: Literal["hard", "soft"] = Field(
        "hard",
        description="hard: the class with the most votes; soft: the voters' mean probabilities.",
    )
    weight: Weights = Field(
        1.0,
        description="Training weight of a pseudo-labelled row; a list has one for each round; its last goes on.",
    )

    def bars(self) -> float | dict[str, float]:
        """``confidence`` with a bar for the classes not named; in the order of names, whatever the file's."""
        if not isinstance(self.confidence, dict):
            return self.confidence
        return dict(sorted({OTHERS: USUAL_BAR, **self.confidence}.items()))

    def weight_in(self, number: int) -> float:
        """Training weight in round ``number``, from 1."""
        if isinstance(self.weight, list):
            return self.weight[min(number, len(self.weight)) - 1]
        return self.weight
