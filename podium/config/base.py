"""What all blocks of the config share: their form, names and numbers, what every kind of model has."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NAME_PATTERN = "[a-z][a-z0-9_]*"
Name = Annotated[
    str, StringConstraints(pattern=f"^{NAME_PATTERN}$", max_length=100)
]  # names of files hold several
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**64)]  # names of folders hold it

REVISION_PATTERN = (
    r"^[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*(/[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*)*$"
)
Path = Annotated[
    str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^{}\x00-\x1f\x7f]+$")
]  # braces are wildcards of the workflow


Columns = Annotated[list[Annotated[str, StringConstraints(min_length=1)]], Field(min_length=1)]


class Block(BaseModel):
    """A block of the config: unknown keys are refused, values are fixed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def changed(self, key: str) -> bool:
        """Whether ``key`` has another value than its default; a config that is written out in full names all keys."""
        field = type(self).model_fields[key]
        return bool(getattr(self, key) != field.get_default(call_default_factory=True, validated_data={}))


class Model(Block):
    """What every kind of model shares."""

    tasks: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None, description="Tasks that the model serves, one member for each; null: all of the competition."
    )
    view: Name = Field("raw", description="Text view that the model reads.")
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field(
        default_factory=lambda: [0], description="One member for each seed (added to the run's seed)."
    )
    noise: Literal["prune", "relabel", "weight"] | None = Field(
        None,
        description="What the noise stage's verdicts do in training. prune: the rows are left out; relabel: those that "
        "are sure enough get the suggested label; weight: every row counts by its label's quality.",
    )
    augment: list[Name] = Field(default_factory=list, description="Augmentations added to the training rows.")
    rounds: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="Last pseudo-label round of this model, never more than `pseudo.rounds`; null: all of them.",
    )
    threads: Positive = Field(
        1,
        description="CPU threads of one job; part of the result's determinism. As many folds at once as there are "
        "cores, with one thread each, are faster than one with all; more threads pay where cores are left over.",
    )
