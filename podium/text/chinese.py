"""Steps for Chinese: simplified characters, spaces between words."""

import re
from collections.abc import Callable

#: Han characters: no step for Chinese looks at a text without them.
_HAN = re.compile("[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]+")


def converter(variant: str) -> Callable[[str], str]:
    """Return OpenCC's conversion ``variant``, such as ``t2s``."""
    import opencc

    convert = opencc.OpenCC(variant).convert

    def simplified(text: str) -> str:
        """Put simplified characters for traditional ones."""
        if text.isascii():
            return text
        if "\0" in text:  # OpenCC takes it for the end
            return "\0".join(convert(part) for part in text.split("\0"))
        made: str = convert(text)
        return made

    return simplified


def segmenter(*, new_words: bool) -> Callable[[str], str]:
    """Return the function that puts spaces between Chinese words; ``new_words``: see jieba's HMM."""
    import rjieba

    def put(match: re.Match[str]) -> str:
        text, (start, end) = match.string, match.span()
        before = " " if start and text[start - 1].isalnum() else ""
        after = " " if text[end : end + 1].isalnum() else ""
        return before + " ".join(rjieba.cut(match[0], new_words)) + after

    return lambda text: text if text.isascii() else _HAN.sub(put, text)
