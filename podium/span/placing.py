"""Where an answer stands in its context: offsets verified, and repaired where the files are a little off.

What goes wrong in published files: offsets counted in UTF-16 units (one too many behind each rare character or emoji)
or before spaces were cleaned, answers retyped with other widths or spaces, offsets of -1, no offsets at all.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from podium.span.answers import Answer
from podium.unspaced import LETTERS

How = Literal["exact", "moved", "found", "ambiguous", "normalised", "lost"]

_JAMO = "\u1160-\u11ff\ud7b0-\ud7ff"  # vowels and finals of decomposed Hangul, which belong to what is before them
_ATTACHED = re.compile(f"[{_JAMO}]")
_APART = re.compile(f"[{LETTERS}\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
"""Letters that do not make one word with their neighbours: scripts without spaces, and Korean, whose particles do."""
_MARKS = 31
"""A letter and its marks at most, as in Unicode's stream-safe texts: more of them are sorted in quadratic time."""


@dataclass(slots=True)
class Context:
    """A context and what is worked out of it once for all of its questions."""

    text: str
    _squeezed: tuple[str, list[int], list[int]] | None = field(default=None, repr=False)

    @property
    def squeezed(self) -> tuple[str, list[int], list[int]]:
        """NFKD letters without white space, and for each the place in ``text`` where its character begins and ends.

        A character may come to several letters, as a half to three: all but the first have no beginning and all but
        the last no end (-1), since no answer begins or ends between them.
        """
        if self._squeezed is None:
            letters: list[str] = []
            first: list[int] = []
            behind: list[int] = []
            for low, high in _characters(self.text):
                plain = squeeze(self.text[low:high])
                letters.append(plain)
                if plain:
                    between = [-1] * (len(plain) - 1)
                    first += [low, *between]
                    behind += [*between, high]
            self._squeezed = "".join(letters), first, behind
        return self._squeezed

    def normalised(self, plain: str) -> list[tuple[int, int]]:
        """Return every span whose squeezed letters are ``plain``, and that ends inside no character and no word."""
        if not plain:
            return []
        letters, first, behind = self.squeezed
        spans = [(first[at], behind[at + len(plain) - 1]) for at in occurrences(letters, plain)]
        return [span for span in spans if min(span) >= 0 and not self.cuts(*span)]

    def cuts(self, low: int, high: int) -> bool:
        """Whether characters ``low`` to ``high`` (the first behind them) begin or end inside a word or number."""
        return _inside(self.text, low) or _inside(self.text, high)


def _characters(text: str) -> Iterator[tuple[int, int]]:
    """The place of each character together with the marks behind it, and the place behind them."""
    low = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or place - low == _MARKS or not _attached(text[place]):
            yield low, place
            low = place


def _attached(letter: str) -> bool:
    """Whether a letter belongs to the one before: a mark, or a vowel or final of decomposed Hangul."""
    return letter > "\u02ff" and (unicodedata.category(letter)[0] == "M" or bool(_ATTACHED.match(letter)))


def _inside(text: str, place: int) -> bool:
    """Whether ``place`` has letters or digits of one word, of one number, or a letter and its mark on both sides."""
    if not 0 < place < len(text):
        return False
    before, behind = text[place - 1], text[place]
    if _attached(behind) or (_of_word(before) and _of_word(behind)):
        return True
    if behind in ".," and before.isdigit():
        return text[place + 1 : place + 2].isdigit()
    return before in ".," and behind.isdigit() and text[max(0, place - 2) : place - 1].isdigit()


def _of_word(letter: str) -> bool:
    return (letter.isalnum() or unicodedata.category(letter)[0] == "M") and not _APART.match(letter)


def squeeze(text: str) -> str:
    """Return the NFKD form of each character with its marks, without white space."""
    plain = (unicodedata.normalize("NFKD", text[low:high]) for low, high in _characters(text))
    return "".join(plain).translate(_NO_SPACE)


_SPACES = (*range(9, 14), 28, 29, 30, 31, 32, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x200B, 0xFEFF)
_NO_SPACE = dict.fromkeys(_SPACES)  # NFKD makes plain spaces of the others


def place(context: Context, text: str, start: int | None) -> tuple[Answer, How]:
    """Return an answer with its place in ``context``, and how that was found.

    ``start`` is the published offset; None or a negative one says nothing. ``exact``: it is right (white space at the
    answer's ends apart, which no span has). ``moved``: the nearest place at which the answer stands. ``found``: the
    only one, without an offset; ``ambiguous``: the first of several. Places inside a longer word or number count where
    there are no others. ``normalised``: the same text but for white space and forms that NFKD takes for equal, of whole
    words and characters. ``lost``: nowhere; the answer has no place then.
    """
    wanted = text.strip()
    if start is not None and start >= 0:
        start += len(text) - len(text.lstrip())
    else:
        start = None
    if not wanted:
        return Answer(-1, -1, text), "lost"
    if start is not None and context.text.startswith(wanted, start):
        return Answer(start, start + len(wanted), text), "exact"
    found = occurrences(context.text, wanted)
    if found:
        found = [at for at in found if not context.cuts(at, at + len(wanted))] or found
        best = found[0] if start is None else min(found, key=lambda other: abs(other - start))
        how: How = "moved" if start is not None else "found" if len(found) == 1 else "ambiguous"
        return Answer(best, best + len(wanted), text), how
    spans = context.normalised(squeeze(wanted))
    if not spans:
        return Answer(-1, -1, text), "lost"
    low, high = spans[0] if start is None else min(spans, key=lambda span: abs(span[0] - start))
    return Answer(low, high, text), "normalised"


def occurrences(text: str, part: str) -> list[int]:
    """Return every place at which ``part`` stands in ``text``, also where they overlap."""
    found, at = [], text.find(part)
    while at >= 0:
        found.append(at)
        at = text.find(part, at + 1)
    return found
