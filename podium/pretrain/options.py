"""How a pretraining runs."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See ``podium.config.pretrain.Pretraining``; ``ngrams``, ``generator`` and ``detection_weight`` may be None."""

    objective: str
    masking: str
    rate: float
    ngrams: Sequence[float] | None
    generator: float | None
    detection_weight: float | None
    pack: bool
    max_length: int
    epochs: float
    steps: int | None
    batch_tokens: int
    accumulate: int
    schedule: str
    warmup: float
    learning_rate: float
    weight_decay: float
    max_grad_norm: float
    dropout: float
    attention_dropout: float
    held_out: float
    evaluations: int
    precision: str
