"""Scripts that put no spaces between words: Chinese, Japanese, Thai, Lao, Khmer, Burmese; marks of all scripts."""

import unicodedata
from itertools import chain, groupby

LETTERS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Their letters, to be put between the brackets of a regular expression."""


def _marks() -> str:
    """Ranges of Unicode's combining marks in the blocks of alphabets; those of emoji and symbols are elsewhere."""
    blocks = chain(range(0x300, 0x2000), range(0xA600, 0xAC00))
    codes = [code for code in blocks if unicodedata.category(chr(code)).startswith("M")]
    runs = [[code for _, code in run] for _, run in groupby(enumerate(codes), lambda pair: pair[1] - pair[0])]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


MARKS = _marks()
"""Accents, and vowels of Indian scripts, that belong to the letter before them; as ``LETTERS``."""
