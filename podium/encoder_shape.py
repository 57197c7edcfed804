"""What an encoder's form says of its work: weights, and operations of the matrix products of a token.

Two operations for each weight and token forwards, three times that in training (arXiv 2001.08361, section 2.1), and
those of attention: 2 L D for the scores and as many for the values, among L tokens in D dimensions.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TRAIN = 3.0
"""Work forwards and backwards, by that forwards."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An encoder's form: ``known`` is False where its config.json is not there yet and that of BERT base stands in."""

    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    known: bool = True

    @property
    def weights(self) -> int:
        """Weights of all layers, without the word embeddings."""
        return self.layers * (4 * self.hidden**2 + 2 * self.hidden * self.intermediate)

    @property
    def parameters(self) -> int:
        """All weights."""
        return self.weights + self.vocabulary * self.hidden

    def gflop(self, tokens: float, length: float) -> float:
        """Matrix products of ``tokens`` forwards, in sequences of ``length``."""
        return tokens * (2 * self.weights + 4 * self.layers * self.hidden * length) / 1e9


BASE = Shape(layers=12, hidden=768, intermediate=3072, vocabulary=30522, known=False)
FETCHED = Shape(layers=6, hidden=384, intermediate=1536, vocabulary=30522)
"""Of all-MiniLM-L6-v2, which a rule fetches."""
_LAYERS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers")
_HIDDEN = ("hidden_size", "dim", "d_model", "n_embd")
_INTERMEDIATE = ("intermediate_size", "hidden_dim", "d_ff", "n_inner")


def shape_of(folder: str | None) -> Shape:
    """The form of the encoder in ``folder``, by its config.json; of MiniLM also before it is fetched."""
    try:
        told = json.loads(Path(folder or "", "config.json").read_text(encoding="utf-8"))
        hidden = _first(told, _HIDDEN)
        return Shape(
            layers=_first(told, _LAYERS),
            hidden=hidden,
            intermediate=_first(told, _INTERMEDIATE, 4 * hidden),
            vocabulary=int(told.get("vocab_size", BASE.vocabulary)),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return FETCHED if folder and folder.endswith("all-MiniLM-L6-v2") else BASE


def _first(told: Mapping[str, Any], names: tuple[str, ...], default: int | None = None) -> int:
    for name in names:
        if isinstance(told.get(name), int):
            return int(told[name])
    if default is None:
        raise KeyError(names[0])
    return default
