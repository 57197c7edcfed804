"""The keys of a ``reader`` model's config block."""

import dataclasses

from podium.models.transformer_options import Finetuned
from podium.span.windows import WindowOptions


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options(Finetuned):
    """See ``podium.config.span.Reader``."""

    max_length: int
    max_question: int
    overlap: int
    negatives: float
    smoothing: float

    def windows(self) -> WindowOptions:
        """How contexts are cut into windows."""
        return self._taken(WindowOptions)
