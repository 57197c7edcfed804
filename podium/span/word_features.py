"""Features of the words of a context, given a question: where its words stand, what sort of word each is.

Shapes: W words of a context, F features.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from podium.span.sentences import Words, sentence_of, sentences
from podium.unspaced import LETTERS

# What is asked for; the first that is found counts
_ASKED = tuple(
    re.compile(pattern)
    for pattern in (
        r"how (many|much|long|far|old|often)|多少|几[个名位年月次种部人天座家条张届]|多[长大高远]|幾",
        r"\bwhen\b|what (year|time|date|day)|which year|何时|哪[一]?[年天日]|时候|時候|何時|几[月日号点]|日期|年份",
        r"\bwho(se|m)?\b|谁|誰|哪[一]?位|何人|什么人|名字",
        r"\bwhere\b|what (city|country|place)|哪里|哪裡|哪儿|何处|何處|哪[一]?[个]?[国省市县城地]|什么地方|位于",
        r"\bwhy\b|为什么|为何|為什麼|為何|原因",
        r"\bhow\b|如何|怎么|怎麼|怎样|怎樣",
        r"\bwhich\b|哪",
        r"\bwhat\b|什么|什麼|何",
    )
)
_QUESTION_WORDS = frozenset(
    (
        *("who", "whom", "whose", "what", "which", "when", "where", "why", "how", "many", "much", "?"),
        *"谁誰什么麼哪几幾何多少怎吗呢？",
    )
)
_REACHES = (3.0, 10.0)
_KERNEL = np.arange(1, 41)
_FAR = 40.0
_LONGEST = 5
_OFTEN = 3  # places that two neighbours need to be told from chance
NAMES = (
    *("similarity", "share_of_best", "rank", "before", "behind", "sentence", "sentence_length", "place"),
    *("asked", "idf", "known", "left", "right"),
    *(f"{side}_{reach:g}" for reach in _REACHES for side in ("matches_left", "matches_right")),
    *("pairs_left", "pairs_right"),
    *(f"{name}_{at}" for name in ("sort", "in_question") for at in ("before", "here", "behind")),
    *(f"{name}_{at}" for name in ("first_rate", "last_rate") for at in ("before", "here", "behind")),
    *("joined_before", "joined_behind"),
    *("suffix", "prefix", "letters"),
)
"""Names of the features, in order."""


@dataclass(frozen=True, eq=False)
class Lexicon:
    """What is learned of words from the training part.

    ``idf`` of words by their contexts; ``first`` and ``last``: how much more often than others, as a logarithm, a word
    begins or ends an answer (words in fewer than ``least`` places are not there: 0). ``joined``: of words that are
    often neighbours, joined by a space, how much more often than by chance, as a logarithm: where a word of several
    unspaced letters, or a name, has no place to end.
    """

    idf: dict[str, float]
    first: dict[str, float]
    last: dict[str, float]
    rarest: float = field(default=1.0)
    joined: dict[str, float] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        contexts: Iterable[Words],
        asked: Iterable[tuple[Words, int, int]],
        *,
        least: int = 30,
    ) -> "Lexicon":
        """Learn from distinct ``contexts``, and from the words of each context with an answer's first and last."""
        documents: Counter[str] = Counter()
        singles: Counter[str] = Counter()
        pairs: Counter[str] = Counter()
        number = 0
        for words in contexts:
            documents.update(set(words.text))
            singles.update(words.text)
            pairs.update(map(" ".join, itertools.pairwise(words.text)))
            number += 1
        idf = {word: float(np.log((number + 1) / (count + 0.5))) for word, count in documents.items()}
        places: Counter[str] = Counter()
        firsts: Counter[str] = Counter()
        lasts: Counter[str] = Counter()
        for words, first, last in asked:
            places.update(words.text)
            firsts[words.text[first]] += 1
            lasts[words.text[last]] += 1
        total, answers = sum(places.values()), sum(firsts.values())
        usual = answers / max(1, total)

        def rates(counts: Counter[str]) -> dict[str, float]:
            return {
                word: float(np.log((counts[word] + usual * least) / (count + least) / usual))
                for word, count in sorted(places.items())
                if count >= least
            }

        none = not answers
        rarest, size = float(np.log(number + 1) + 0.7), sum(singles.values())
        joined = {}
        for pair, count in sorted(pairs.items()):
            one, _, other = pair.partition(" ")
            if count >= _OFTEN and count * size > singles[one] * singles[other]:
                joined[pair] = round(float(np.log(count * size / (singles[one] * singles[other]))), 4)
        firsts_of, lasts_of = ({}, {}) if none else (rates(firsts), rates(lasts))
        return cls(idf, firsts_of, lasts_of, rarest, joined)


class Context:
    """A context's words and what of the lexicon belongs to each, worked out once for all its questions."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self.words = Words.of(text)
        self.bounds = sentences(text)
        self.sentence = sentence_of(self.bounds, self.words.start)
        self.codes = {word: code for code, word in enumerate(dict.fromkeys(self.words.text))}
        self.code = np.array([self.codes[word] for word in self.words.text], dtype=np.int64)
        self.idf = np.array([lexicon.idf.get(word, lexicon.rarest) for word in self.words.text])
        self.known = np.array([word in lexicon.idf for word in self.words.text], dtype=float)
        self.sort = np.array([_sort(word) for word in self.words.raw], dtype=float)
        self.first = np.array([lexicon.first.get(word, 0.0) for word in self.words.text])
        self.last = np.array([lexicon.last.get(word, 0.0) for word in self.words.text])
        pairs = map(" ".join, itertools.pairwise(self.words.text))
        self.joined = np.array([lexicon.joined.get(pair, 0.0) for pair in pairs])


def question_sort(question: str) -> int:
    """Return what is asked for, as a number: quantities, times, persons, places ..., and anything else."""
    lowered = question.lower()
    return next((number for number, pattern in enumerate(_ASKED) if pattern.search(lowered)), len(_ASKED))


def similarities(context: Context, question: Words, lexicon: Lexicon) -> np.ndarray:
    """Return how alike each sentence and the question are: cosines of idf over words and pairs of neighbours."""
    code, count = context.code, len(context.bounds)
    wanted = np.array([context.codes.get(word, -1) for word in question.text], dtype=np.int64)
    weight = {
        context.codes[word]: lexicon.idf.get(word, lexicon.rarest)
        for word in question.text
        if word in context.codes
    }
    norm = sum(lexicon.idf.get(word, lexicon.rarest) ** 2 for word in set(question.text))
    result = np.zeros(count)
    pairs = _pairs(wanted, len(context.codes))
    for number in range(count):
        own = np.unique(code[context.sentence == number])
        inside = code[context.sentence == number]
        size = float((_idf_of(context, own) ** 2).sum())
        shared = sum(weight.get(int(one), 0.0) ** 2 for one in own)
        twice = np.isin(_pairs(inside, len(context.codes)), pairs).sum()
        result[number] = (shared + twice) / np.sqrt(max(1e-9, norm) * max(1e-9, size))
    return result


def _idf_of(context: Context, codes: np.ndarray) -> np.ndarray:
    table = np.zeros(len(context.codes))
    table[context.code] = context.idf
    return table[codes]


def _pairs(codes: np.ndarray, count: int) -> np.ndarray:
    """Neighbours as one number each; of words that the context does not have there is none."""
    both = (codes[:-1] >= 0) & (codes[1:] >= 0)
    return (codes[:-1] * count + codes[1:])[both]


def features(context: Context, question: str, lexicon: Lexicon) -> tuple[np.ndarray, np.ndarray]:
    """Return the features (W, F) of the context's words, and the similarities of its sentences."""
    asked = Words.of(question)
    similar = similarities(context, asked, lexicon)
    sentence, count = context.sentence, len(context.words)
    content = [word for word in asked.text if word not in _QUESTION_WORDS]
    hit = np.isin(context.code, [context.codes[word] for word in content if word in context.codes])
    weighed = hit * context.idf
    rank = np.argsort(np.argsort(-similar, kind="stable"), kind="stable")
    around = np.r_[0.0, similar, 0.0]
    length = np.bincount(sentence, minlength=len(similar))
    first = np.r_[0, np.cumsum(length)[:-1]]
    place = (np.arange(count) - first[sentence]) / np.maximum(1, length[sentence])
    at = np.flatnonzero(hit)
    left, right = _distances(at, count)
    wanted = np.array([context.codes.get(word, -1) for word in asked.text], dtype=np.int64)
    twice = np.zeros(count)
    if count > 1:
        keys = context.code[:-1] * len(context.codes) + context.code[1:]
        twice[:-1] = np.isin(keys, _pairs(wanted, len(context.codes)))
    columns = [
        *(similar[sentence], similar[sentence] / max(1e-9, similar.max(initial=0)), rank[sentence]),
        *(around[sentence], around[sentence + 2], sentence, length[sentence], place),
        *(np.full(count, question_sort(question)), context.idf, context.known, left, right),
    ]
    for reach in _REACHES:
        columns += _density(weighed, reach)
    columns += _density(twice, _REACHES[0])
    for values, filler in (
        (context.sort, -1.0),
        (hit.astype(float), 0.0),
        (context.first, 0.0),
        (context.last, 0.0),
    ):
        columns += [np.r_[filler, values[:-1]], values, np.r_[values[1:], filler]]
    columns += [np.r_[0.0, context.joined], np.r_[context.joined, 0.0]]
    columns += [*_cloze(context, asked), np.array([len(word) for word in context.words.text])]
    return np.stack(columns, axis=1).astype(np.float32), similar


def _distances(at: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """How far the next words of the question are, before and behind each word (W,)."""
    places = np.arange(count)
    if not len(at):
        return np.full(count, _FAR), np.full(count, _FAR)
    before = np.searchsorted(at, places, side="left") - 1
    behind = np.searchsorted(at, places, side="right")
    left = np.where(before >= 0, places - at[np.maximum(before, 0)], _FAR)
    right = np.where(behind < len(at), at[np.minimum(behind, len(at) - 1)] - places, _FAR)
    return np.minimum(left, _FAR), np.minimum(right, _FAR)


def _density(values: np.ndarray, reach: float) -> list[np.ndarray]:
    """Sums of the values before and behind each word, the nearer ones counting more."""
    kernel, count = np.exp(-_KERNEL / reach), len(values)
    left = np.r_[0.0, np.convolve(values, kernel)][:count]
    right = np.r_[0.0, np.convolve(values[::-1], kernel)][:count][::-1]
    return [left, right]


def _cloze(context: Context, asked: Words) -> list[np.ndarray]:
    """How many words before each word are those before the question word, and behind it those behind that.

    Of questions that are sentences of the context with a hole; words right behind the question word ("which company")
    belong to it, so the match may begin a few words on.
    """
    holes = [place for place, word in enumerate(asked.text) if word in _QUESTION_WORDS]
    suffix, prefix = np.zeros(len(context.words)), np.zeros(len(context.words))
    if not holes:
        return [suffix, prefix]
    code = np.array([context.codes.get(word, -1) for word in asked.text], dtype=np.int64)
    low, high = holes[0], holes[-1] if holes[-1] < len(asked) - 1 else holes[0]
    suffix = _matching(context.code[::-1], code[:low][::-1])[::-1]
    for skipped in range(4):
        prefix = np.maximum(prefix, _matching(context.code, code[high + 1 + skipped :]))
    return [suffix, prefix]


def _matching(code: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return how many of the ``wanted`` words, ``_LONGEST`` at most, stand right behind each word (W,)."""
    count = np.zeros(len(code))
    run = np.ones(len(code), dtype=bool)
    for step, word in enumerate(wanted[:_LONGEST].tolist(), start=1):
        behind = np.r_[code[step:], np.full(min(step, len(code)), -2)]
        run = run & (behind == word)
        count += run
    return count


def _sort(word: str) -> float:
    """What sort of word it is: lower case, capitals, number, unspaced letter, opening or closing mark, other."""
    if word[0].isdigit():
        return 2.0
    if _UNSPACED.match(word):
        return 3.0
    if word[0].isalpha():
        return 1.0 if word[0].isupper() else 0.0
    if word in "\"'“‘「『《〈（([":
        return 4.0
    if word in "”’」』》〉）)]":
        return 5.0
    return 6.0 if word in "。！？!?.；;" else 7.0 if word in "，,、：:" else 8.0


_UNSPACED = re.compile(f"[{LETTERS}]")


def word_span(words: Words, start: int, end: int) -> tuple[int, int] | None:
    """Return the first and the last word that touch the characters from ``start`` up to ``end``; None for none."""
    low = int(np.searchsorted(words.end, start, side="right"))
    high = int(np.searchsorted(words.start, end, side="left")) - 1
    return (low, high) if low <= high else None


def rank_of(similar: np.ndarray) -> Sequence[int]:
    """Return the sentences from the most similar one on; of equal ones the first goes before."""
    found: list[int] = np.argsort(-similar, kind="stable").tolist()
    return found
