"""Pseudo-labels for one fold: test and unlabelled rows on which that fold's own models agree.

A row is labelled when enough voters have the same most probable class and their mean probability of it is high (Lee,
Pseudo-Label, ICML 2013 workshop); the number taken of each class follows the training part, since a class that
the voters prefer would otherwise grow with every round (class-balanced self-training: Zou et al., ECCV 2018).
"""

import numpy as np
import pandas as pd

ACCEPTED = "accepted"
SPLIT = "votes differ"
UNSURE = "below confidence"
CLASS_FULL = "class quota"
ALL_FULL = "max_share reached"
BARRED = "near-duplicate in the fold"

_ROUNDING = 1e-9


def select(
    test_proba: np.ndarray,
    *,
    agree: float,
    confidence: float,
    max_share: float,
    balance: str,
    class_share: np.ndarray,
    barred: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return the verdict on each candidate (N), in order: ``label``, ``votes``, ``confidence``, ``accepted``, ``why``.

    ``test_proba`` (M, N, K) comes from the fold-k models of M voters. ``label`` is the class index with the most votes
    (ties: the higher mean probability), ``votes`` how many voters have it as their most probable class,
    ``confidence`` the mean over all voters of its probability. A row passes with at least ``agree * M`` votes and
    ``confidence`` or more. Of those that pass at most ``max_share * N`` are accepted, most confident first, ties in
    the order of rows. With ``balance`` "train" each class has its own part of that number, in proportion to
    ``class_share`` (K,), the class shares of fold k's training part; with "none" there is one list for all. Rows that
    are ``barred`` (N,), since they resemble a row of fold k, are no candidates: they are neither taken nor counted.
    """
    if balance not in ("train", "none"):
        raise ValueError(f"balance must be 'train' or 'none', not '{balance}'")
    voters, rows, classes = test_proba.shape
    mean = test_proba.mean(axis=0)
    ballots = test_proba.argmax(axis=2)
    tally = np.stack([(ballots == label).sum(axis=0) for label in range(classes)], axis=1)
    # A mean probability is below 1 vote, or equal to it where the votes are not tied.
    label = (tally + mean * (1 - _ROUNDING)).argmax(axis=1)
    votes = tally[np.arange(rows), label]
    sure = mean[np.arange(rows), label]
    full = CLASS_FULL if balance == "train" else ALL_FULL
    why = np.full(rows, full, dtype=object)
    why[sure < confidence - _ROUNDING] = UNSURE
    why[votes < agree * voters - _ROUNDING] = SPLIT
    if barred is not None:
        why[barred] = BARRED
    passed = np.flatnonzero(why == full)
    ranked = passed[np.argsort(-sure[passed], kind="stable")]
    candidates = rows if barred is None else int(rows - barred.sum())
    room = int(np.floor(max_share * candidates + _ROUNDING))
    quota = _quota(room, class_share) if balance == "train" else np.full(classes, room)
    list_of = label[ranked] if balance == "train" else np.zeros(len(ranked), dtype=np.int64)
    why[ranked[_rank_within(list_of) < quota[list_of]]] = ACCEPTED
    return pd.DataFrame(
        {
            "label": label,
            "votes": votes,
            "confidence": sure,
            "accepted": why == ACCEPTED,
            "why": pd.Series(why, dtype="str"),
        }
    )


def _quota(room: int, class_share: np.ndarray) -> np.ndarray:
    """Share out ``room`` rows in proportion (K,) int, the rest to the largest remainders."""
    exact = room * class_share / class_share.sum()
    quota = np.floor(exact + _ROUNDING).astype(np.int64)
    largest = np.argsort(quota - exact, kind="stable")
    quota[largest[: room - quota.sum()]] += 1
    return quota


def _rank_within(group: np.ndarray) -> np.ndarray:
    """Return how many earlier rows have the same ``group`` (R,)."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - np.searchsorted(ordered, ordered)
    return rank


def class_shares(truth: np.ndarray, folds: np.ndarray, *, fold: int, classes: int) -> np.ndarray:
    """Return the class shares (K,) of the training part of ``fold``: its own labels (N,) are not looked at."""
    rows = np.bincount(truth[folds != fold], minlength=classes)
    return rows / rows.sum()
