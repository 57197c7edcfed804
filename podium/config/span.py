"""Blocks of span question answering: the task's files, its models, how answers are decided and learned from again."""

from typing import Annotated, Any, Literal

from pydantic import Field

from podium.config.base import Block, Fraction, Model, Positive
from podium.config.models import Pretrained
from podium.config.training import (
    settle_tricks,
)

SpanMetric = Literal["exact", "exact_without_commas", "squad_em", "squad_f1", "cmrc_em", "cmrc_f1"]


class SpanData(Block):
    """What the files of a span task hold; JSON files of SQuAD, CMRC 2018 and homework 7 say it by themselves."""

    question: str | None = Field(None, description="Column of questions, of a table.")
    context: str | None = Field(None, description="Column of contexts, of a table.")
    answer: str | None = Field(
        None, description="Column of answers, of a table; rows of the same id are answers of one question."
    )
    start: str | None = Field(
        None, description="Column of the answers' first characters, from 0; null finds them."
    )
    article: str | None = Field(None, description="Column of articles, of a table, for `group: article`.")
    group: Literal["paragraph", "article"] = Field(
        "paragraph", description="Questions on the same one stay in one fold."
    )
    max_lost: Fraction = Field(
        0.1,
        description="Share of the answered questions whose answers may not stand in their contexts; they are scored, "
        "and nothing is trained on them.",
    )


class SpanDecision(Block):
    """How probabilities become answers."""

    max_characters: Positive | None = Field(
        None, description="Longest answer; null: as long as `length_share` of the true answers are."
    )
    length_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.995, description="Share of the true answers that the longest answer holds."
    )
    candidates: Positive = Field(20, description="Most probable starts and ends that are paired.")
    complete: bool = Field(True, description="Mend brackets and quotes of which an answer holds only one.")
    unanswered: bool | None = Field(
        None,
        description="Whether questions may be left without an answer, beyond a tuned doubt; null: where some true ones "
        "are.",
    )


class SpanPseudo(Block):
    """Which unanswered questions are learned from with the answer that the models gave."""

    agree: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Share of the voters whose own best span must be that of their average."
    )
    margin: Annotated[float, Field(ge=0)] = Field(
        2.0,
        description="How much more log-probability it has than the best other span that does not overlap it.",
    )
    confidence: Fraction = Field(0.5, description="Probability of the span that is needed.")
    max_share: Fraction = Field(0.8, description="Accept at most this share of the questions.")


class Retriever(Model):
    """Without an encoder: the sentence most like the question (TF-IDF), and trees that score its words."""

    kind: Literal["retriever"]
    trees: Positive = Field(150, description="Boosting iterations of each model: starts, ends, spans.")
    learning_rate: Annotated[float, Field(gt=0)] = Field(0.1, description="Shrinkage of each tree.")
    num_leaves: Annotated[int, Field(ge=2)] = Field(15, description="Leaves of a tree at most.")
    min_data_in_leaf: Positive = Field(20, description="Words of a leaf at least.")
    negatives: Positive = Field(
        30, description="Other words of a context that are trained on beside the answer's."
    )
    sharpness: Annotated[float, Field(gt=0)] = Field(
        2.0,
        description="Power of the spans' odds in their probabilities: the higher, the more the best one has.",
    )


class ReaderStopping(Block):
    """The epoch of least loss, chosen on questions held out inside the training part."""

    share: Annotated[float, Field(gt=0, le=0.5)] = Field(
        0.1, description="Share of the training questions held out."
    )
    patience: Positive | None = Field(
        None, description="Stop after as many epochs without gain; null: train to the end."
    )


class Reader(Pretrained):
    """A pretrained encoder, fine-tuned with a start and an end score for each token (arXiv 1810.04805)."""

    kind: Literal["reader"]
    max_length: Annotated[int, Field(ge=16)] = Field(
        384, description="Tokens of a window, question and special tokens counted."
    )
    max_question: Positive = Field(64, description="Tokens kept of a question.")
    overlap: Annotated[int, Field(ge=0)] = Field(
        128, description="Context tokens that neighbouring windows share in prediction (doc_stride)."
    )
    negatives: Fraction = Field(
        0.3, description="Share of the long contexts of which a window without the answer is trained on, too."
    )
    smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Label smoothing over the places of a window (arXiv 1512.00567, section 7)."
    )
    reinit_layers: Annotated[int, Field(ge=0)] = Field(
        0, description="Top layers that start from new weights (arXiv 2006.05987)."
    )
    epochs: Annotated[float, Field(gt=0)] = Field(
        2,
        description="Passes over the questions, whose windows stand elsewhere in each; 1.5 is one and a half.",
    )
    batch_size: Positive = Field(16, description="Windows of one optimizer step.")
    batch_tokens: Annotated[int, Field(ge=64)] | None = Field(
        None, description="Tokens of one optimizer step at most, padding counted, instead of windows."
    )
    stopping: ReaderStopping | None = Field(None, description="The best epoch instead of the last.")

    def settled(self) -> dict[str, Any]:
        """The block with every null replaced whose meaning depends on other keys."""
        block = settle_tricks(self.model_dump())
        if block["stopping"] is not None:
            block["stopping"]["score"] = "loss"
        return block
