"""Translation of many texts by exchangeable engines.

An engine translates in one direction and is opened by its module: ``podium.translation.apertium`` (rules),
``podium.translation.marian`` (transformers), ``podium.translation.ct2`` (CTranslate2). Around every engine
``podium.translation.cache.translate`` keeps what was translated, and ``podium.translation.masks`` keeps addresses,
names and emoji out of it.

Nothing heavy is imported here.
"""

from collections.abc import Sequence
from typing import Protocol

#: Names of the engines, as the config knows them.
ENGINES = ("apertium", "ctranslate2", "marian")


class Engine(Protocol):
    """One direction of translation. What comes of a text depends on it, the variant and ``identity`` alone.

    Attributes
    ----------
    identity
        Everything else that decides the result: engine, model, direction, options, as one text.
    variants
        How many different translations of a text there are: ``variant`` in 0 to ``variants`` - 1. None: as many as
        wanted, ``variant`` is the seed of one.
    """

    identity: str
    variants: int | None

    def pieces(self, text: str) -> list[str]:
        """Cut a text into parts that the engine can read; what is made of them is joined by spaces."""

    def batches(self, pieces: Sequence[str]) -> list[list[int]]:
        """Deal the places of ``pieces`` to batches; each is a unit of loss when the job is killed."""

    def translate(self, pieces: Sequence[str], variant: int) -> list[str]:
        """Translate one batch: as many texts in the same order, an empty one where it could not be done."""
