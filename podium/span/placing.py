"""Where an answer stands in its context: offsets verified, and repaired where the files are a little off.

What goes wrong in published files: offsets counted in UTF-16 units (one too many behind each rare character or emoji)
or before spaces were cleaned, answers retyped with other widths or spaces, offsets of -1, no offsets at all.
"""

import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from podium.span.answers import Answer

How = Literal["exact", "moved", "found", "ambiguous", "normalised", "lost"]


@dataclass(slots=True)
class Context:
    """A context and what is worked out of it once for all of its questions."""

    text: str
    _squeezed: tuple[str, list[int]] | None = field(default=None, repr=False)

    @property
    def squeezed(self) -> tuple[str, list[int]]:
        """NFKC letters without white space, and the place in ``text`` that each comes from."""
        if self._squeezed is None:
            letters, places = [], []
            for place, letter in enumerate(self.text):
                for plain in squeeze(letter):
                    letters.append(plain)
                    places.append(place)
            self._squeezed = "".join(letters), places
        return self._squeezed


def squeeze(text: str) -> str:
    """Return the NFKC form of each letter, without white space."""
    # Letter by letter, as in a context: marks that NFKC would join with their letter stay apart in both
    return "".join(plain for letter in text for plain in unicodedata.normalize("NFKC", letter)).translate(
        _NO_SPACE
    )


_SPACES = (*range(9, 14), 28, 29, 30, 31, 32, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x200B, 0xFEFF)
_NO_SPACE = dict.fromkeys(_SPACES)  # NFKC makes plain spaces of the others


def place(context: Context, text: str, start: int | None) -> tuple[Answer, How]:
    """Return an answer with its place in ``context``, and how that was found.

    ``start`` is the published offset; None or a negative one says nothing. ``exact``: it is right (white space at the
    answer's ends apart, which no span has). ``moved``: the nearest place at which the answer stands. ``found``: the
    only one, without an offset; ``ambiguous``: the first of several. ``normalised``: the same text but for white space
    and forms that NFKC takes for equal. ``lost``: nowhere; the answer has no place then.
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
        best = found[0] if start is None else min(found, key=lambda other: abs(other - start))
        how: How = "moved" if start is not None else "found" if len(found) == 1 else "ambiguous"
        return Answer(best, best + len(wanted), text), how
    letters, places = context.squeezed
    plain = squeeze(wanted)
    spans = (
        [(places[at], places[at + len(plain) - 1] + 1) for at in occurrences(letters, plain)] if plain else []
    )
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
