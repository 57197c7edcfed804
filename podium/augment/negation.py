"""Words of negation: what turns a meaning round, and so must neither come nor go."""

import re

_ENGLISH = """
no not nor never none nobody nothing nowhere neither without cannot hardly scarcely barely rarely seldom n't nt
dont doesnt didnt isnt arent wasnt werent wont wouldnt cant couldnt shouldnt hasnt havent hadnt aint
lack lacks lacked lacking
"""
NEGATIONS = frozenset(_ENGLISH.split())
_CONTRACTED_NOT = re.compile(r"n['’]t$", re.IGNORECASE)
_ENGLISH_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
#: Letters that negate in Chinese, simplified and traditional.
_CHINESE = re.compile("[不没沒无無未勿莫毋甭]")
#: Words with such a letter that do not negate.
_CHINESE_OTHER = re.compile(
    "不错|不錯|不仅|不僅|不但|不过|不過|不管|不论|不論|不断|不斷|不禁|不得不|无论|無論|无非|無非|未来|未來|莫名|差不多|没错|沒錯"
)
#: Languages whose words of negation are known.
LANGUAGES = ("en", "zh")


def is_negation(word: str, language: str = "en") -> bool:
    """Tell whether a word (any case) negates: ``not``, ``isn't``, ``without``, ``没有``."""
    if language == "zh" and count(word, "zh"):
        return True
    return word.lower() in NEGATIONS or _CONTRACTED_NOT.search(word) is not None


def count(text: str, language: str) -> int:
    """Number of negations in a text; 0 in a language whose words are not known (``LANGUAGES``)."""
    if language == "zh":
        return len(_CHINESE.findall(_CHINESE_OTHER.sub(" ", text)))
    if language == "en":
        return sum(is_negation(word) for word in _ENGLISH_WORD.findall(text))
    return 0
