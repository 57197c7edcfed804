"""Keep what must not be translated: it leaves as a number, and comes back when the number does.

Numbers of seven digits went through all directions of Apertium unharmed, in every text that was tried, and are short in
the vocabularies of neural models; made-up words are inflected or change case. Ordinary numbers of a text stay in it:
they come back as they were, and words agree with them.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from podium.text.emojis import places as emoji_places

_FIRST = 9_000_001
_DIGITS = 7  # of a number

_PATTERNS = (
    r"</?[A-Za-z][^<>]*>",  # tags
    r"&(?:[A-Za-z]{2,8}|#\d{1,6});",  # entities
    r"(?:https?://|ftp://|www\.)[^\s<>]*[\w/]",
    r"(?<!\w)@\w[\w-]*",
    r"(?<![\w&])#\w+#?",
)
_MASKED = re.compile("|".join(_PATTERNS), re.IGNORECASE)
# By itself, from the first letter of a run on: a search from every letter would be quadratic
_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])(?:[A-Za-z0-9._%+-]++@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]+)+)+")
_BLANKS = re.compile(r"\s*")


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
    """Put a number for each tag, comment, entity, web or e-mail address, mention, hashtag and emoji.

    Neighbours with at most blanks between them share a number. Numbers that the text has are not used. The time is
    linear in the text's length.
    """
    spans = _joined(text, sorted([*_found(text), *((start, end) for start, end, _ in emoji_places(text))]))
    numbers = _numbers(text, len(spans))
    parts: list[str] = []
    kept: list[Kept] = []
    ends, starts = [0, *(stop for _, stop in spans)], [*(start for start, _ in spans), len(text)]
    for k, (number, (start, stop)) in enumerate(zip(numbers, spans, strict=True)):
        # Between two spans there are more than blanks
        near, behind = text[ends[k] : start], text[stop : starts[k + 1]]
        before, after = near.rstrip(), behind.lstrip()
        left, right = near[len(before) :], behind[: len(behind) - len(after)]
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
        parts += [near, "" if left else " ", number, "" if right else " "]
    return Masked("".join([*parts, text[ends[-1] :]]).strip(), tuple(kept))


def unmask(masked: Masked, text: str) -> str | None:
    """Put back what was taken out, in a translation of the masked text; None unless each number is there once."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for match in re.finditer(r"\d+", text):
        found[match[0]].append(match.span())
    places: list[tuple[int, int, Kept]] = []
    for kept in masked.kept:
        if len(found[kept.number]) != 1:
            return None
        places.append((*found[kept.number][0], kept))
    parts: list[str] = []
    end = 0
    for start, stop, kept in sorted(places, key=lambda place: place[0]):
        before, follows = text[end:start], _end_of_blanks(text, stop)
        plain = before.rstrip()
        left = _blank(plain[-1:], before != plain, kept.left, kept.left_of_word)
        right = _blank(text[follows : follows + 1], follows > stop, kept.right, kept.right_of_word)
        parts += [plain, left, kept.what, right]
        end = follows
    return "".join([*parts, text[end:]]).strip()


def _end_of_blanks(text: str, start: int) -> int:
    match = _BLANKS.match(text, start)
    return match.end() if match else start


def _blank(neighbour: str, apart: bool, own: str, of_word: str) -> str:
    """The blank towards a neighbour in the translation, which is or is not ``apart`` from it."""
    return of_word if neighbour.isalnum() else own if apart else ""


def _found(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_MASKED, _EMAIL):
        yield from (match.span() for match in pattern.finditer(text))
    end = 0
    while (start := text.find("<!--", end)) >= 0 and (close := text.find("-->", start + 4)) >= 0:
        end = close + 3
        yield start, end


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
    runs = re.findall(rf"[0-9]{{{_DIGITS},}}", text) if wanted else []
    taken = {run[k : k + _DIGITS] for run in runs for k in range(len(run) - _DIGITS + 1)}
    numbers: list[str] = []
    candidate = _FIRST
    while len(numbers) < wanted:
        if str(candidate)[:_DIGITS] not in taken:
            numbers.append(str(candidate))
        candidate += 1
    return numbers
