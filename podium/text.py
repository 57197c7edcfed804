"""Text views: named normalisation steps, applied to every text in the order the user gives.

Each step maps a list of texts to a list of as many texts, takes time linear in their length (a text of a
million hostile characters included) and changes nothing the second time round, ``lemmas`` excepted.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

import emoji
import pandas as pd

from podium.errors import UserError, hint
from podium.lemmas import lemmatise

#: A step's arguments: the texts, the language (ISO 639 code), WordNet's folder or None.
Step = Callable[[list[str], str, Path | None], list[str]]

#: Controls, zero-width and direction marks. Joiners are not here: Persian and emoji are spelled with them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_JOINED = "\u0600-\u1fff\u2100-\U0010ffff"
_STRAY_JOINER = re.compile(f"(?<![{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINED}])")

_URL = re.compile(r"(?<![a-z0-9])(?:(?:https?|ftp)://|www\.)[!-~]*[a-z0-9/]", re.IGNORECASE)
_MENTION = re.compile(r"(?<![A-Za-z0-9._%+@-])@++\w[\w-]*")
_HASHTAG = re.compile(r"(?<![\w&/#])#++(\w+)(#*+)(?=(\w?))")

#: Unicode's Stream-Safe Text Format (UAX 15, section 13) allows 30 combining marks in a row; NFKC sorts a
#: run of marks in quadratic time.
_MOST_MARKS = 30
_LONG = 1000
#: Not marks themselves, but marks after NFKC.
_HALFWIDTH_MARKS = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")

#: Where an emoji may begin, in few ranges: a class of all its first characters would be slow on Chinese.
_EMOJI_START = re.compile("[#*0-9\xa9\xae\u203c-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
_LONGEST_EMOJI = max(map(len, emoji.EMOJI_DATA))


def nfkc(text: str) -> str:
    """Return the compatibility composition: full-width letters to ASCII, ligatures apart, one form of accents.

    Of more than 30 combining marks in a row the rest is dropped.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text if len(text) <= _LONG else _limit_marks(text))


def _limit_marks(text: str) -> str:
    kept = []
    run = 0
    for character in text:
        marks = unicodedata.combining(character) or character in _HALFWIDTH_MARKS
        run = run + 1 if marks else 0
        if run <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def whitespace(text: str) -> str:
    """Put one space for every run of white space, none at the ends; delete NUL, controls and zero-width."""
    text = _INVISIBLE.sub("", text)
    if not text.isascii():
        text = _STRAY_JOINER.sub("", text)
    return " ".join(text.split())


def urls(text: str) -> str:
    """Put ``url`` for each web address; punctuation at its end and Chinese right after it stay."""
    return _URL.sub("url", text)


def mentions(text: str) -> str:
    """Put ``user`` for each ``@name``; e-mail addresses stay."""
    return _MENTION.sub("user", text)


def hashtags(text: str) -> str:
    """Drop the sign of each ``#word`` (and the closing one of ``#word#``), keep the word."""
    return _HASHTAG.sub(lambda m: m[1] + (" " if m[2] and m[3] else ""), text)


def spell_emoji(text: str, name: Callable[[str], str]) -> str:
    """Put ``name(emoji)`` between spaces for each emoji, the longest sequence first.

    The library's own search is not used: it is quadratic in a chain of joined emoji.
    """
    if text.isascii():
        return text
    pieces = []
    end = 0
    for match in _EMOJI_START.finditer(text):
        start = match.start()
        found = _emoji_at(text, start) if start >= end else ""
        if found:
            pieces += [text[end:start], f" {name(found)} "]
            end = start + len(found)
            while text[end : end + 1] in ("\ufe0f", "\u200d"):
                end += 1
    return "".join([*pieces, text[end:]]) if pieces else text


def _emoji_at(text: str, start: int) -> str:
    """Return the longest emoji that begins at ``start``, or an empty string."""
    ahead = text[start : start + _LONGEST_EMOJI]
    return next((ahead[:size] for size in range(len(ahead), 0, -1) if ahead[:size] in emoji.EMOJI_DATA), "")


def _emoji(texts: list[str], language: str, wordnet: Path | None) -> list[str]:
    """Put words for emoji and for their ``:short_names:``; ``wordnet`` is not used."""
    if language not in emoji.LANGUAGES:
        raise UserError(
            f"text: no emoji names in language '{language}' ({hint(language, emoji.LANGUAGES)}); "
            "take the step 'emoji' out or name another language"
        )

    @cache
    def name(found: str) -> str:
        return emoji.demojize(found, language=language, delimiters=("", "")).replace("_", " ")

    shown = (emoji.emojize(text, language="en") if ":" in text else text for text in texts)
    return [spell_emoji(text, name) for text in shown]


def _lemmas(texts: list[str], language: str, wordnet: Path | None) -> list[str]:
    return lemmatise(texts, language=language, wordnet=wordnet)


def _each(function: Callable[[str], str]) -> Step:
    """Make a step of a function of one text."""
    return lambda texts, language, wordnet: [function(text) for text in texts]


#: The steps by the names that the config knows them by.
STEPS: dict[str, Step] = {
    "nfkc": _each(nfkc),
    "whitespace": _each(whitespace),
    "emoji": _emoji,
    "urls": _each(urls),
    "mentions": _each(mentions),
    "hashtags": _each(hashtags),
    "lowercase": _each(str.lower),
    "lemmas": _lemmas,
}
STEP_NAMES = tuple(STEPS)


def normalise(table: pd.DataFrame, steps: list[str], *, language: str, wordnet: Path | None) -> pd.DataFrame:
    """Apply ``steps``, in their order, to the text columns of ``table``; no step at all is the raw view.

    Parameters
    ----------
    table
        ``id``, ``text_a`` and perhaps ``text_b``; a missing text counts as empty.
    steps
        Names out of ``STEP_NAMES``.
    language
        ISO 639 code of the texts, such as ``en`` or ``zh`` (for ``emoji`` and ``lemmas``).
    wordnet
        The folder that holds ``corpora/wordnet``, or None (for ``lemmas`` in English).

    Returns
    -------
    The table with the same columns, rows and order, and no missing text.

    Raises
    ------
    UserError
        For an unknown step, or a language that a step does not know.
    """
    for step in steps:
        if step not in STEPS:
            raise UserError(f"text: there is no step '{step}' ({hint(step, STEPS)})")
    columns = [column for column in ("text_a", "text_b") if column in table.columns]
    texts = [text for column in columns for text in table[column].fillna("").astype("str").tolist()]
    for step in steps:
        texts = STEPS[step](texts, language, wordnet)
    done = {
        column: pd.Series(texts[k * len(table) : (k + 1) * len(table)], index=table.index, dtype="str")
        for k, column in enumerate(columns)
    }
    return table.assign(**done)
