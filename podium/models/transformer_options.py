"""The keys of a ``transformer`` model's config block, and the parts of the engine that they are for."""

import dataclasses
from typing import Any, Literal

from podium.engine.head import HeadOptions
from podium.engine.inputs import InputOptions
from podium.engine.lora import LoraOptions
from podium.engine.loss_options import LossOptions
from podium.engine.optimization import OptimizationOptions
from podium.engine.pooling import PoolingOptions
from podium.engine.recipe import Recipe, tricks

TRICKS = ("adversarial", "average", "mixup", "word_dropout", "r_drop", "distillation", "stopping")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finetuned:
    """What every fine-tuned encoder has. ``encoder`` is a local folder by now; ``precision`` may still be ``auto``."""

    encoder: str
    allow_missing: list[str]
    allow_unexpected: list[str]
    precision: str
    dropout: float
    attention_dropout: float
    dropout_samples: int
    reinit_layers: int
    epochs: float
    steps: int | None
    batch_size: int
    batch_tokens: int | None
    accumulate: int
    devices: int
    schedule: str
    warmup: float
    learning_rate: float
    head_learning_rate: float
    layer_decay: float
    weight_decay: float
    max_grad_norm: float
    freeze_layers: int
    unfreeze: float | None
    gradient_checkpointing: bool
    adversarial: dict[str, Any] | None
    average: dict[str, Any] | None
    word_dropout: dict[str, Any] | None
    r_drop: dict[str, Any] | None
    stopping: dict[str, Any] | None
    lora: dict[str, Any] | None

    def recipe(self) -> Recipe:
        """How the run trains; a trick that a kind of model does not have is off."""
        return Recipe(
            epochs=self.epochs,
            steps=self.steps,
            batch_size=self.batch_size,
            batch_tokens=self.batch_tokens,
            accumulate=self.accumulate,
            max_grad_norm=self.max_grad_norm,
            optimization=self._taken(OptimizationOptions),
            **tricks({name: getattr(self, name, None) for name in TRICKS}),
        )

    def head(self) -> HeadOptions:
        """The output layer."""
        return HeadOptions(dropout=self.dropout, dropout_samples=self.dropout_samples)

    def adapters(self) -> LoraOptions | None:
        """LoRA, where it is on."""
        return None if self.lora is None else LoraOptions(**self.lora)

    def _taken(self, kind: type[Any]) -> Any:
        return kind(**{field.name: getattr(self, field.name) for field in dataclasses.fields(kind)})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options(Finetuned):
    """See ``podium.config.Transformer``."""

    max_length: int | Literal["auto"]
    max_cut: float
    truncation: str
    head_share: float
    long_texts: str
    max_chunks: int
    chunk_overlap: int
    chunk_pooling: str
    pooling: str
    loss: dict[str, Any]
    mixup: dict[str, Any] | None
    distillation: dict[str, Any] | None

    def inputs(self) -> InputOptions:
        """How texts become token ids."""
        return self._taken(InputOptions)

    def pooled(self) -> PoolingOptions:
        """How token states become one vector."""
        return PoolingOptions(name=self.pooling, dropout=self.dropout)

    def losses(self) -> LossOptions:
        """The loss."""
        return LossOptions(**self.loss)
