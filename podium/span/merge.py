"""From what a reader says of the tokens of every window to probabilities of the characters of each context.

Scores of different windows are compared by their log-odds against "no answer" in the same window: each window's softmax
is trained with that outcome in it, so it is the one unit that all windows share, where plain scores may be shifted from
window to window. A context whose other windows rule the answer out then says of the last one what that one says
alone. Without such an outcome (no question of the training part lacks an answer, and no window was drawn without one)
the scores themselves are compared, as in the normalisation across paragraphs of Clark and Gardner 2018 (arXiv
1710.10723, section 3.3). A token in several windows counts by its best score.
"""

from collections.abc import Sequence

import numpy as np

from podium.span.predictions import Spans

KEPT = 30
"""Starts and ends that are kept of each window and of each context."""
LEAST = 1e-5
"""Lowest probability that is kept."""


def merge(
    ids: Sequence[str],
    starts: tuple[np.ndarray, np.ndarray, np.ndarray],
    ends: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    nulls: bool,
) -> Spans:
    """Return the predictions of N questions.

    ``starts`` and ``ends`` are (question, character, score) of tokens, three arrays (T,) in any order: with ``nulls``
    log-odds against no answer, else plain scores. P(no answer) is the geometric mean of what starts and ends say of it.
    """
    first, last = (_softmax(*entries, count=len(ids), nulls=nulls) for entries in (starts, ends))
    rows, places = np.r_[first[0], last[0]], np.r_[first[1], last[1]]
    nothing = [np.zeros(len(part[0])) for part in (first, last)]
    null = np.sqrt(first[3] * last[3])
    spans = Spans.gather(ids, rows, places, np.r_[first[2], nothing[1]], np.r_[nothing[0], last[2]], null)
    return spans.pruned(kept=KEPT, least=LEAST)


def _softmax(
    rows: np.ndarray, places: np.ndarray, scores: np.ndarray, *, count: int, nulls: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return question, character and probability, given an answer, of each character, and P(no answer) (N,)."""
    width = int(places.max(initial=0)) + 1
    order = np.lexsort([-scores, rows * width + places])
    keys = (rows * width + places)[order]
    best = order[np.diff(keys, prepend=-1) > 0]
    rows, places, scores = rows[best], places[best], scores[best].astype(np.float64)
    top = np.full(count, 0.0 if nulls else -np.inf)
    np.maximum.at(top, rows, scores)
    odds = np.exp(scores - top[rows])
    total = np.bincount(rows, weights=odds, minlength=count)
    null = np.exp(-np.where(np.isfinite(top), top, 0)) if nulls else np.zeros(count)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(null + total > 0, null / (null + total), 1.0)
        proba = odds / np.where(total > 0, total, 1)[rows]
    return rows, places, proba, share
