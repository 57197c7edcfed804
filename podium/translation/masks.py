"""Keep what must not be translated: it leaves as a number, and comes back when the number does.

Numbers of seven digits went through all directions of Apertium unharmed, in every text that was tried, and are short in
the vocabularies of neural models; made-up words are inflected or change case. Ordinary numbers of a text stay in it:
they come back as they were, and words agree with them.
"""

import re
from dataclasses import dataclass

import emoji

_FIRST = 9_000_001

_PATTERNS = (
    r"</?[A-Za-z][^<>]*>|<!--.*?-->",  # tags
    r"&(?:[A-Za-z]{2,8}|#\d{1,6});",  # entities
    r"(?:https?://|ftp://|www\.)[^\s<>]*[\w/]",
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
    r"(?<!\w)@\w[\w-]*",
    r"(?<![\w&])#\w+#?",
)
_MASKED = re.compile("|".join(_PATTERNS), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was taken out, the number that stands for it, and the blanks around it.

    ``left`` and ``right`` are the blanks that it has in the text, and ``left_of_word`` and ``right_of_word`` those that
    it needs beside a word: without blanks it may have stood beside a bracket, and come back beside a word.
    """

    number: str
    what: str
    left: str
    right: str
    left_of_word: str
    right_of_word: str


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with numbers for what was taken out."""

    text: str
    kept: tuple[Kept, ...]


def mask(text: str) -> Masked:
    """Put a number for each tag, entity, web or e-mail address, mention, hashtag and emoji.

    Neighbours with at most blanks between them share a number. Numbers that the text has are not used.
    """
    spans = _joined(text, sorted([*_found(text), *_emoji(text)]))
    numbers = _numbers(text, len(spans))
    parts: list[str] = []
    kept: list[Kept] = []
    end = 0
    for number, (start, stop) in zip(numbers, spans, strict=True):
        before, after = text[:start].rstrip(), text[stop:].lstrip()
        left, right = text[len(before) : start], text[stop : len(text) - len(after)]
        glued_left = before[-1:].isalnum() and not left
        glued_right = after[:1].isalnum() and not right
        kept.append(
            Kept(
                number,
                text[start:stop],
                left,
                right,
                left or ("" if glued_left else " "),
                right or ("" if glued_right else " "),
            )
        )
        parts += [text[end:start], "" if left else " ", number, "" if right else " "]
        end = stop
    return Masked("".join([*parts, text[end:]]).strip(), tuple(kept))


def unmask(masked: Masked, text: str) -> str | None:
    """Put back what was taken out, in a translation of the masked text; None unless each number is there once."""
    places: list[tuple[int, int, Kept]] = []
    for kept in masked.kept:
        found = [match.span() for match in re.finditer(rf"(?<!\d){kept.number}(?!\d)", text)]
        if len(found) != 1:
            return None
        places.append((*found[0], kept))
    parts: list[str] = []
    end = 0
    for start, stop, kept in sorted(places, key=lambda place: place[0]):
        before, after = text[end:start], text[stop:]
        plain = before.rstrip()
        left = _blank(plain[-1:], before != plain, kept.left, kept.left_of_word)
        right = _blank(after.lstrip()[:1], after != after.lstrip(), kept.right, kept.right_of_word)
        parts += [plain, left, kept.what, right]
        end = len(text) - len(after.lstrip())
    return "".join([*parts, text[end:]]).strip()


def _blank(neighbour: str, apart: bool, own: str, of_word: str) -> str:
    """The blank towards a neighbour in the translation, which is or is not ``apart`` from it."""
    return of_word if neighbour.isalnum() else own if apart else ""


def _found(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _MASKED.finditer(text)]


def _emoji(text: str) -> list[tuple[int, int]]:
    if text.isascii():
        return []
    return [(found["match_start"], found["match_end"]) for found in emoji.emoji_list(text)]


def _joined(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans that touch, overlap or have only blanks between them."""
    joined: list[tuple[int, int]] = []
    for start, stop in spans:
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return joined


def _numbers(text: str, wanted: int) -> list[str]:
    """Numbers that occur nowhere in the text."""
    numbers: list[str] = []
    candidate = _FIRST
    while len(numbers) < wanted:
        if str(candidate) not in text:
            numbers.append(str(candidate))
        candidate += 1
    return numbers
