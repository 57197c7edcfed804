"""Texts cut into the units that F1 counts: English words, Chinese characters among words of other scripts."""

import re

#: Punctuation that the evaluation script of CMRC 2018 names. Its list holds two dots in a row (`……`), which no single
#: character equals, so that the ellipsis is not among them.
CMRC_PUNCTUATION = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_HAN = re.compile("[\u4e00-\u9fa5]")

# Penn Treebank's conventions (R. MacIntyre's tokenizer script of 1995), as the toolkit that the script calls has them.
# What the script has cut off before (`-`, `:`, `*`, backquotes, most curly quotes) needs no rule here.
_RULES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"([«‘„])", r" \1 "),
        (r'^"', "`` "),
        (r"([ (\[{<])(\"|'')", r"\1 `` "),
        (r"(?<!\w)(')(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)", r"\1 "),
        (r"([^.])(\.)([\])}>\"'» ]*)\s*$", r"\1 \2 \3 "),
        (r",(\D)", r" , \1"),
        (r",$", " , "),
        (r"\.{2,}", r" \g<0> "),
        (r"[;@#$%&]", r" \g<0> "),
        (r"[\u2012-\u2015]", r" \g<0> "),
        (r"([^.])(\.)([\])}>\"']*)\s*$", r"\1 \2\3 "),
        (r"[?!]", r" \g<0> "),
        (r"([^'])' ", r"\1 ' "),
        (r"[\]\[(){}<>]", r" \g<0> "),
        (r"^|$", " "),
        (r"»", " » "),
        (r"''", " '' "),
        (r'"', " '' "),
        (r"\s+", " "),
        (r"([^' ])('s|'m|'d|') ", r"\1 \2 "),
        (r"([^' ])('ll|'re|'ve|n't) ", r"\1 \2 "),
        (r"\b(can)(not)\b", r" \1 \2 "),
        (r"\b(d)('ye)\b", r" \1 \2 "),
        (r"\b(gim|lem)(me)\b", r" \1 \2 "),
        (r"\b(gon|wan)(na)\b", r" \1 \2 "),
        (r"\b(got)(ta)\b", r" \1 \2 "),
        (r"\b(more)('n)\b", r" \1 \2 "),
        (r" ('t)(is|was)\b", r" \1 \2 "),
    )
]


def english_words(text: str) -> list[str]:
    """Words of a text in lower case without ASCII punctuation and articles: the normalisation of SQuAD."""
    return english(text).split()


def english(text: str) -> str:
    """SQuAD's normal form: lower case, no ASCII punctuation, no articles, single spaces (its official script)."""
    plain = "".join(letter for letter in text.lower() if letter not in _ASCII_PUNCTUATION)
    return " ".join(_ARTICLE.sub(" ", plain).split())


_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_ARTICLE = re.compile(r"\b(a|an|the)\b")


def chinese(text: str) -> str:
    """Lower case without the punctuation of ``CMRC_PUNCTUATION``: what exact match compares in CMRC 2018."""
    return "".join(letter for letter in text.lower().strip() if letter not in CMRC_PUNCTUATION)


def mixed_words(text: str) -> list[str]:
    """Han characters one by one, words between them, no punctuation: the units of CMRC 2018's F1."""
    units: list[str] = []
    run = ""
    for letter in text.lower().strip():
        if letter in CMRC_PUNCTUATION:
            continue
        if not _HAN.match(letter):
            run += letter
            continue
        units += treebank_words(run)
        units.append(letter)
        run = ""
    return units + treebank_words(run)


def treebank_words(text: str) -> list[str]:
    """Words of one lower-case sentence by the conventions of the Penn Treebank; quotes become `` and ''."""
    if text.isalnum():
        return text.split()
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.split()
