"""Pseudo-labels for one fold: test and unlabelled rows on which that fold's own models agree.

A row is labelled when enough voters have the same most probable class and their mean probability of it is high (Lee,
Pseudo-Label, ICML 2013 workshop); the number taken of each class follows its share, since a class that the voters
prefer would otherwise grow with every round (class-balanced self-training: Zou et al., ECCV 2018).

Shapes: M voters, N rows, K classes.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from podium.shares import at_most

ACCEPTED = "accepted"
SPLIT = "votes differ"
UNSURE = "below confidence"
IMPRECISE = "below the bar of precision"
TOP_FULL = "top of its class is full"
CLASS_FULL = "class quota"
ALL_FULL = "max_share reached"
BARRED = "near-duplicate in the fold"
FULL = (TOP_FULL, CLASS_FULL, ALL_FULL)
"""Reasons of rows that pass every bar and find no room."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Ballot:
    """What M voters say of N rows.

    ``label`` (N,) is the class with the most votes (ties: the higher mean probability), ``votes`` (N,) how many voters
    have it as their most probable class, ``confidence`` (N,) the mean over all voters of its probability.
    """

    label: np.ndarray
    votes: np.ndarray
    confidence: np.ndarray
    voters: int

    def take(self, rows: np.ndarray) -> "Ballot":
        """The ballot of some rows (N,) bool."""
        return Ballot(self.label[rows], self.votes[rows], self.confidence[rows], self.voters)


def count(voters: Iterable[np.ndarray]) -> tuple[Ballot, np.ndarray]:
    """Count the votes of voters' probabilities, (N, K) each, one after the other: memory need not hold all of them.

    Returns the ballot and the mean probabilities (N, K).
    """
    number, total, tally = 0, np.zeros((0, 0)), np.zeros((0, 0), dtype=np.int32)
    for proba in voters:
        if not number:
            total, tally = np.zeros(proba.shape), np.zeros(proba.shape, dtype=np.int32)
        total += proba
        tally[np.arange(len(proba)), proba.argmax(axis=1)] += 1
        number += 1
    if not number:
        raise ValueError("there is no voter")
    mean = total / number
    # A mean probability is below 1 vote, or equal to it where the votes are not tied.
    label = (tally + mean * (1 - _ROUNDING)).argmax(axis=1)
    rows = np.arange(len(label))
    return Ballot(label, tally[rows, label].astype(np.int64), mean[rows, label], number), mean


def needed_votes(voters: int, *, agree: float, votes: int | None) -> int:
    """Least number of votes that is a share of at least ``agree`` and not below ``votes``."""
    return max(math.ceil(agree * voters - _ROUNDING), votes or 1, 1)


def sure(ballot: Ballot, bars: np.ndarray) -> np.ndarray:
    """Return which rows (N,) bool reach the bar (K,) of their label."""
    return np.asarray(ballot.confidence >= bars[ballot.label] - _ROUNDING)


def select(
    ballot: Ballot,
    *,
    needed: int,
    floors: np.ndarray,
    bars: np.ndarray,
    max_share: float,
    class_share: np.ndarray | None,
    top: int | None,
    barred: np.ndarray,
) -> pd.DataFrame:
    """Return the verdict on each candidate (N), in order: ``label``, ``votes``, ``confidence``, ``accepted``, ``why``.

    Parameters
    ----------
    needed
        Least number of votes.
    floors, bars
        The confidence (K,) that rows of a class need, by the config and by precision; a row needs both.
    max_share
        Of the rows that pass at most this share of the candidates is accepted, most confident first, ties in the order
        of rows.
    class_share
        (K,), shares out that number: each class has its own part; None: there is one list for all.
    top
        At most so many rows of a class.
    barred
        (N,) bool: rows that resemble a row of the fold are no candidates: they are neither taken nor counted.
    """
    full = ALL_FULL if class_share is None else CLASS_FULL
    why = np.full(len(ballot.label), full, dtype=object)
    why[~sure(ballot, bars)] = IMPRECISE
    why[~sure(ballot, floors)] = UNSURE
    why[ballot.votes < needed] = SPLIT
    why[barred] = BARRED
    passed = np.flatnonzero(why == full)
    ranked = passed[np.argsort(-ballot.confidence[passed], kind="stable")]
    if top is not None:
        within = _rank_within(ballot.label[ranked]) < top
        why[ranked[~within]] = TOP_FULL
        ranked = ranked[within]
    room = at_most(max_share, int((~barred).sum()))
    if class_share is None:
        taken = ranked[:room]
    else:
        label = ballot.label[ranked]
        taken = ranked[_rank_within(label) < quota(room, class_share)[label]]
    why[taken] = ACCEPTED
    return pd.DataFrame(
        {
            "label": ballot.label,
            "votes": ballot.votes,
            "confidence": ballot.confidence,
            "accepted": why == ACCEPTED,
            "why": pd.Series(why, dtype="str"),
        }
    )


def quota(room: int, class_share: np.ndarray) -> np.ndarray:
    """Share out ``room`` rows in proportion (K,) int, the rest to the largest remainders."""
    exact = room * class_share / class_share.sum()
    rows = np.floor(exact + _ROUNDING).astype(np.int64)
    largest = np.argsort(rows - exact, kind="stable")
    rows[largest[: room - rows.sum()]] += 1
    return rows


def _rank_within(group: np.ndarray) -> np.ndarray:
    """Return how many earlier rows have the same ``group`` (R,)."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - np.searchsorted(ordered, ordered)
    return rank


def class_shares(truth: np.ndarray, classes: int) -> np.ndarray:
    """Return the class shares (K,) of rows with labels (N,)."""
    rows = np.bincount(truth, minlength=classes)
    return rows / rows.sum()
