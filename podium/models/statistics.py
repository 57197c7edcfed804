"""Plain figures of a text: its length, what it is made of, and how alike the two texts of a pair are."""

import re
import unicodedata
from functools import cache

import numpy as np
import pandas as pd

from podium.models.words import segments, tokenise

NAMES = (
    *("characters", "words", "word_length", "upper", "digits", "punctuation", "non_ascii", "emoji"),
    *("urls", "mentions", "hashtags", "questions", "exclamations", "unique_words"),
)
"""Figures of each text: counts, mean length, shares of the characters, counts, the share of words used once or more."""

PAIR_NAMES = ("jaccard", "length_ratio")
"""Figures of a pair: shared words among all of both texts, characters of the shorter over those of the longer."""

_EMOJI = re.compile(
    "[\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u25aa-\u27bf\u2b05-\u2b55\U0001f000-\U0001faff]"
)
_URL = re.compile(r"https?://|\bwww\.", re.IGNORECASE)
_MENTION = re.compile(r"(?<![\w.])@\w")
_HASHTAG = re.compile(r"(?<![\w&/#])#\w")


def text_statistics(rows: pd.DataFrame) -> np.ndarray:
    """Return ``NAMES`` of each text column of ``rows`` and ``PAIR_NAMES`` of two, (N, S) float32; nothing is fitted.

    The shares of an empty text are 0, and two empty texts are alike (1).
    """
    names = segments(rows)
    texts = [rows[name] for name in names]
    words = [tokenise(column, lowercase=True) for column in texts]
    found = np.zeros(
        (len(rows), len(names) * len(NAMES) + (len(names) - 1) * len(PAIR_NAMES)), dtype=np.float32
    )
    for row, (own, lists) in enumerate(zip(zip(*texts, strict=True), zip(*words, strict=True), strict=True)):
        figures = [
            figure for text, listed in zip(own, lists, strict=True) for figure in _figures(text, listed)
        ]
        found[row] = figures + (_alike(*own, *lists) if len(names) == 2 else [])
    return found


def _figures(text: str, words: list[str]) -> list[float]:
    size, kinds = max(1, len(text)), [_category(character) for character in text]
    spelled = [word for word in words if word[0].isalnum()]
    return [
        len(text),
        len(spelled),
        sum(map(len, spelled)) / max(1, len(spelled)),
        kinds.count("Lu") / size,
        kinds.count("Nd") / size,
        sum(kind[0] == "P" for kind in kinds) / size,
        sum(character > "\x7f" for character in text) / size,
        len(_EMOJI.findall(text)) / size,
        len(_URL.findall(text)),
        len(_MENTION.findall(text)),
        len(_HASHTAG.findall(text)),
        sum(map(text.count, "?\uff1f\xbf\u061f")),
        sum(map(text.count, "!\uff01\xa1")),
        len(set(spelled)) / max(1, len(spelled)),
    ]


_category = cache(unicodedata.category)


def _alike(first: str, second: str, first_words: list[str], second_words: list[str]) -> list[float]:
    one, other = set(first_words), set(second_words)
    shorter, longer = sorted((len(first), len(second)))
    return [len(one & other) / len(one | other) if one | other else 1.0, shorter / longer if longer else 1.0]
