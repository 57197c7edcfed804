"""The sequences that a network is pretrained on: many texts packed into each, or a row of the task each.

No token of a text is lost either way. Shapes: N texts, S sequences, T tokens of all sequences; in a batch B sequences,
L tokens.
"""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from podium.engine.inputs import InputOptions, compose
from podium.engine.ragged import Ragged, joined
from podium.engine.template import FIRST, Template
from podium.errors import UserError
from podium.pretrain.corpus import Corpus
from podium.tokens import IDS, SEGMENTS

_BASE = 1 << 20  # ids of special tokens are below it, places in a corpus are told by adding it
_LONGEST = 2**31 - 1 - _BASE


@dataclasses.dataclass(frozen=True, slots=True)
class Blocks:
    """S sequences: sequence s is ``tokens[offsets[s] : offsets[s + 1]]``.

    ``words`` (T,) is the number of each token's word, -1 for special tokens; ``types`` (T,) are token types, None where
    the network reads none, or all are 0.
    """

    tokens: np.ndarray
    words: np.ndarray
    types: np.ndarray | None
    offsets: np.ndarray
    pad: int

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each sequence (S,)."""
        return np.diff(self.offsets)

    def batch(self, sequences: np.ndarray) -> "Padded":
        """Return ``sequences`` (B,) side by side, padded to the longest."""
        starts = self.offsets[sequences]
        lengths = self.offsets[sequences + 1] - starts
        real = np.arange(int(lengths.max())) < lengths[:, None]
        places = starts[:, None] + np.arange(real.shape[1])
        ids = np.where(real, self.tokens.take(places, mode="clip"), self.pad)
        words = np.where(real, self.words.take(places, mode="clip"), -1)
        types = None if self.types is None else np.where(real, self.types.take(places, mode="clip"), 0)
        return Padded(ids, words, types, real)


@dataclasses.dataclass(frozen=True, slots=True)
class Padded:
    """A batch: token ids, word numbers (-1: special or padding), token types or None, what is real; each (B, L)."""

    ids: np.ndarray
    words: np.ndarray
    types: np.ndarray | None
    real: np.ndarray

    @property
    def tokens(self) -> int:
        """Tokens that are no padding."""
        return int(self.real.sum())


def pack(corpus: Corpus, template: Template, *, max_length: int, seed: list[int]) -> Blocks:
    """Join the texts in an order drawn from ``seed``, a separator after each, and cut the stream into sequences.

    Every sequence but the last has ``max_length`` tokens, the special ones counted; a text may go on in the next
    sequence. So RoBERTa's FULL-SENTENCES (Liu et al. 2019, arXiv 1907.11692, section 4.2), with texts for documents.
    """
    before, after = _around(template)
    room = max_length - len(before) - len(after)
    if room < 1:
        raise UserError(
            f"pretrain: max_length {max_length} leaves no room beside the special tokens; set more"
        )
    order = np.random.default_rng(seed).permutation(len(corpus.offsets) - 1)
    stream = _stream(corpus, order, after)
    count = -(-len(stream) // room)
    cuts = np.minimum(np.arange(count + 1) * room, len(stream))
    # a sequence ends with a separator of its own, whether or not a text ends there
    parts: list[Ragged | int] = [*before, Ragged(stream, cuts[:-1], np.diff(cuts)), *after]
    flat, offsets = joined(parts, count)
    return _blocks(corpus, flat, offsets, None, template.pad)


def separate(corpus: Corpus, template: Template, *, max_length: int) -> Blocks:
    """Each row of the task as a sequence, in the form that a model is fine-tuned on; long ones as several."""
    places = np.arange(len(corpus.ids), dtype=np.int64) + _BASE
    pieces = Ragged(places.astype(np.int32), corpus.offsets[:-1], corpus.lengths)
    order, first, counts = np.unique(corpus.rows, return_index=True, return_counts=True)
    del order
    found = []
    for size in (1, 2):
        chosen = first[counts == size]
        if len(chosen):
            found.append(
                _composed([pieces.take(chosen + part) for part in range(size)], template, max_length)
            )
    flat = np.concatenate([tokens for tokens, _, _ in found])
    lengths = np.concatenate([np.diff(offsets) for _, offsets, _ in found])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    types = None
    if any(kinds is not None for _, _, kinds in found):
        types = np.concatenate(
            [np.zeros(len(tokens), dtype=np.int8) if kinds is None else kinds for tokens, _, kinds in found]
        )
    return _blocks(corpus, flat, offsets, types, template.pad)


def _composed(
    segments: list[Ragged], template: Template, max_length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Tokens, offsets and types of rows of one or two segments; a pair that is too long becomes two single texts."""
    form = template.pair if len(segments) == 2 else template.single
    total = np.sum([segment.lengths for segment in segments], axis=0) + form.specials
    if len(segments) == 2 and (total > max_length).any():
        short, long = np.flatnonzero(total <= max_length), np.flatnonzero(total > max_length)
        parts = [_composed([segment.take(long)], template, max_length) for segment in segments]
        if len(short):
            parts.append(_composed([segment.take(short) for segment in segments], template, max_length))
        flat = np.concatenate([tokens for tokens, _, _ in parts])
        lengths = np.concatenate([np.diff(offsets) for _, offsets, _ in parts])
        kinds = [np.zeros(len(tokens), dtype=np.int8) if some is None else some for tokens, _, some in parts]
        return flat, np.concatenate([[0], np.cumsum(lengths)]), np.concatenate(kinds)
    columns = {name: _lists(segment) for name, segment in zip(SEGMENTS.values(), segments, strict=False)}
    encoded = compose(pd.DataFrame(columns), template, _WHOLE, max_length=max_length)
    return encoded.tokens, encoded.offsets, encoded.types


def _lists(segment: Ragged) -> "pd.Series[Any]":
    flat, offsets = joined([segment], len(segment.lengths))
    lists = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(flat), type=IDS)
    return pd.Series(lists, dtype=pd.ArrowDtype(IDS))


_WHOLE = InputOptions(
    max_length="auto",  # not read
    max_cut=0.0,
    truncation="head",
    head_share=1.0,
    long_texts="chunks",
    max_chunks=1_000_000,
    chunk_overlap=0,
)


def _around(template: Template) -> tuple[list[int], list[int]]:
    """Special tokens before and after a single text."""
    ids = list(template.single.ids)
    place = ids.index(FIRST)
    return ids[:place], ids[place + 1 :]


def _stream(corpus: Corpus, order: np.ndarray, after: list[int]) -> np.ndarray:
    """Places of the tokens of all texts in ``order``, with what stands ``after`` a text between them."""
    if len(corpus.ids) > _LONGEST:
        raise UserError(
            f"pretrain: {len(corpus.ids)} tokens are more than one pretraining reads; name fewer texts"
        )
    places = (np.arange(len(corpus.ids), dtype=np.int64) + _BASE).astype(np.int32)
    texts = Ragged(places, corpus.offsets[:-1], corpus.lengths).take(order)
    flat, _ = joined([texts, *after], len(order))
    return flat[: len(flat) - len(after)]


def _blocks(
    corpus: Corpus, flat: np.ndarray, offsets: np.ndarray, types: np.ndarray | None, pad: int
) -> Blocks:
    """Put token ids and word numbers for the places in ``flat``."""
    special = flat < _BASE
    places = np.where(special, 0, flat - _BASE)
    tokens = np.where(special, flat, corpus.ids[places]).astype(np.int32)
    words = np.where(special, -1, corpus.words[places])
    return Blocks(tokens, words, types, offsets, pad)
