"""Windows to train on: around the answers at random places, and some without an answer.

An answer that always stands in the middle of its window is found by its place alone, which says nothing in prediction,
so each draw puts the window anew (all places that hold the whole answer are as probable). Windows without the answer
teach the encoder to say so: in prediction most windows of a long context are such.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from podium.span.answers import Answer, placed
from podium.span.windows import NULL, Texts, Windows, token_spans


@dataclasses.dataclass(frozen=True, slots=True)
class Drawn:
    """W windows to train on.

    ``target`` (W, 2): first and last token of the answer, counted from the first context token of the window, -1 and -1
    where it has none. ``draw`` (W,) is the draw each belongs to. ``skipped`` counts questions that no window can hold
    the answer of.
    """

    windows: Windows
    target: np.ndarray
    draw: np.ndarray
    skipped: int


def draw_windows(
    texts: Texts,
    room: np.ndarray,
    answers: Sequence[Sequence[Answer]],
    rows: np.ndarray,
    *,
    draws: int,
    negatives: float,
    seed: int,
) -> Drawn:
    """Draw windows of the questions ``rows``, a set for each of ``draws``.

    In each draw a question has one window: around one of its placed answers, drawn anew, or of an unanswerable question
    anywhere; and a share ``negatives`` of the answerable ones whose context is long enough one more without any of its
    answers. ``room`` (N,) as ``podium.span.windows.rooms`` returns it; ``answers`` (N), the questions ``rows`` being
    trainable ones.
    """
    generator = np.random.default_rng(seed)
    spans, bounds = _spans_of(texts, room, answers, rows)
    kept = np.array([row for row in rows.tolist() if row in spans], dtype=np.int64)
    parts = [_one_draw(texts, room, spans, bounds, kept, negatives, generator) for _ in range(draws)]
    row, first, target = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    length = texts.context.lengths[texts.of[row]]
    windows = Windows(row, first, np.minimum(room[row], length))
    draw = np.repeat(np.arange(draws), [len(part[0]) for part in parts])
    return Drawn(windows, target, draw, len(rows) - len(kept))


def _spans_of(
    texts: Texts, room: np.ndarray, answers: Sequence[Sequence[Answer]], rows: np.ndarray
) -> tuple[dict[int, np.ndarray], dict[int, tuple[int, int]]]:
    """Token spans (A, 2) of each question that a window can hold; (0, 2) of unanswerable ones.

    And of answerable ones the first and the last token of all their answers, also of those that are too long.
    """
    spans: dict[int, np.ndarray] = {}
    bounds: dict[int, tuple[int, int]] = {}
    for row in rows.tolist():
        own = placed(answers[row])
        found = token_spans(texts, np.full(len(own), row), own)
        found = found[found[:, 1] >= found[:, 0]]
        fitting = found[found[:, 1] - found[:, 0] < room[row]]
        if not len(own) or len(fitting):
            spans[row] = fitting
        if len(fitting):
            bounds[row] = int(found[:, 0].min()), int(found[:, 1].max())
    return spans, bounds


def _one_draw(
    texts: Texts,
    room: np.ndarray,
    spans: dict[int, np.ndarray],
    bounds: dict[int, tuple[int, int]],
    rows: np.ndarray,
    negatives: float,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, first tokens and targets of one draw's windows."""
    last = np.maximum(0, texts.context.lengths[texts.of[rows]] - room[rows])  # the last place of a window
    answerable = np.array([len(spans[row]) > 0 for row in rows.tolist()], dtype=bool)
    picked = np.array(
        [
            spans[row][generator.integers(len(spans[row]))] if len(spans[row]) else (-1, -1)
            for row in rows.tolist()
        ],
        dtype=np.int64,
    ).reshape(-1, 2)
    low = np.where(answerable, np.maximum(0, picked[:, 1] + 1 - room[rows]), 0)
    high = np.where(answerable, np.minimum(picked[:, 0], last), last)
    first = generator.integers(low, high + 1)
    target = np.where(answerable[:, None], picked - first[:, None], -1)
    away = _away(room, bounds, rows, last, answerable, negatives, generator)
    nothing = np.full((len(away[0]), 2), -1)
    return np.r_[rows, away[0]], np.r_[first, away[1]], np.concatenate([target, nothing])


def _away(
    room: np.ndarray,
    bounds: dict[int, tuple[int, int]],
    rows: np.ndarray,
    last: np.ndarray,
    answerable: np.ndarray,
    negatives: float,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and first tokens of windows that touch no answer of their questions."""
    ends = np.array([bounds.get(row, (0, 0)) for row in rows.tolist()], dtype=np.int64).reshape(-1, 2)
    low, high = ends.T
    left = np.maximum(0, low - room[rows] + 1)  # places that end before the first answer
    right = np.maximum(0, last - high)  # ... that begin behind the last one
    possible = np.flatnonzero(answerable & (left + right > 0))
    chosen = np.sort(generator.permutation(possible)[: round(negatives * len(possible))])
    number = generator.integers(0, (left + right)[chosen]) if len(chosen) else chosen
    first = np.where(number < left[chosen], number, high[chosen] + 1 + number - left[chosen])
    return rows[chosen], first


def places(drawn: Drawn, before: np.ndarray) -> np.ndarray:
    """Return the targets (W, 2) as places in the sequences; ``before`` (W,) tokens stand before the context of each."""
    return np.where(drawn.target < 0, NULL, drawn.target + before[:, None])
