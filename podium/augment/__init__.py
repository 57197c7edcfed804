"""Augmentation: new training rows made from old ones, each with the id of its source.

A kind is a module with one function::

    run(table, *, method, seed, copies, draws, segments, resources, <the kind's own keys>) -> DataFrame

that makes ``copies`` rows of each row of ``table`` for each of ``draws`` draws, and returns them as
``podium.augment.frame.assemble`` does (a kind may leave out a row that it cannot make). ``method`` is the
augmentation's name in the config, ``segments`` says which text of a pair to change (``podium.augment.frame.jobs``),
``resources`` holds what the job has got. The kind's own keys are those of its class in ``podium.config.augment``
that no other kind has, with local folders in place of names on the Hub. What is made of a row depends on its texts
and the seed alone, never on the other rows. The filters (``podium.augment.filters``) follow for every kind.

Nothing heavy is imported here: the training rules use ``podium.augment.selection``.
"""

from dataclasses import dataclass
from pathlib import Path

KEPT = "kept"
"""Verdict of a made row that may be trained on."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Where a kind of augmentation is, whether it can use a GPU, and what it needs of the texts.

    ``apart``: whether several processes may make parts of the rows. Where no text at all is made of any row, and
    ``needs`` is given, this is an error that tells it.
    """

    module: str
    gpu: bool = False
    apart: bool = False
    needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a job hands to a kind.

    ``language`` of the texts; ``wordnet``: the folder of WordNet where the kind asked for it; ``device``: ``cpu`` or
    ``cuda:<i>``; ``cache``: a folder of the kind's own that outlives the job (it may not be there yet).
    """

    language: str
    wordnet: Path | None
    device: str
    cache: Path


#: The kinds by the names that the config knows them by.
KINDS = {
    "eda": Kind(
        "podium.augment.eda", apart=True, needs="EDA needs words that are of the language '{language}'"
    ),
    "mlm": Kind("podium.augment.mlm", gpu=True),
    "back_translation": Kind("podium.augment.back_translation", gpu=True),
    "shuffle": Kind("podium.span.augment"),
}
