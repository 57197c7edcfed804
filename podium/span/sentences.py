"""Contexts cut into sentences and words, with their characters."""

import itertools
import re
from dataclasses import dataclass

import numpy as np

from podium.unspaced import LETTERS

_WORD = re.compile(rf"[{LETTERS}]|\d+(?:[.,]\d+)*|[^\W\d_{LETTERS}]+|[^\w\s]|_")
_END = re.compile(r"[。！？；…]+[”’」』）]*|[.!?]+[\"'”’)\]]*(?=\s)|\n+")


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Words of a text: ``start`` and ``end`` (W,) characters, ``text`` (W) in lower case, ``raw`` (W) as they stand.

    A word is a run of letters or a number; a letter alone in scripts without spaces; any other character but spaces.
    """

    start: np.ndarray
    end: np.ndarray
    text: list[str]
    raw: list[str]

    @classmethod
    def of(cls, text: str) -> "Words":
        """Find the words of a text."""
        found = [(match.start(), match.end(), match.group()) for match in _WORD.finditer(text)]
        return cls(
            np.array([start for start, _, _ in found], dtype=np.int64),
            np.array([end for _, end, _ in found], dtype=np.int64),
            [word.lower() for _, _, word in found],
            [word for _, _, word in found],
        )

    def __len__(self) -> int:
        return len(self.text)


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the characters, from and up to, of each sentence; together they are the whole text."""
    ends = [match.end() for match in _END.finditer(text)]
    bounds = sorted({0, *ends, len(text)})
    return [(low, high) for low, high in itertools.pairwise(bounds) if low < high]


def sentence_of(bounds: list[tuple[int, int]], places: np.ndarray) -> np.ndarray:
    """Return the number of the sentence that each character (W,) stands in."""
    starts = np.array([low for low, _ in bounds], dtype=np.int64)
    return np.searchsorted(starts, places, side="right") - 1
