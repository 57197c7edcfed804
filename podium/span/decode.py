"""From probabilities of characters to answers: the best spans of each context, and when there is none.

The answer is cut out of the context itself, so that what a tokenizer does not know, rare characters, simplified or
traditional ones and spaces are as they stand there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from podium.span.answers import Answer, placed
from podium.span.predictions import Spans

_FLOOR = 1e-12
PAIRS = {
    **{"(": ")", "[": "]", "{": "}", "<": ">", "（": "）", "［": "］", "【": "】", "〔": "〕", "〈": "〉"},
    **{"《": "》", "「": "」", "『": "』", "“": "”", "‘": "’", "«": "»", '"': '"'},
}
"""Opening brackets and quotes with what closes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeOptions:
    """``max_characters`` of an answer at most; the ``candidates`` most probable starts and ends are paired.

    ``complete`` mends brackets and quotes of which a span holds only one (:func:`completed`).
    """

    max_characters: int
    candidates: int
    complete: bool


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Spans of N questions, C in all: characters ``low`` to ``high`` (the first behind it) of the context of ``row``.

    Ordered by question and, within it, from the best ``score`` (log P(start) + log P(end), given an answer) down.
    """

    row: np.ndarray
    low: np.ndarray
    high: np.ndarray
    score: np.ndarray

    def first(self, questions: int) -> np.ndarray:
        """Return where each question's best candidate stands (N,); -1 where it has none."""
        found = np.full(questions, -1, dtype=np.int64)
        rows, places = np.unique(self.row, return_index=True)
        found[rows] = places
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The best span of each of N questions, whether or not it is given as the answer.

    ``low``, ``high`` (N,) are its characters, -1 where there is no span at all, ``text`` (N) its text. ``score`` (N,)
    is its log-probability, ``doubt`` (N,) how much there being no answer speaks against it (:func:`doubts`), ``margin``
    (N,) by how much its score beats that of the best span that does not overlap it (inf where there is none).
    """

    low: np.ndarray
    high: np.ndarray
    text: list[str]
    score: np.ndarray
    doubt: np.ndarray
    margin: np.ndarray

    def answers(self, threshold: float | None) -> list[str]:
        """Return the answers (N): "" where the doubt is above ``threshold``; None answers every question."""
        if threshold is None:
            return list(self.text)
        silent = self.doubt > threshold
        return ["" if none else text for none, text in zip(silent.tolist(), self.text, strict=True)]


def n_best(spans: Spans, *, count: int, options: DecodeOptions) -> Candidates:
    """Return the ``count`` most probable spans of each question: start no later than end, not too long.

    Of equal ones the one that begins first, then the shorter, goes before.
    """
    columns: list[list[np.ndarray]] = [[], [], [], []]
    for row in range(len(spans)):
        own = slice(int(spans.offsets[row]), int(spans.offsets[row + 1]))
        low, high, score = _of_one(spans.places[own], spans.start[own], spans.end[own], count, options)
        for column, values in zip(columns, (np.full(len(low), row), low, high, score), strict=True):
            column.append(values)
    every, low, high, score = (np.concatenate([np.zeros(0), *column]) for column in columns)
    return Candidates(every.astype(np.int64), low.astype(np.int64), high.astype(np.int64), score)


def _of_one(
    places: np.ndarray, start: np.ndarray, end: np.ndarray, count: int, options: DecodeOptions
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    starts = _top(start, options.candidates)
    ends = _top(end, options.candidates)
    width = places[ends][None, :] - places[starts][:, None]
    first, last = np.nonzero((width >= 0) & (width < options.max_characters))
    score = np.log(np.maximum(start[starts[first]], _FLOOR)) + np.log(np.maximum(end[ends[last]], _FLOOR))
    low, high = places[starts[first]], places[ends[last]] + 1
    order = np.lexsort([high, low, -score])[:count]
    return low[order], high[order], score[order]


def _top(values: np.ndarray, count: int) -> np.ndarray:
    """Places of the highest values above 0, at most ``count``."""
    order = np.argsort(-values, kind="stable")[:count]
    return order[values[order] > 0]


def decode(spans: Spans, contexts: Sequence[str], *, options: DecodeOptions) -> Decoded:
    """Return the best span of each question in its context (N)."""
    found = n_best(spans, count=options.candidates**2, options=options)
    first = found.first(len(spans))
    known = first >= 0
    low, high = np.full(len(spans), -1), np.full(len(spans), -1)
    low[known], high[known] = found.low[first[known]], found.high[first[known]]
    score = np.full(len(spans), -np.inf)
    score[known] = found.score[first[known]]
    rival = (found.high <= low[found.row]) | (found.low >= high[found.row])
    others = np.full(len(spans), -np.inf)
    np.maximum.at(others, found.row[rival], found.score[rival])
    with np.errstate(invalid="ignore"):
        margin = np.where(known, score - others, -np.inf)
    if options.complete:
        mended = [
            completed(text, *span) for text, *span in zip(contexts, low.tolist(), high.tolist(), strict=True)
        ]
        low, high = np.array(mended, dtype=np.int64).reshape(-1, 2).T
    text = [context[a:b] if a >= 0 else "" for context, a, b in zip(contexts, low, high, strict=True)]
    return Decoded(low, high, text, score, doubts(spans.null, score), margin)


def doubts(null: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return how much "no answer" speaks against the best span (N,).

    The log-odds of there being no answer, less the mean log-probability of the span's start and end: the difference of
    the null's and the best span's score that SQuAD 2.0's recipes compare with a threshold (Devlin et al. 2019, arXiv
    1810.04805, section 4.3), halved. inf where there is no span.
    """
    odds = np.log(np.maximum(null, _FLOOR)) - np.log(np.maximum(1 - null, _FLOOR))
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(score), odds - score / 2, np.inf)


def completed(context: str, low: int, high: int) -> tuple[int, int]:
    """Return the span with its brackets and quotes in pairs, where that changes one letter at either end.

    A bracket whose partner stands right outside of the span takes it in; one at the span's own edge whose partner is
    further away is left out, with the white space that stood behind it. ``<`` and ``>`` are brackets where they stand
    around something, as in ``<b>``, and not in ``x < 5``.
    """
    if low < 0:
        return low, high
    if "<" in context or ">" in context:
        context = _ANGLES.sub(_unless_pair, context)
    now = low, high
    while (found := _trimmed(context, *_paired(context, *now))) != now:
        now = found
    return now


_ANGLES = re.compile(r"<(?=\S)[^<>]*(?<=\S)>|[<>]")


def _unless_pair(found: re.Match[str]) -> str:
    return found.group() if len(found.group()) > 1 else "x"


def _paired(context: str, low: int, high: int) -> tuple[int, int]:
    """Grow or shrink the span letter by letter while that leaves fewer brackets alone."""
    while True:
        lonely = len(_unpaired(context[low:high]))
        better = (
            (a, b)
            for a, b in _neighbours(context, low, high)
            if len(_unpaired(context[a:b])) < lonely and a < b
        )
        found = next(better, None)
        if found is None:
            return low, high
        low, high = found


def _trimmed(context: str, low: int, high: int) -> tuple[int, int]:
    """The span without white space at its ends; one of nothing else stays."""
    text = context[low:high]
    if not text.strip():
        return low, high
    return low + len(text) - len(text.lstrip()), low + len(text.rstrip())


def _neighbours(context: str, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Spans that a bracket more or less makes of one, the larger ones first."""
    if high < len(context) and context[high] in _OPENING:
        yield low, high + 1
    if low > 0 and context[low - 1] in PAIRS:
        yield low - 1, high
    yield low + 1, high
    yield low, high - 1


_OPENING = {closing: opening for opening, closing in PAIRS.items()}


def _unpaired(text: str) -> list[tuple[int, str]]:
    """Brackets and quotes without a partner, with their places."""
    waiting: list[tuple[int, str]] = []
    lonely: list[tuple[int, str]] = []
    for place, letter in enumerate(text):
        if letter in _OPENING and waiting and PAIRS[waiting[-1][1]] == letter:
            waiting.pop()
        elif letter in PAIRS:
            waiting.append((place, letter))
        elif letter in _OPENING:
            lonely.append((place, letter))
    return sorted(lonely + waiting)


def length_limit(answers: Sequence[Sequence[Answer]], *, share: float) -> int:
    """Return how many characters hold at least a ``share`` of the placed answers; 1 where there is none."""
    lengths = np.sort([answer.end - answer.start for own in answers for answer in placed(own)])
    if not len(lengths):
        return 1
    return int(lengths[min(len(lengths) - 1, int(np.ceil(share * len(lengths))) - 1)])
