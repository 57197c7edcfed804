"""Blocks of the training engine: loss, tricks, and what a null in them stands for."""

from typing import Annotated, Any, Literal

from pydantic import Field

from podium.config.base import Block, Fraction, Positive
from podium.targets import TaskType

LossName = Literal[
    "cross_entropy", "focal", "soft_f1", "symmetric", "generalized", "binary", "corn", "mse", "huber"
]  # fmt: skip


class Loss(Block):
    """The loss of a transformer; a key that the named loss does not have is refused."""

    name: LossName | None = Field(
        None,
        description="null: cross_entropy, binary (multi_label) or mse (regression). focal: arXiv 1708.02002; soft_f1: "
        "2108.10566; symmetric: 1908.06112; generalized: 1805.07836; corn, for ordered classes: 2111.08851; huber: "
        "Huber 1964.",
    )
    class_weight: Literal["balanced", "effective"] | None = Field(
        None, description="Weigh classes by inverse frequency, or by effective number (arXiv 1901.05555)."
    )
    effective_beta: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None, description="Beta of the effective number; null: 0.999."
    )
    smoothing: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None, description="Label smoothing of cross_entropy (arXiv 1512.00567, section 7)."
    )
    logit_adjustment: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Tau of cross_entropy's logit adjustment (arXiv 2007.07314, section 5.1)."
    )
    gamma: Annotated[float, Field(ge=0)] | None = Field(None, description="Focus of focal; null: 2.")
    alpha: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Weight of the cross-entropy in symmetric; null: 1."
    )
    beta: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Weight of the reverse cross-entropy in symmetric; null: 1."
    )
    q: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="generalized: from cross-entropy (near 0) to absolute error (1); null: 0.7."
    )
    delta: Annotated[float, Field(gt=0)] | None = Field(
        None, description="huber: error in standard deviations from which the loss is linear; null: 1."
    )


class Timed(Block):
    """A trick of the training loop that may begin late."""

    from_epoch: Positive = Field(1, description="First epoch of the trick; plain training before it.")


class Adversarial(Timed):
    """Training on perturbed embeddings or weights as well; each extra pass costs a step's time."""

    method: Literal["fgm", "fgm_rows", "pgd", "pgd_rows", "freelb", "awp"] = Field(
        "fgm",
        description="fgm (arXiv 1605.07725) and pgd (1706.06083) move the table of words, *_rows each row's "
        "embeddings by a norm of its own; freelb: 1909.11764; awp moves the weights: 2004.05884.",
    )
    epsilon: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="How far: the radius, of awp a share of each weight; null: 1, freelb 0.6, awp 0.01.",
    )
    step_size: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Length of a step, of awp a share of each matrix's norm; null: 0.3, freelb 0.1, awp 0.0001 (its "
        "paper bounds the whole move by 0.005 and trains from scratch; at that a short fine-tuning learns little).",
    )
    steps: Positive | None = Field(
        None, description="Steps of pgd and awp, passes of freelb; null: 3, awp 1."
    )
    random_start: Annotated[float, Field(ge=0)] = Field(
        0.3, description="Size of the random start of freelb."
    )
    same_dropout: bool | None = Field(
        None, description="The same dropout masks in all passes of a batch; null: true for freelb alone."
    )


class Average(Block):
    """The average of the weights along the run is what predicts."""

    method: Literal["ema", "swa"] = Field(
        "ema",
        description="ema: exponential (arXiv 1703.01780); swa: plain (1803.05407), the rate constant from `start` on.",
    )
    decay: Annotated[float, Field(ge=0, lt=1)] = Field(0.99, description="Of ema, for each taking.")
    start: Fraction | None = Field(
        None, description="Share of the run after which weights are taken; null: 0, swa 0.75."
    )
    every: Positive | Literal["epoch", "tenth"] | None = Field(
        None,
        description="Steps between takings: a number, an epoch, or a tenth of those after `start`; null: 1, swa "
        "tenth.",
    )


class Mixup(Timed):
    """Training on mixtures of two rows (arXiv 1905.08941)."""

    where: Literal["words", "sentence"] = Field(
        "sentence", description="Mix the word embeddings, or the vector that the head reads."
    )
    alpha: Annotated[float, Field(gt=0)] = Field(0.2, description="Shares are from Beta(alpha, alpha).")


class WordDropout(Timed):
    """Words hidden from the encoder (Iyyer et al. 2015; arXiv 1511.06349, section 3.1)."""

    rate: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.05, description="Probability of a word to be replaced by the mask token."
    )


class RDrop(Timed):
    """Two passes with different dropout that must agree (arXiv 2106.14448)."""

    alpha: Annotated[float, Field(gt=0)] = Field(
        1.0, description="Weight of the divergence; 1 to 5 in the paper."
    )


class Distillation(Timed):
    """Self-distillation: from round 1 on, the fold's own model of the round before teaches its training rows."""

    weight: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="Share of the teacher; the labels have the rest."
    )
    temperature: Annotated[float, Field(gt=0)] = Field(
        2.0, description="Of both distributions (arXiv 1503.02531)."
    )


class Stopping(Block):
    """The best epoch, chosen on rows held out inside the training part: the fold itself is never looked at."""

    share: Annotated[float, Field(gt=0, le=0.5)] = Field(
        0.1, description="Share of the training rows held out."
    )
    patience: Positive | None = Field(
        None, description="Stop after as many epochs without gain; null: train to the end."
    )
    score: Literal["loss", "accuracy", "macro_f1"] = Field(
        "loss", description="What is compared; accuracy and macro_f1 for single_label tasks."
    )


class Refit(Block):
    """Each fold's model goes on over all training rows, its own fold with them, to predict the test rows.

    The held-out predictions, the scores and the votes for pseudo-labels stay those of before.
    """

    epochs: Annotated[float, Field(gt=0)] = Field(1, description="Passes over all rows.")
    rate: Annotated[float, Field(gt=0, le=1)] = Field(0.1, description="Factor on the learning rates.")


class Lora(Block):
    """Low-rank adapters instead of all weights (arXiv 2106.09685); needs envs/lora.txt."""

    rank: Positive = Field(8, description="Rank of the adapters.")
    alpha: Annotated[float, Field(gt=0)] = Field(16.0, description="Their scale, over the rank.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="Dropout before the adapters.")
    targets: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="Names of linear modules; null: the query and value projections."
    )


LOSS_OF: dict[TaskType, str] = {
    "single_label": "cross_entropy",
    "multi_label": "binary",
    "regression": "mse",
}
LOSS_KEYS: dict[str, dict[str, float]] = {
    "focal": {"gamma": 2.0},
    "symmetric": {"alpha": 1.0, "beta": 1.0},
    "generalized": {"q": 0.7},
    "huber": {"delta": 1.0},
}
ADVERSARIAL_KEYS: dict[str, dict[str, Any]] = {
    "": {"epsilon": 1.0, "step_size": 0.3, "steps": 3, "same_dropout": False},
    "freelb": {"epsilon": 0.6, "step_size": 0.1, "same_dropout": True},
    "awp": {"epsilon": 0.01, "step_size": 1e-4, "steps": 1},
}
AVERAGE_KEYS: dict[str, dict[str, Any]] = {
    "": {"start": 0.0, "every": 1},
    "swa": {"start": 0.75, "every": "tenth"},
}


def settle(block: dict[str, Any], type: TaskType) -> dict[str, Any]:
    """Replace every null in a block of the training loop whose meaning depends on other keys or on the task's type."""
    loss = {key: value for key, value in block["loss"].items() if value is not None}
    name = loss.get("name", LOSS_OF[type])
    usual = LOSS_KEYS.get(name, {}) | ({"effective_beta": 0.999} if "class_weight" in loss else {})
    if loss.get("class_weight") != "effective":
        usual.pop("effective_beta", None)
    block["loss"] |= {"name": name, **usual, **loss}
    return settle_tricks(block)


def settle_tricks(block: dict[str, Any]) -> dict[str, Any]:
    """Replace every null in the blocks of tricks whose meaning depends on their method."""
    for trick, keys in (("adversarial", ADVERSARIAL_KEYS), ("average", AVERAGE_KEYS)):
        if block[trick] is not None:
            told = {key: value for key, value in block[trick].items() if value is not None}
            block[trick] = keys[""] | keys.get(told["method"], {}) | told
    if block["average"] is not None and block["average"]["every"] == "epoch":
        block["average"]["every"] = None
    return block
