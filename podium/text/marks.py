"""Steps that put a word, or a space, for what stands for something else: addresses, names, tags, numbers.

What each step finds is chosen so that neither the word nor the space makes a new find of what is beside it, as long as
the word itself is none.
"""

import re

#: No quote mark and no bracket of a tag: RFC 3986 has neither, and what stands behind them is another thing.
_URL = re.compile(r"(?<![a-z0-9])(?:(?:https?|ftp)://|www\.)[!#-;=?-~]*[a-z0-9/]", re.IGNORECASE)
_MENTION = re.compile(r"(?<![A-Za-z0-9._%+@-])@++\w[\w-]*")
_HASHTAG = re.compile(r"(?<![\w&/#])#++(\w+)(#*+)(?=(\w?))")
_LOCAL = "A-Za-z0-9._%+-"
_EMAIL = re.compile(
    rf"(?<![{_LOCAL}@])[{_LOCAL}]++@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)+(?!\.*+[A-Za-z0-9_%+@-])"
)
# A possessive group would say it shorter, but leaves a separator swallowed in Python 3.11.0 to 3.11.4
_NUMBER = re.compile(r"(?<![A-Za-z_\d])\d++(?:[.,:/]\d++)*(?![A-Za-z_]|[.,:/]\d)")

SPACE = " "
"""What stands in place of something dropped: words beside it must not grow together."""


def urls(text: str, word: str) -> str:
    """Put ``word`` for each web address; punctuation at its end and Chinese right after it stay."""
    return _URL.sub(lambda m: word, text)


def emails(text: str, word: str) -> str:
    """Put ``word`` for each e-mail address."""
    return _EMAIL.sub(lambda m: word, text) if "@" in text else text


def mentions(text: str, word: str) -> str:
    """Put ``word`` for each ``@name``; e-mail addresses stay."""
    return _MENTION.sub(lambda m: word, text)


def hashtags(text: str, word: str | None) -> str:
    """Put ``word`` for each ``#word`` or ``#word#``; without one drop the sign and keep the tag."""

    def put(match: re.Match[str]) -> str:
        inside = match[1] if word is None else word
        return inside + (" " if match[2] and match[3] else "")

    return _HASHTAG.sub(put, text)


def numbers(text: str, word: str) -> str:
    """Put ``word`` for each number, thousands, decimals, times and dates in one; ``3rd`` and ``covid19`` stay."""
    return _NUMBER.sub(lambda m: word, text)
