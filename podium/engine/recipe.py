"""How a run trains: steps, batches, and the tricks that are on."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from podium.engine.adversarial import AdversarialOptions
from podium.engine.averaging import AverageOptions
from podium.engine.mixing import MixupOptions, WordDropoutOptions
from podium.engine.optimization import OptimizationOptions
from podium.engine.stopping import StoppingOptions


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Distillation:
    """``weight`` of the teacher's term beside the loss of the labels (its share is 1 - weight); ``temperature``."""

    weight: float
    temperature: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Settings of one run; None turns a trick off.

    ``steps`` overrules ``epochs``, ``batch_tokens`` overrules ``batch_size``; ``accumulate`` is the number of parts
    that a batch is computed in. ``since`` names the first epoch (1, 2, ...) of a trick by its field; the others work
    from the first one on.
    """

    epochs: float
    steps: int | None
    batch_size: int
    batch_tokens: int | None
    accumulate: int
    max_grad_norm: float
    optimization: OptimizationOptions
    adversarial: AdversarialOptions | None
    average: AverageOptions | None
    mixup: MixupOptions | None
    word_dropout: WordDropoutOptions | None
    r_drop: float | None
    distillation: Distillation | None
    stopping: StoppingOptions | None
    since: dict[str, int]

    def active(self, trick: str, epoch: int) -> bool:
        """Whether a trick is on in ``epoch`` (0 is the first)."""
        return getattr(self, trick) is not None and epoch + 1 >= self.since.get(trick, 1)


_PARTS: dict[str, Any] = {
    "adversarial": AdversarialOptions,
    "average": AverageOptions,
    "mixup": MixupOptions,
    "word_dropout": WordDropoutOptions,
    "r_drop": lambda alpha: alpha,
    "distillation": Distillation,
    "stopping": StoppingOptions,
}


def tricks(blocks: Mapping[str, dict[str, Any] | None]) -> dict[str, Any]:
    """Return the fields of ``Recipe`` that the config's ``blocks`` of tricks make, ``since`` among them.

    A block is off where it is None or missing; its ``from_epoch`` goes to ``since``.
    """
    on = {name: dict(block) for name, block in blocks.items() if block is not None}
    since = {name: block.pop("from_epoch") for name, block in on.items() if "from_epoch" in block}
    made = {name: part(**on[name]) if name in on else None for name, part in _PARTS.items()}
    return {**made, "since": since}
