"""Cross-validation folds: stratified by label, with near-duplicates and the user's groups kept together."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from podium.duplicates import components
from podium.errors import UserError

log = logging.getLogger(__name__)


def units(groups: Sequence[str] | None, clusters: np.ndarray) -> np.ndarray:
    """Return the label (N,) int of the set of rows that must share a fold, numbered in the order of first rows.

    Sets are the connected components of the user's ``groups`` (N) and the near-duplicate ``clusters`` (N,). A row
    whose group is an empty string belongs to no group.
    """
    if groups is None:
        return components(clusters)
    named = np.asarray(groups, dtype=object)
    return components(clusters, np.where(named == "", -1, pd.factorize(named)[0]))


def make_folds(
    targets: Sequence[str], groups: Sequence[str] | None, clusters: np.ndarray, *, n: int, seed: int
) -> np.ndarray:
    """Return the fold (N,) int in 0..n-1 of each row; a fold is never empty and never splits a unit.

    Units of several rows are placed one by one, those with the largest shares of their classes first, each in the
    fold that has the least of the same classes. Single rows then fill every class up to the same count in each fold,
    so that without such units a class differs by at most one row between folds. Rarer classes are dealt first, the
    idea of Sechidis, Tsoumakas and Vlahavas, On the Stratification of Multi-Label Data (2011), algorithm 1. The last
    unit of a class never joins all the others in one fold, unless that would gather another class: so each
    training part has every class that lies in several units. A class with fewer rows than folds is fine.

    Raises ``UserError`` when there are fewer units than folds.
    """
    unit = units(groups, clusters)
    count = int(unit.max(initial=-1)) + 1
    if n < 2 or count < n:
        raise UserError(
            f"folds.n: {n} folds cannot be made of {count} independent groups of rows: "
            f"choose between 2 and {count}, or check the group column and folds.near_duplicates"
        )
    table = _Table(pd.factorize(np.asarray(targets, dtype=object))[0], unit)
    folds = _place(table, n=n, rng=np.random.default_rng(seed))[unit]
    largest = np.bincount(folds, minlength=n).max()
    if largest > 1.5 * np.ceil(len(folds) / n):
        log.warning("folds are uneven: the largest has %d of %d rows; a group is large", largest, len(folds))
    return folds


class _Table:
    """How many rows of each class each unit has, as cells ordered by unit."""

    def __init__(self, target: np.ndarray, unit: np.ndarray) -> None:
        classes = int(target.max()) + 1
        cells, self.rows = np.unique(unit * classes + target, return_counts=True)
        self.unit, self.target = np.divmod(cells, classes)
        self.sizes = np.bincount(unit)
        self.class_rows = np.bincount(target)
        self.class_units = np.bincount(self.target)
        self.starts = np.searchsorted(self.unit, np.arange(len(self.sizes) + 1))

    def of(self, unit: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the classes of a unit and how many rows it has of each."""
        part = slice(self.starts[unit], self.starts[unit + 1])
        return self.target[part], self.rows[part]


def _place(table: _Table, *, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return the fold of each unit (U,): units of several rows greedily, single rows by filling up."""
    held = np.zeros((n, len(table.class_rows)), dtype=np.int64)
    fold_of = np.full(len(table.sizes), -1)
    shuffled = rng.permutation(len(table.sizes))
    _place_large(table, shuffled[table.sizes[shuffled] > 1], held, fold_of)
    single = shuffled[table.sizes[shuffled] == 1]
    target = table.target[table.starts[single]]
    single = single[np.argsort(target, kind="stable")]
    ends = np.cumsum(np.bincount(target, minlength=len(table.class_rows)))
    total = held.sum(axis=1)
    for rare in np.argsort(table.class_rows, kind="stable"):
        members = single[ends[rare - 1] if rare else 0 : ends[rare]]
        added = _fill(held[:, rare], total, len(members))
        fold_of[members] = np.repeat(np.arange(n), added)
        total += added
    return fold_of


def _place_large(table: _Table, several: np.ndarray, held: np.ndarray, fold_of: np.ndarray) -> None:
    """Place units of several rows, in place, where the squared shares of their classes grow least."""
    total = held.sum(axis=1)
    left = table.class_units.copy()
    share = np.bincount(table.unit, weights=(table.rows / table.class_rows[table.target]) ** 2)
    for unit in several[np.argsort(-share[several], kind="stable")]:
        target, rows = table.of(unit)
        now = held[:, target]
        # The size of the fold counts like one more class.
        cost = now @ (rows / table.class_rows[target] ** 2) + total * (
            rows.sum() / table.class_rows.sum() ** 2
        )
        # The last unit of a class must not join all the others in one fold: no training part would have it.
        gathers = (now > 0) & (now == now.sum(axis=0)) & (left[target] == 1)
        best = np.lexsort((cost, gathers.sum(axis=1)))[0]
        fold_of[unit] = best
        held[best, target] += rows
        total[best] += rows.sum()
        left[target] -= 1


def _fill(level: np.ndarray, total: np.ndarray, rows: int) -> np.ndarray:
    """Return how many of ``rows`` each fold gets (n,): always the one of the lowest level, then total."""
    added = np.zeros(len(level), dtype=np.int64)
    order = np.lexsort((total, level))
    # Fill the folds up to the level of the next higher one while the rows last.
    for folds in range(1, len(order) + 1):
        lowest = order[:folds]
        ceiling = level[order[folds]] if folds < len(order) else np.inf
        gap = (ceiling - (level + added)[lowest]).sum()
        if rows <= gap:
            break
        added[lowest] += (ceiling - (level + added)[lowest]).astype(np.int64)
        rows -= int(gap)
    added[lowest] += rows // len(lowest)
    rest = lowest[np.argsort((total + added)[lowest], kind="stable")]
    added[rest[: rows % len(lowest)]] += 1
    return added
