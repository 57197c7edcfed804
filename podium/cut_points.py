"""Ordinal decisions: values are cut into whole-number grades where quadratic weighted kappa is best.

The values are a regression's predictions, or the expected value of class probabilities. Competitors look for the cuts
by hill climbing; here they are the best of all, for kappa is a ratio of two sums over rows.
"""

import numpy as np

_ROUNDS = 50
"""Far more rounds than the ratio ever needed to converge (3 to 6)."""
_TOLERANCE = 1e-12


def expected(proba: np.ndarray) -> np.ndarray:
    """Return the expected class position (N, 1) of class probabilities (N, K)."""
    return (proba @ np.arange(proba.shape[1], dtype=np.float64))[:, None]


def cut(values: np.ndarray, low: int, cuts: np.ndarray) -> np.ndarray:
    """Return grades (N,) int: ``low`` plus how many of the ``cuts`` (C,), rising, are at or below each value (N,)."""
    return low + np.searchsorted(cuts, values, side="right")


def fit_cuts(values: np.ndarray, truth: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the lowest grade and the cuts (C,) between grades that are best for quadratic kappa on these rows.

    ``values`` and ``truth`` are (N,), the truth whole numbers; the grades are all from its smallest to its largest.
    With truth t and grades g, kappa is 1 - sum (t - g)^2 / sum (t^2 + g^2 - 2 mean(t) g) (Cohen 1968), and both sums
    are over rows. Such a ratio is least where, for the right factor, numerator minus factor times denominator is least
    (Dinkelbach, On Nonlinear Fractional Programming, Management Science 1967); that grades rise with the values
    makes this a shortest path, solved exactly by dynamic programming in N times the number of grades. A cut stands in
    the middle between the values that it parts; where a grade is given to no row, its cuts are equal.
    """
    low, high = int(truth.min()), int(truth.max())
    grades = np.arange(low, high + 1, dtype=np.float64)
    if low == high:
        return low, np.empty(0)
    levels, at = np.unique(values, return_inverse=True)
    rows = np.bincount(at).astype(np.float64)
    sums = np.bincount(at, truth)
    middle, squares = float(truth.mean()), float((truth**2).sum())
    factor, starts = 1.0, np.zeros(len(grades), dtype=np.int64)
    for _ in range(_ROUNDS):
        cost = (1 - factor) * rows[:, None] * grades**2
        cost -= 2 * (sums[:, None] - factor * middle * rows[:, None]) * grades
        starts = _best_path(cost)
        given = grades[np.searchsorted(starts[1:], np.arange(len(levels)), side="right")]
        fixed = (rows * given**2).sum() + squares
        top, bottom = fixed - 2 * (sums * given).sum(), fixed - 2 * middle * (rows * given).sum()
        ratio = top / bottom if bottom > 0 else 1.0
        if ratio >= factor - _TOLERANCE:
            break
        factor = ratio
    return low, _between(levels, starts[1:])


def _best_path(cost: np.ndarray) -> np.ndarray:
    """Return for each of G grades the first of the L levels that is given it or a higher one (G,).

    ``cost`` is (L, G); the grades of the levels never fall.
    """
    levels, grades = cost.shape
    # Best cost of the first n levels, when the last of them has this grade or a lower one.
    reached = np.r_[0.0, np.cumsum(cost[:, 0])]
    begun = np.zeros((grades, levels + 1), dtype=np.int64)
    for grade in range(1, grades):
        total = np.r_[0.0, np.cumsum(cost[:, grade])]
        saved = reached - total
        best = np.minimum.accumulate(saved)
        # Where the running minimum last fell: the number of levels that are left to the lower grades.
        begun[grade] = np.maximum.accumulate(np.where(saved <= best, np.arange(levels + 1), 0))
        reached = best + total
    starts, end = np.zeros(grades, dtype=np.int64), levels
    for grade in range(grades - 1, 0, -1):
        end = begun[grade, end]
        starts[grade] = end
    return starts


def _between(levels: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the values (C,) between the levels ``starts - 1`` and ``starts``, a little outside at the ends."""
    beyond = np.r_[levels[0] - 1.0, levels, levels[-1] + 1.0]
    return (beyond[starts] + beyond[starts + 1]) / 2
