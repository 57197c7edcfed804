"""Faces made of signs, in words.

What may stand beside a face is chosen so that a face in words never makes another one of what is beside it: a face
that needs room before it (``XD``) begins with a letter, and no face that needs room after it ends where such a one
may begin.
"""

import re
from collections.abc import Callable

from podium.errors import UserError

_EYES, _NOSE = "[:=]", "[-o^]?"
#: Before a face that begins with a letter: no letter, and no end of a face that would need room after it.
_FREE = r"(?<![A-Za-z0-9/\\*])(?<![:=;\-o^'’(]\()"
_END = "(?![A-Za-z0-9])"
_NO_LIST = r"(?!\w)"  # "as follows:(1)"

#: Meaning: what it looks like. Of two that fit at one place the first is taken.
_FACES = {
    "angry": rf">[:=]-?\(++{_NO_LIST}|>[_.]<",
    "laugh": rf"[:=;][-']?D++{_END}|{_FREE}[xX]-?D++{_END}",
    "tears of joy": r"[:=]['’]-?\)++",
    "cry": rf"[:=;]['’]-?\(++{_NO_LIST}|{_FREE}(?:T[_^.]T|Q[Aw_]Q){_END}|;_;",
    "wink": r";[-o^]?\)++",
    "smile": rf"{_EYES}{_NOSE}\)++|\(-?:|\^[_-]?\^",
    "sad": rf"{_EYES}{_NOSE}\(++{_NO_LIST}",
    "kiss": r"[:;=][-^]?\*(?![*\w])",
    "tongue": rf"[:;=]-?[pP]{_END}",
    "surprise": rf"[:=]-?[oO]{_END}|{_FREE}[oO][_.][oO]{_END}",
    "unsure": rf"{_EYES}-?[/\\](?![/\\\w])",
    "neutral": r"[:=]-?\|(?!\|)|-_{1,3}-|-\.-",
    "broken heart": rf"</3{_END}",
    "heart": rf"<3++{_END}",
    "defeated": rf"{_FREE}(?:orz|Orz|ORZ){_END}",
}
_WORDS = {
    "en": {
        **{meaning: meaning for meaning in _FACES},
        "tongue": "playful",
        "cry": "crying",
        "laugh": "laughing",
    },
    "zh": {
        "angry": "生气",
        "laugh": "大笑",
        "tears of joy": "喜极而泣",
        "cry": "哭泣",
        "wink": "眨眼",
        "smile": "微笑",
        "sad": "难过",
        "kiss": "亲吻",
        "tongue": "调皮",
        "surprise": "惊讶",
        "unsure": "疑惑",
        "neutral": "无语",
        "broken heart": "心碎",
        "heart": "爱心",
        "defeated": "无奈",
    },
}
_MEANINGS = list(_FACES)
#: Where a face may begin: one look that spares the rest at most places.
_BEGIN = r"(?=[-:=;><(^]|(?<![A-Za-z0-9/\\*])[xXTQoO])"
_ANY = re.compile(f"{_BEGIN}(?:{'|'.join(f'({faces})' for faces in _FACES.values())})")


def words_of(language: str) -> Callable[[str], str]:
    """Return the function from a meaning to its word between spaces; raise ``UserError`` where there are no words."""
    words = _WORDS.get(language)
    if words is None:
        raise UserError(
            f"text: no words for emoticons in language '{language}' (valid: {', '.join(_WORDS)}); "
            "give the step 'emoticons' a language or 'action: drop'"
        )
    return {meaning: f" {word} " for meaning, word in words.items()}.__getitem__


def spell(text: str, word: Callable[[str], str]) -> str:
    """Put ``word(meaning)`` for each face."""
    return _ANY.sub(lambda m: word(_MEANINGS[(m.lastindex or 1) - 1]), text)
