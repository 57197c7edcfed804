"""Emoji in words, in the languages that the ``emoji`` library has names for."""

import re
from collections.abc import Callable, Iterator
from functools import cache

import emoji

from podium.errors import UserError, hint

#: Where an emoji may begin, in few ranges: a class of all its first characters would be slow on Chinese.
_EMOJI_START = re.compile("[#*0-9\xa9\xae\u203c-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
_LONGEST_EMOJI = max(map(len, emoji.EMOJI_DATA))


def namer(language: str) -> Callable[[str], str]:
    """Return the function that names an emoji in ``language``; raise ``UserError`` where there are no names."""
    if language not in emoji.LANGUAGES:
        raise UserError(
            f"text: no emoji names in language '{language}' ({hint(language, emoji.LANGUAGES)}); "
            "give the step 'emoji' another language, or take it out"
        )

    @cache  # at most one entry for each emoji there is
    def name(found: str) -> str:
        return " " + emoji.demojize(found, language=language, delimiters=("", "")).replace("_", " ") + " "

    return name


def spell(text: str, name: Callable[[str], str]) -> str:
    """Put ``name(emoji)`` for each emoji (``places``), and for each ``:short_name:``."""
    if ":" in text:
        text = emoji.emojize(text, language="en")
    if text.isascii():
        return text
    pieces = []
    last = 0
    for start, end, found in places(text):
        pieces += [text[last:start], name(found)]
        last = end
    return "".join([*pieces, text[last:]]) if pieces else text


def places(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each emoji begins and ends, with the joiner or sign of presentation that hangs on it, and itself.

    The longest sequence first. The library's own search is not used: it is quadratic in a chain of joined emoji.
    """
    if text.isascii():
        return
    end = 0
    for match in _EMOJI_START.finditer(text):
        start = match.start()
        found = _emoji_at(text, start) if start >= end else ""
        if found:
            end = start + len(found)
            while text[end : end + 1] in ("\ufe0f", "\u200d"):
                end += 1
            yield start, end, found


def _emoji_at(text: str, start: int) -> str:
    """Return the longest emoji that begins at ``start``, or an empty string."""
    ahead = text[start : start + _LONGEST_EMOJI]
    return next((ahead[:size] for size in range(len(ahead), 0, -1) if ahead[:size] in emoji.EMOJI_DATA), "")
