"""Cross-validation folds: stratified by target, with near-duplicates and the user's groups kept together."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from podium.duplicates import components
from podium.errors import UserError
from podium.targets import TaskType, split

log = logging.getLogger(__name__)

_BINS = 10
"""Quantile bins of a regression's values, as is usual; fewer where they would hold less than a row for each fold."""


def units(groups: Sequence[str] | None, clusters: np.ndarray) -> np.ndarray:
    """Return the label (N,) int of the set of rows that must share a fold, numbered in the order of first rows.

    Sets are the connected components of the user's ``groups`` (N) and the near-duplicate ``clusters`` (N,). A row
    whose group is an empty string belongs to no group.
    """
    if groups is None:
        return components(clusters)
    named = np.asarray(groups, dtype=object)
    return components(clusters, np.where(named == "", -1, pd.factorize(named)[0]))


def with_equal_texts(groups: Sequence[str] | None, texts: Sequence[str]) -> list[str]:
    """Return groups (N) that hold the user's ``groups`` (N) together, and the rows of each of the ``texts`` (N)."""
    same = pd.factorize(np.asarray(texts, dtype=object))[0]
    return units(groups, same).astype(str).tolist()


def make_folds(
    targets: Sequence[str],
    groups: Sequence[str] | None,
    clusters: np.ndarray,
    *,
    n: int,
    seed: int,
    type: TaskType = "single_label",
) -> np.ndarray:
    """Return the fold (N,) int in 0..n-1 of each row; a fold is never empty and never splits a unit.

    ``targets`` are N target texts (``podium.targets``). A row's classes are its label; or its labels, where a row
    without any has the class "no label"; or the quantile bin of each of its values.

    Units of several rows and rows of several classes are placed one by one, those with the largest shares of their
    classes first, each in the fold that has the least of the same classes. Rows of one class then fill every class up
    to the same count in each fold, so that where there are no others a class differs by at most one row between folds.
    Rarer classes are dealt first, the idea of Sechidis, Tsoumakas and Vlahavas, On the Stratification of Multi-Label
    Data (2011), algorithm 1. The last unit of a class never joins all the others in one fold, unless that would gather
    another class: so each training part has every class that lies in several units. A class with fewer rows than folds
    is fine.

    Raises ``UserError`` when there are fewer units than folds.
    """
    return deal(*classes_of(targets, n, type), units(groups, clusters), n=n, seed=seed)


def deal(row: np.ndarray, target: np.ndarray, unit: np.ndarray, *, n: int, seed: int) -> np.ndarray:
    """Return the fold (N,) of each row as ``make_folds`` does, which see.

    ``row`` and ``target`` are pairs of a row and one of its classes (``classes_of``), ``unit`` (N,) the set that each
    row is in, numbered from 0 on.
    """
    count = int(unit.max(initial=-1)) + 1
    if n < 2 or count < n:
        mend = (
            f"choose between 2 and {count}, or" if count > 1 else "all have one group or resemble each other;"
        )
        raise UserError(
            f"folds.n: {n} folds cannot be made of {count} independent groups of rows: "
            f"{mend} check the group column and folds.near_duplicates"
        )
    table = _Table(row, target, unit)
    folds = _place(table, n=n, rng=np.random.default_rng(seed))[unit]
    largest = np.bincount(folds, minlength=n).max()
    if largest > 1.5 * np.ceil(len(folds) / n):
        log.warning("folds are uneven: the largest has %d of %d rows; a group is large", largest, len(folds))
    return folds


def classes_of(targets: Sequence[str], n: int, type: TaskType) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of a row and one of its classes, as two int arrays of equal length; every row has a class.

    ``targets`` are texts (``podium.targets``); the values of a regression have bins, ``n`` rows each at least.
    """
    codes, unique = pd.factorize(np.asarray(targets, dtype=object))
    if type == "single_label":
        return np.arange(len(codes)), codes
    if type == "regression":
        values = np.array([[float(part) for part in split(text)] for text in unique])[codes]
        bins = min(_BINS, max(1, len(values) // n))
        below = [np.searchsorted(np.sort(column), column) for column in values.T]
        found = np.column_stack(below) * bins // len(values) + bins * np.arange(values.shape[1])
        # Bins that ties leave empty have no number
        return np.repeat(np.arange(len(found)), found.shape[1]), np.unique(found, return_inverse=True)[
            1
        ].ravel()
    parts = [split(text) or [""] for text in unique]
    sizes = np.array([len(labels) for labels in parts])
    labels = pd.factorize(np.array([label for labels in parts for label in labels], dtype=object))[0]
    lists = np.split(labels, np.cumsum(sizes)[:-1])
    return np.repeat(np.arange(len(codes)), sizes[codes]), np.concatenate([lists[code] for code in codes])


class _Table:
    """How many rows of each class each unit has, as cells ordered by unit.

    ``row`` and ``target`` (C,) are pairs of a row and one of its classes, ``unit`` (N,) the unit of each row.
    """

    def __init__(self, row: np.ndarray, target: np.ndarray, unit: np.ndarray) -> None:
        classes = int(target.max()) + 1
        cells, self.rows = np.unique(unit[row] * classes + target, return_counts=True)
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
    """Return the fold of each unit (U,): rows of one class by filling up, greedily what is larger."""
    held = np.zeros((n, len(table.class_rows)), dtype=np.int64)
    fold_of = np.full(len(table.sizes), -1)
    shuffled = rng.permutation(len(table.sizes))
    alone = (table.sizes == 1) & (np.diff(table.starts) == 1)
    total = np.zeros(n, dtype=np.int64)
    _place_large(table, shuffled[~alone[shuffled]], held, total, fold_of)
    single = shuffled[alone[shuffled]]
    target = table.target[table.starts[single]]
    single = single[np.argsort(target, kind="stable")]
    ends = np.cumsum(np.bincount(target, minlength=len(table.class_rows)))
    for rare in np.argsort(table.class_rows, kind="stable"):
        members = single[ends[rare - 1] if rare else 0 : ends[rare]]
        added = _fill(held[:, rare], total, len(members))
        fold_of[members] = np.repeat(np.arange(n), added)
        total += added
    return fold_of


def _place_large(
    table: _Table, several: np.ndarray, held: np.ndarray, total: np.ndarray, fold_of: np.ndarray
) -> None:
    """Place units of several rows or classes, in place, where the squared shares of their classes grow least."""
    all_rows = table.sizes.sum()
    left = table.class_units.copy()
    share = np.bincount(table.unit, weights=(table.rows / table.class_rows[table.target]) ** 2)
    for unit in several[np.argsort(-share[several], kind="stable")]:
        target, rows = table.of(unit)
        now = held[:, target]
        # The size of the fold counts like one more class.
        cost = now @ (rows / table.class_rows[target] ** 2) + total * (table.sizes[unit] / all_rows**2)
        # The last unit of a class must not join all the others in one fold: no training part would have it.
        gathers = (now > 0) & (now == now.sum(axis=0)) & (left[target] == 1)
        best = np.lexsort((cost, gathers.sum(axis=1)))[0]
        fold_of[unit] = best
        held[best, target] += rows
        total[best] += table.sizes[unit]
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
