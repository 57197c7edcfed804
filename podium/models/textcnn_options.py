"""The keys of a ``textcnn`` model's config block, and the parts of the engine that they are for."""

import dataclasses
from typing import Any

from podium.engine.inputs import InputOptions
from podium.engine.optimization import OptimizationOptions
from podium.engine.recipe import Recipe, tricks

TRICKS = ("adversarial", "average", "mixup", "word_dropout", "r_drop")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """See ``podium.config.TextCnn``. ``precision`` may still be ``auto``."""

    lowercase: bool
    min_count: int
    max_words: int
    max_length: int
    vectors: str | None
    channels: str
    dimensions: int
    widths: list[int]
    filters: int
    dropout: float
    max_norm: float | None
    precision: str
    loss: dict[str, Any]
    epochs: float
    batch_size: int
    schedule: str
    warmup: float
    learning_rate: float
    weight_decay: float
    max_grad_norm: float
    adversarial: dict[str, Any] | None
    average: dict[str, Any] | None
    mixup: dict[str, Any] | None
    word_dropout: dict[str, Any] | None
    r_drop: dict[str, Any] | None

    def inputs(self) -> InputOptions:
        """The first words of each text; of a pair, the longer text is cut first."""
        return InputOptions(
            max_length=self.max_length,
            max_cut=0.0,
            truncation="head",
            head_share=1.0,
            long_texts="cut",
            max_chunks=1,
            chunk_overlap=0,
        )

    def recipe(self) -> Recipe:
        """How the run trains: AdamW at one rate for all parameters, since all are new."""
        return Recipe(
            epochs=self.epochs,
            steps=None,
            batch_size=self.batch_size,
            batch_tokens=None,
            accumulate=1,
            max_grad_norm=self.max_grad_norm,
            optimization=OptimizationOptions(
                schedule=self.schedule,
                warmup=self.warmup,
                learning_rate=self.learning_rate,
                head_learning_rate=self.learning_rate,
                layer_decay=1.0,
                weight_decay=self.weight_decay,
                freeze_layers=0,
                unfreeze=None,
            ),
            **tricks({name: getattr(self, name) for name in TRICKS}),
        )
