"""Texts as words, and words as texts again; Chinese is cut by rjieba and joined without spaces.

A token is a part of a text between spaces, or, in Chinese, a word or a sign: a core from its first to its last letter
or digit, and what is around it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from podium.augment.negation import is_negation
from podium.unspaced import LETTERS, MARKS

_CORE = re.compile(rf"[^\W_](?:.*[^\W_])?[{MARKS}]*", re.DOTALL)
_SPACED = re.compile(rf"[^\W{LETTERS}]|[{MARKS}]")
_WORD = rf"[^\W{LETTERS}](?:[^\W{LETTERS}]|[{MARKS}])*"
#: What belongs to the sign before it: marks, variation selectors, a keycap, skin tones, the tags of a flag.
_HANGING = rf"[{MARKS}\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
_SIGN = rf"(?:[\U0001f1e6-\U0001f1ff]{{2}}|\S){_HANGING}(?:\u200d\S{_HANGING})*"
#: A run of letters without spaces, another word, or a sign; each with the spaces before it.
_PIECE = re.compile(rf"(\s*)(?:([{LETTERS}]+)|({_WORD}(?:[.'’-]{_WORD})*{_HANGING})|({_SIGN}))")
_PART = re.compile(rf"[^\W_](?:[^\W_]|[{MARKS}])*")
_MARK = re.compile(f"[{MARKS}]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word with what is around it; ``synonyms`` are those of the core, in its case."""

    before: str
    core: str
    after: str
    synonyms: tuple[str, ...] = ()
    fixed: bool = False

    @property
    def text(self) -> str:
        """The token as it stands in the text."""
        return self.before + self.core + self.after

    @property
    def movable(self) -> bool:
        """Whether it is a word, and not one of negation."""
        return self.core != "" and not self.fixed

    def with_core(self, core: str) -> "Token":
        """Return the token with another word in it."""
        return Token(self.before, core, self.after)


def tokens_of(text: str, synonyms: Callable[[str], list[str]], language: str) -> list[Token]:
    """Split a text into tokens and look up each word's synonyms.

    A capital stands for a name or an acronym, which has none, but at the start of the text it is no sign.
    """
    if language == "zh":
        return [_chinese(before, word, synonyms) for before, word in cut(text)]
    tokens = []
    for place, part in enumerate(text.split()):
        match = _CORE.search(part)
        if match is None:
            tokens.append(Token(part, "", ""))
            continue
        core = match[0]
        first = place == 0 and core[0].isupper() and core[1:].islower()
        found = synonyms(core.lower()) if first or core.islower() else []
        shown = tuple(word.capitalize() for word in found) if first else tuple(found)
        fixed = is_negation(core, language)
        tokens.append(Token(part[: match.start()], core, part[match.end() :], () if fixed else shown, fixed))
    return tokens


def _chinese(before: str, word: str, synonyms: Callable[[str], list[str]]) -> Token:
    if not any(char.isalnum() for char in word):
        return Token(before + word, "", "")
    fixed = is_negation(word, "zh")
    return Token(before, word, "", () if fixed else tuple(synonyms(word.lower())), fixed)


def cut(text: str) -> Iterator[tuple[str, str]]:
    """Yield (spaces before it, word or sign) for the words and signs of a Chinese text."""
    import rjieba

    for match in _PIECE.finditer(text.rstrip()):  # spaces with nothing behind them would be tried one by one
        spaces, run, word, sign = match.groups()
        if run is None:
            yield spaces, word or sign
            continue
        for place, piece in enumerate(rjieba.cut(run)):
            yield ("" if place else spaces), piece


def words_of(text: str, language: str) -> list[str]:
    """The words of a text in lower case, without punctuation."""
    parts = (word for _, word in cut(text)) if language == "zh" else _PART.findall(text)
    return [part.lower() for part in parts if any(char.isalnum() for char in part)]


def is_of_letters(word: str) -> bool:
    """Tell whether a word is of letters alone, and the marks on them."""
    return _MARK.sub("", word).isalpha()


def join(parts: Sequence[str], language: str) -> str:
    """Join parts of a text, with spaces, or in Chinese with one only where two foreign words would meet."""
    if language != "zh":
        return " ".join(parts)
    text = ""
    for part in parts:
        meet = text and part and _SPACED.match(text[-1]) and _SPACED.match(part[0])
        text += f" {part}" if meet else part
    return text


def size(text: str, *, unspaced: bool) -> int:
    """Length of a text in words, or in letters and signs where words have no spaces."""
    return sum(not char.isspace() for char in text) if unspaced else len(text.split())
