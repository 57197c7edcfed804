"""Blocks of models that serve several tasks, and of the competition's score over several tasks."""

from typing import Annotated, Any, Literal

from pydantic import Field

from podium.config.base import Block, Name, Positive
from podium.config.models import Transformer
from podium.targets import TaskType

SamplingMethod = Literal["proportional", "square_root", "equal", "annealed"]
BalanceMethod = Literal["rows", "fixed", "uncertainty", "dwa", "dtp", "gradnorm"]
Weights = dict[Name, Annotated[float, Field(gt=0)]]


class Balance(Block):
    """How the tasks' losses, each a mean over the task's rows in the batch, become one."""

    method: BalanceMethod = Field(
        "rows",
        description="rows: every row of a batch counts the same, so that `sampling` decides; fixed: the tasks' means "
        "by `weights`; uncertainty: learned (arXiv 1705.07115); dwa: dynamic weight average (1803.10704); dtp: dynamic "
        "task prioritisation (Guo et al. 2018); gradnorm: gradient normalisation (1711.02257).",
    )
    weights: Weights = Field(
        default_factory=dict, description="rows and fixed: weights of tasks by name; 1 for those not named."
    )
    temperature: Annotated[float, Field(gt=0)] = Field(2.0, description="dwa: the higher, the more alike.")
    interval: Positive | None = Field(
        None, description="dwa: steps of which losses are averaged; null: an epoch."
    )
    gamma: Annotated[float, Field(ge=0)] = Field(1.0, description="dtp: focus on tasks of low accuracy.")
    discount: Annotated[float, Field(gt=0, le=1)] = Field(
        0.1, description="dtp: share of the newest batch in a task's running accuracy."
    )
    alpha: Annotated[float, Field(ge=0)] = Field(
        1.5, description="gradnorm: how strongly slow tasks are pulled along; 0: all gradients alike."
    )
    rate: Annotated[float, Field(gt=0)] = Field(0.025, description="gradnorm: learning rate of the weights.")


class Fuse(Block):
    """Parameter fusion: the mean of the encoders of models of single tasks is what training starts from.

    Each fold starts from the encoders that were trained without the same fold.
    """

    models: Annotated[list[Name], Field(min_length=1)] = Field(
        description="Models of kind transformer with one and the same `encoder`, for some of this model's tasks each; "
        "of several seeds the first."
    )
    weights: Weights = Field(
        default_factory=dict, description="Weights of tasks in the mean, by name; 1 for those not named."
    )


class Multitask(Transformer):
    """One encoder fine-tuned for several single-label tasks at once; all keys of a transformer and those below."""

    kind: Literal["multitask"]  # type: ignore[assignment]
    tasks: Annotated[list[Name], Field(min_length=2)] | None = Field(
        None, description="Tasks that the model serves together; null: all of the competition."
    )
    mode: Literal["heads", "queries", "flat"] = Field(
        "heads",
        description="heads: shared encoder and pooling, a linear layer for each task; queries: a learned query for "
        "each task that attends to the tokens, then its linear layer; flat: one classifier over the labels of all "
        "tasks, and a task-type embedding added to every token.",
    )
    sampling: SamplingMethod = Field(
        "proportional",
        description="Share of a task in an epoch's rows: its rows, their square root, the same for all tasks, or "
        "annealed from the first towards the last (arXiv 1902.02671).",
    )
    balance: Balance = Field(default_factory=Balance, description="How the tasks' losses become one.")
    fuse: Fuse | None = Field(None, description="Start from the mean of single-task models' encoders.")

    def settled(self, type: TaskType) -> dict[str, Any]:
        """See ``Transformer.settled``; ``fuse`` is another job's, and ``tasks`` are the run's to name."""
        return {key: value for key, value in super().settled(type).items() if key != "fuse"}


class CompetitionMetric(Block):
    """The score of a competition of several tasks: the weighted mean of their metrics."""

    weights: Weights = Field(
        default_factory=dict, description="Weights of tasks by name; 1 for those not named."
    )
