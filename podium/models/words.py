"""Words of texts and the vocabularies of models that learn a vector for each word."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Set

import pandas as pd

from podium.unspaced import LETTERS

# A letter of a script without spaces, a word, or a single sign: "!" and "?" carry meaning where no idf weighs words
TOKEN = re.compile(rf"[{LETTERS}]|[^\W{LETTERS}]+|[^\w\s]")


def segments(rows: pd.DataFrame) -> list[str]:
    """Text columns of ``rows``: ``text_a`` and perhaps ``text_b``."""
    return [column for column in ("text_a", "text_b") if column in rows.columns]


def tokenise(texts: Iterable[str], *, lowercase: bool) -> Iterator[list[str]]:
    """Yield the words of each text, one list at a time: those of a million texts would fill the memory.

    Letters of scripts without spaces and punctuation stand alone.
    """
    for text in texts:
        yield TOKEN.findall(text.lower() if lowercase else text)


def count(lists: Iterable[list[str]]) -> Counter[str]:
    """Return how often each word occurs."""
    counts: Counter[str] = Counter()
    for words in lists:
        counts.update(words)
    return counts


def vocabulary(
    counts: Counter[str], *, min_count: int, max_words: int, known: Set[str] = frozenset()
) -> list[str]:
    """Return at most ``max_words`` words, the frequent first, ties in the order of the letters.

    A word stays when it occurs ``min_count`` times, or once when it is ``known`` (has a pretrained vector).
    """
    kept = [word for word, number in counts.items() if number >= min_count or word in known]
    return sorted(kept, key=lambda word: (-counts[word], word))[:max_words]
