"""Spans of a context that may be the answer, and what tells the right one: for models without an encoder.

Candidates are the pairs of the words that look most like a beginning and an end, and whole sentences and clauses.
Shapes: W words, F features of a word, C candidates.
"""

from collections.abc import Sequence

import numpy as np

from podium.span.word_features import NAMES, Context

PAIRED = 10
"""Beginnings and ends that are paired."""
_LONGEST = 150
_COPIED = ("similarity", "share_of_best", "rank", "sentence_length", "asked")
_OF_FIRST = (
    "place",
    "matches_left_3",
    "matches_right_3",
    "pairs_left",
    "suffix",
    "sort_before",
    "sort_here",
    "joined_before",
)
_OF_LAST = (
    "matches_left_3",
    "matches_right_3",
    "pairs_right",
    "prefix",
    "sort_here",
    "sort_behind",
    "joined_behind",
)
_MARKS = (6.0, 7.0)  # sorts of words that end a sentence or a clause (``word_features``)
_AT = {name: place for place, name in enumerate(NAMES)}


def candidates(context: Context, columns: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return first and last words (C,) of the spans that come into question, each once, in order.

    ``columns`` (W, F) are the words' features, ``scores`` (2, W) how much each looks like a beginning and an end.
    """
    count = len(context.words)
    tops = [np.argsort(-score, kind="stable")[:PAIRED] for score in scores]
    first, last = (grid.ravel() for grid in np.meshgrid(*tops, indexing="ij"))
    marks = np.isin(columns[:, _AT["sort_here"]], _MARKS)
    ends = np.r_[context.sentence[1:] != context.sentence[:-1], True]
    whole = _runs(ends, marks & ends)
    clauses = _runs(marks | ends, marks)
    likely = columns[:, _AT["rank"]] < 3
    more = np.array([span for span in (*whole, *clauses) if likely[span[0]]], dtype=np.int64).reshape(-1, 2)
    first, last = np.r_[first, more[:, 0]], np.r_[last, more[:, 1]]
    kept = (first <= last) & (last - first < _LONGEST)
    if not kept.any():
        return np.array([scores[0].argmax()]), np.array([scores[0].argmax()])
    keys = np.unique(first[kept] * count + last[kept])
    return keys // count, keys % count


def _runs(ends: np.ndarray, marks: np.ndarray) -> list[tuple[int, int]]:
    """Runs of words that end where ``ends`` (W,) says, once with and once without the mark at their end."""
    stops = np.flatnonzero(ends)
    found = []
    for low, high in zip(np.r_[0, stops[:-1] + 1].tolist(), stops.tolist(), strict=True):
        found.append((low, high))
        if marks[high] and high > low:
            found.append((low, high - 1))
    return found


def features(
    context: Context, columns: np.ndarray, scores: np.ndarray, first: np.ndarray, last: np.ndarray
) -> np.ndarray:
    """Return features (C, G) of the spans from the words ``first`` to ``last`` (C,)."""
    hit, idf = columns[:, _AT["in_question_here"]], columns[:, _AT["idf"]]
    matched, numbers = _sums(hit * idf), _sums(columns[:, _AT["sort_here"]] == 2)
    marks = _sums(np.isin(columns[:, _AT["sort_here"]], _MARKS))
    length = last - first + 1
    total = matched[-1]
    inside = matched[last + 1] - matched[first]
    starts = np.r_[True, context.sentence[1:] != context.sentence[:-1]]
    ends = np.r_[starts[1:], True]
    made = [
        *(scores[0][first], scores[1][last], scores[0][first] + scores[1][last]),
        *(scores[0].max() - scores[0][first], scores[1].max() - scores[1][last]),
        *(length, context.words.end[last] - context.words.start[first]),
        *(inside, inside / max(1e-9, total), inside / length, hit[first], hit[last]),
        *(numbers[last + 1] - numbers[first], marks[last + 1] - marks[first]),
        *(context.sentence[last] - context.sentence[first], starts[first], ends[last]),
    ]
    taken = [columns[first, _AT[name]] for name in (*_COPIED, *_OF_FIRST)]
    taken += [columns[last, _AT[name]] for name in _OF_LAST]
    return np.stack([np.asarray(column, dtype=np.float32) for column in (*made, *taken)], axis=1)


def _sums(values: np.ndarray) -> np.ndarray:
    """Sums of the values before each word (W + 1,)."""
    return np.r_[0.0, np.cumsum(values)]


def overlap(
    context: Context, first: np.ndarray, last: np.ndarray, answers: Sequence[tuple[int, int]]
) -> np.ndarray:
    """Return F1 in characters (C,) of the spans with the best of the ``answers``' (characters from, up to)."""
    low, high = context.words.start[first], context.words.end[last]
    best = np.zeros(len(first))
    for start, end in answers:
        shared = np.maximum(0, np.minimum(high, end) - np.maximum(low, start))
        best = np.maximum(best, 2 * shared / ((high - low) + (end - start)))
    return best
