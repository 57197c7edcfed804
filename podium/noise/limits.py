"""How many of the flagged rows are acted on."""

import numpy as np

from podium.shares import at_most


def within(
    issue: np.ndarray,
    quality: np.ndarray,
    target: np.ndarray,
    *,
    max_share: float,
    class_max_share: float,
    min_rows: int,
) -> np.ndarray:
    """Return which flagged rows (N,) bool stay inside all limits; the lowest quality goes first.

    Parameters
    ----------
    issue, quality
        (N,) bool and float; NaN quality only where not flagged.
    target
        Class indices (N,), or 0 and 1 (N, K) of a multi-label task, whose rows count in each class of theirs.
    max_share
        Of all N rows.
    class_max_share
        Of the rows of each class.
    min_rows
        Rows that each class keeps; one that has no more to begin with loses none.
    """
    left = _room(target, class_max_share=class_max_share, min_rows=min_rows)
    total = at_most(max_share, len(issue))
    taken = np.zeros(len(issue), dtype=bool)
    flagged = np.flatnonzero(issue)
    for row in flagged[np.argsort(quality[flagged], kind="stable")].tolist():
        if not total:
            break
        classes = [int(target[row])] if target.ndim == 1 else np.flatnonzero(target[row]).tolist()
        if all(left[label] for label in classes):
            taken[row] = True
            total -= 1
            for label in classes:
                left[label] -= 1
    return taken


def _room(target: np.ndarray, *, class_max_share: float, min_rows: int) -> list[int]:
    """How many rows each class may lose."""
    if not len(target):
        return []
    sizes = np.bincount(target) if target.ndim == 1 else target.sum(axis=0)
    return [
        max(0, min(at_most(class_max_share, int(size)), size - min_rows))
        for size in sizes.astype(np.int64).tolist()
    ]
