"""Which tokens of a batch are hidden, and what stands in their place.

Shapes: B sequences, L tokens, M masked tokens, U units (tokens, words, or runs of words) of all sequences.
"""

import dataclasses

import numpy as np

from podium.pretrain.blocks import Padded

HIDDEN, RANDOM = 0.8, 0.1  # shares of the mask token and of a random one; the rest stays as it is


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MaskOptions:
    """``unit``: token, whole_word or ngram; ``rate``: expected share of tokens; ``ngrams``: weights of 1, 2.. words."""

    unit: str
    rate: float
    ngrams: tuple[float, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Masked:
    """A batch with tokens hidden.

    ``ids`` (B, L) is what the network sees; ``places`` (M,) are the hidden tokens, ascending, counted over the
    flattened batch, and ``labels`` (M,) their ids.
    """

    ids: np.ndarray
    places: np.ndarray
    labels: np.ndarray


def draw(
    batch: Padded,
    options: MaskOptions,
    random: np.random.Generator,
    *,
    mask: int,
    ordinary: np.ndarray,
    keep: bool = True,
) -> Masked:
    """Hide tokens of a batch, special ones never.

    The units of a sequence are taken in random order as long as their tokens fit in its share, ``rate`` times its
    tokens; the one that would go beyond is taken with the probability that makes the expected number exact, whatever
    the lengths (BERT's own program rounds the share, and leaves out what goes beyond).

    Of the tokens 80% become the ``mask`` token, 10% one of ``ordinary`` (V,), the ids that are not special, and 10%
    stay (Devlin et al. 2019, arXiv 1810.04805, section 3.1), each token for itself, as in the authors' program; with
    ``keep`` false all become the mask token (Clark et al. 2020, arXiv 2003.10555, section 2).
    """
    hidden = choose(batch.words, options, random)
    places = np.flatnonzero(hidden)
    labels = batch.ids.ravel()[places].astype(np.int64)
    ids = batch.ids.astype(np.int64).ravel()
    drawn = random.random(len(places))
    others = ordinary[random.integers(0, len(ordinary), len(places))]
    shown = np.full(len(places), mask, dtype=np.int64)
    if keep:
        shown = np.where(drawn < HIDDEN, mask, np.where(drawn < HIDDEN + RANDOM, others, labels))
    ids[places] = shown
    return Masked(ids.reshape(batch.ids.shape), places, labels)


def choose(words: np.ndarray, options: MaskOptions, random: np.random.Generator) -> np.ndarray:
    """Return which tokens of ``words`` (B, L) are hidden, bool; -1 there are special tokens and padding."""
    able = words >= 0
    place = np.flatnonzero(able)
    if not len(place):
        return np.zeros_like(able)
    row = place // words.shape[1]
    unit = _units(words.ravel()[place], place, row, options, random)
    sizes = np.bincount(unit)
    owner = row[np.concatenate([[0], np.flatnonzero(np.diff(unit)) + 1])]
    order = np.lexsort([random.random(len(sizes)), owner])
    total = np.cumsum(sizes[order])
    begins = np.concatenate([[0], np.flatnonzero(np.diff(owner[order])) + 1])
    first = np.repeat(total[begins] - sizes[order][begins], np.diff([*begins, len(order)]))
    before = total - sizes[order] - first  # tokens of the units of the row that are taken earlier
    share = options.rate * np.bincount(row, minlength=len(words))
    luck = random.random(len(words))
    taken = np.zeros(len(sizes), dtype=bool)
    taken[order] = before + luck[owner[order]] * sizes[order] < share[owner[order]]
    hidden = np.zeros(words.size, dtype=bool)
    hidden[place] = taken[unit]
    return hidden.reshape(words.shape)


def _units(
    word: np.ndarray, place: np.ndarray, row: np.ndarray, options: MaskOptions, random: np.random.Generator
) -> np.ndarray:
    """Number the unit of each token (A,), ascending from 0: tokens, words, or runs of words.

    Runs have lengths drawn with the weights of ``ngrams``, anew each time; a run ends where the text does. So MacBERT
    masks (Cui et al. 2020, arXiv 2004.13922, section 3.2: 40%, 30%, 20%, 10% for one to four words).
    """
    if options.unit == "token":
        return np.arange(len(word))
    # A special token stands between two texts, and the same word may go on in the next sequence
    apart = (np.diff(place) > 1) | (np.diff(row) > 0)
    words = np.concatenate([[0], np.cumsum((np.diff(word) != 0) | apart)])
    if options.unit == "whole_word":
        return words
    weights = np.array(options.ngrams) / np.sum(options.ngrams)
    count = int(words[-1]) + 1
    lengths = 1 + random.choice(len(weights), count, p=weights)
    run = np.repeat(np.arange(count), lengths)[:count][words]
    return np.concatenate([[0], np.cumsum((np.diff(run) != 0) | apart)])
