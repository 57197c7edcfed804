"""How often pseudo-labels are right, learned from out-of-fold rows, whose true labels are known.

The voters' out-of-fold predictions come from models that never saw the row, as their predictions of test rows do: rows
that pass the same bars are right equally often in both, class by class, unless the texts of the test set are others.

Shapes: R out-of-fold rows, K classes.
"""

from dataclasses import dataclass

import numpy as np

from podium.pseudo import Ballot, sure

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Known:
    """Out-of-fold rows (R) outside one fold: the voters' ballot, true classes, folds, and who has enough votes."""

    ballot: Ballot
    truth: np.ndarray
    folds: np.ndarray
    agreed: np.ndarray

    def take(self, rows: np.ndarray) -> "Known":
        """Some of the rows (R,) bool."""
        return Known(self.ballot.take(rows), self.truth[rows], self.folds[rows], self.agreed[rows])


@dataclass(frozen=True)
class Evidence:
    """Out-of-fold rows (K,) that pass as each class, and how many of them (K,) are of it.

    ``crossed`` says that each row passed bars that its own fold had no part in.
    """

    rows: np.ndarray
    right: np.ndarray
    crossed: bool


@dataclass(frozen=True)
class Precision:
    """Share of right pseudo-labels, of each class (K,) and of all, with standard errors.

    NaN where nothing was accepted, and for a class that no out-of-fold row passed as.
    """

    by_class: np.ndarray
    by_class_se: np.ndarray
    value: float
    se: float


def bars_for(known: Known, floors: np.ndarray, *, target: float) -> np.ndarray:
    """Return the bar (K,) of each class: the lowest confidence, from ``floors`` (K,) on, that makes it precise.

    Of n agreed rows with that confidence or more h are right; they are precise where (h + 1) / (n + 2), Laplace's rule
    of succession, is ``target`` or more: a few lucky rows at the top open no class. Infinite where nothing is enough.
    """
    ballot = known.ballot
    right = ballot.label == known.truth
    usable = known.agreed & sure(ballot, floors)
    bars = np.full(len(floors), np.inf)
    for label in range(len(floors)):
        rows = np.flatnonzero(usable & (ballot.label == label))
        order = rows[np.argsort(-ballot.confidence[rows], kind="stable")]
        confidence, hits = ballot.confidence[order], np.cumsum(right[order])
        estimate = (hits + 1) / (np.arange(len(order)) + 3)
        last_of_equals = np.r_[confidence[1:] < confidence[:-1], np.ones(min(1, len(order)), dtype=bool)]
        reached = np.flatnonzero(last_of_equals & (estimate >= target - _ROUNDING))
        if len(reached):
            bars[label] = confidence[reached[-1]]
    return bars


def passing(known: Known, floors: np.ndarray, cuts: np.ndarray, *, target: float | None) -> Evidence:
    """Count the rows that pass as a candidate does.

    ``cuts`` (K,) are the confidences below which no candidate of a class found room. With a ``target`` the rows of a
    fold meet the bars of the other folds' rows, as candidates meet bars that they had no part in: measured where they
    were chosen, bars look too good. With rows of one fold alone that cannot be done.
    """
    ballot, numbers = known.ballot, np.unique(known.folds)
    passed = known.agreed & sure(ballot, floors) & sure(ballot, cuts)
    crossed = target is not None and len(numbers) > 1
    if target is not None:
        for fold in numbers if crossed else [None]:
            mine = known.folds == fold if crossed else np.ones(len(known.truth), dtype=bool)
            bars = bars_for(known.take(~mine) if crossed else known, floors, target=target)
            passed[mine] &= sure(ballot.take(mine), bars)
    label, classes = ballot.label[passed], len(floors)
    right = label[label == known.truth[passed]]
    return Evidence(
        np.bincount(label, minlength=classes),
        np.bincount(right, minlength=classes),
        crossed or target is None,
    )


def estimate(evidence: Evidence, accepted: np.ndarray) -> Precision:
    """Estimate how many of ``accepted`` (K,) rows of each class have the right label.

    A class's precision is that of its out-of-fold rows; that of all is their mean with the accepted rows' classes. A
    class without out-of-fold rows counts as 0.5. The errors are those of both samples: of the out-of-fold rows (the
    variance of a beta distribution with Jeffreys' prior, which is not 0 where all rows are right) and of the
    accepted rows themselves.
    """
    rows, right = evidence.rows, evidence.right
    middle = (right + 0.5) / (rows + 1)
    spread = middle * (1 - middle)
    known = rows > 0
    by_class = np.where(known, right / np.maximum(rows, 1), np.nan)
    variance = spread / (rows + 2) + np.where(accepted > 0, spread / np.maximum(accepted, 1), 0)
    total = int(accepted.sum())
    if not total:
        return Precision(by_class, np.where(known, np.sqrt(variance), np.nan), np.nan, np.nan)
    share = accepted / total
    value = float((share * np.where(known, by_class, 0.5)).sum())
    return Precision(
        by_class,
        np.where(known, np.sqrt(variance), np.nan),
        value,
        float(np.sqrt((share**2 * variance).sum())),
    )
