"""Which word each token is a part of.

A word is what the tokenizer itself splits texts into before it looks at its vocabulary: in a WordPiece vocabulary a
piece with the ``##`` pieces after it, in a byte-level one a piece with ``Ġ`` and those after it. In Chinese, where each
letter stands alone there, it is what rjieba cuts (whole word masking of Cui et al. 2019, arXiv 1906.08101, section 2).
"""

from itertools import accumulate
from typing import Any

import numpy as np

from podium.augment.words import cut


def word_numbers(encoding: Any, text: str, *, chinese: bool) -> list[int]:
    """Return for each token of an ``encoding`` (of ``tokenizers``) the number of its word, ascending.

    Numbers of one text may leave gaps. A token that belongs to no word stands alone.
    """
    own = [-1 if number is None else number for number in encoding.word_ids]
    if not chinese or text.isascii():
        return _separate(own)
    ends = list(accumulate(len(before) + len(word) for before, word in cut(text)))
    starts = [start for start, end in encoding.offsets]
    return np.searchsorted(ends, starts, side="right").tolist()


def _separate(numbers: list[int]) -> list[int]:
    """Number again, so that tokens without a word (-1) are words of their own."""
    found: list[int] = []
    last, number = -1, -1
    for own in numbers:
        if own < 0 or own != last:
            number += 1
        last = own
        found.append(number)
    return found
