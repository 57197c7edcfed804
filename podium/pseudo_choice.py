"""The pseudo-labels of one fold in one round: bars, class shares, verdicts, and how many of them are right.

The candidates' labels come from models of the fold, bars and precision from the true labels of the other folds. The
out-of-fold predictions that these are held against come from models that were trained with the fold's own labels, as
in every choice on out-of-fold predictions (docs/honesty.md, "What cross-fitting over the members' own folds leaves").
Shapes: N candidates, R out-of-fold rows outside the fold, K classes.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from podium import label_shift
from podium.errors import UserError, hint
from podium.predict import columns
from podium.pseudo import ACCEPTED, FULL, Ballot, class_shares, count, needed_votes, quota, select
from podium.pseudo_bars import Evidence, Known, Precision, bars_for, estimate, passing
from podium.shares import at_most

OTHERS = "*"
"""In a mapping of classes to bars: every class that is not named."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The keys of the config's block ``pseudo`` that choose rows; see ``podium.config.pseudo``.

    A mapping ``confidence`` names every class, or has the key ``*`` for the others.
    """

    agree: float
    votes: int | None
    confidence: float | Mapping[str, float]
    precision: float | None
    max_share: float
    balance: str
    top: int | None
    labels: str


def floors_of(confidence: float | Mapping[str, float], names: Sequence[str]) -> np.ndarray:
    """Return the least confidence (K,) of each class of ``names``; another class in it raises ``UserError``."""
    if not isinstance(confidence, Mapping):
        return np.full(len(names), float(confidence))
    for name in confidence:
        if name not in (*names, OTHERS):
            raise UserError(f"pseudo.confidence: there is no class '{name}'; {hint(name, names)}")
    return np.array([confidence[name if name in confidence else OTHERS] for name in names], dtype=np.float64)


def choose(
    candidates: Iterable[np.ndarray],
    oof: Iterable[np.ndarray],
    *,
    truth: np.ndarray,
    folds: np.ndarray,
    names: Sequence[str],
    tested: np.ndarray,
    barred: np.ndarray,
    rules: Rules,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Choose among candidates; return their table and the facts of the choice.

    Parameters
    ----------
    candidates
        Each voter's probabilities (N, K) by its model of this fold.
    oof
        The same voters' out-of-fold probabilities (R, K) of train rows outside this fold.
    truth, folds
        Classes (R,) and folds (R,) of these rows.
    names
        The classes.
    tested, barred
        Which candidates (N,) bool are test rows, and which resemble a row of the fold.
    rules
        How to choose.

    Returns
    -------
    A table with ``label`` (class name), ``votes``, ``confidence``, ``accepted``, ``why`` (``podium.pseudo.select``)
    and, for soft labels, the voters' mean probabilities ``p:CLASS``; and the facts, JSON-able: ``voters``,
    ``candidates``, ``accepted``, ``why`` (rows by reason), ``precision`` (estimated share of right labels among the
    accepted rows, its ``se``, whether its bars were ``cross_fitted``; null where none was accepted), ``classes`` (by
    name: ``bar``, null where none is precise enough, ``labelled``, ``accepted``, ``room``, ``oof_rows`` and
    ``oof_right`` that passed the same bars, ``precision``, ``se``), ``prior`` (``podium.label_shift``; null where it
    was not asked for).
    """
    ballot, mean = count(candidates)
    known_ballot, known_mean = count(oof)
    needed = needed_votes(ballot.voters, agree=rules.agree, votes=rules.votes)
    known = Known(known_ballot, truth, folds, known_ballot.votes >= needed)
    floors = floors_of(rules.confidence, names)
    bars = floors
    if rules.precision is not None:
        bars = np.maximum(floors, bars_for(known, floors, target=rules.precision))
    share, prior = _shares(rules.balance, known_mean, truth, mean[tested], names)
    table = select(
        ballot,
        needed=needed,
        floors=floors,
        bars=bars,
        max_share=rules.max_share,
        class_share=share,
        top=rules.top,
        barred=barred,
    )
    cuts = _cuts(table, len(names))
    evidence = passing(known, floors, cuts, target=rules.precision)
    accepted = np.bincount(table["label"][table["accepted"]], minlength=len(names))
    room = _room(rules, share, int((~barred).sum()), len(names))
    found = estimate(evidence, accepted)
    facts = _facts(table, ballot, barred, found, evidence) | {
        "classes": {
            name: _class_facts(k, bars, table, accepted, room, evidence, found)
            for k, name in enumerate(names)
        },
        "prior": prior,
    }
    table["label"] = table["label"].map(dict(enumerate(names))).astype("str")
    if rules.labels == "soft":
        table[columns(names)] = mean.astype(np.float32)
    return table, facts


def _shares(
    balance: str, oof: np.ndarray, truth: np.ndarray, test: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray | None, dict[str, Any] | None]:
    """Class shares (K,) that share out the room, None for one list; facts of the estimated prior, where asked for."""
    classes = len(names)
    if balance == "none":
        return None, None
    if balance == "equal":
        return np.full(classes, 1 / classes), None
    train = class_shares(truth, classes)
    if balance == "train":
        return train, None
    if balance != "prior":
        raise ValueError(f"balance must be train, prior, equal or none, not '{balance}'")
    present = np.flatnonzero(train)  # a class that only this fold has is no part of what its models know
    if len(present) < 2 or not len(test):
        return train, {"applied": False}
    place = np.searchsorted(present, truth)
    shift = label_shift.guarded(oof[:, present], place, test[:, present], utility=_likelihood)
    test_shares = np.zeros(classes)
    test_shares[present] = shift.test
    facts = {
        **shift.found(),
        "train": dict(zip(names, train.tolist(), strict=True)),
        "test": dict(zip(names, test_shares.tolist(), strict=True)),
    }
    return (test_shares if shift.applied else train), facts


def _likelihood(proba: np.ndarray, truth: np.ndarray) -> float:
    """Mean log-likelihood: what the guard wants to see rise with the estimated shares."""
    return float(np.log(np.maximum(proba[np.arange(len(truth)), truth], 1e-12)).mean())


def _cuts(table: pd.DataFrame, classes: int) -> np.ndarray:
    """Confidence (K,) below which rows of a class found no room; 0 where all found some."""
    turned_away = table["label"][table["why"].isin(FULL)].unique()
    lowest = table[table["accepted"]].groupby("label")["confidence"].min()
    cuts = np.zeros(classes)
    cuts[turned_away] = [lowest.get(label, np.inf) for label in turned_away]
    return cuts


def _room(rules: Rules, share: np.ndarray | None, candidates: int, classes: int) -> list[int]:
    """Most rows of each class that may be accepted."""
    room = at_most(rules.max_share, candidates)
    rows = np.full(classes, room) if share is None else quota(room, share)
    return [int(most) for most in (rows if rules.top is None else np.minimum(rows, rules.top))]


def _facts(
    table: pd.DataFrame, ballot: Ballot, barred: np.ndarray, found: Precision, evidence: Evidence
) -> dict[str, Any]:
    counts = table["why"].value_counts()
    accepted = int(table["accepted"].sum())
    return {
        "voters": ballot.voters,
        "candidates": int((~barred).sum()),
        "accepted": accepted,
        "why": {
            str(why): int(counts[why]) for why in sorted(counts.index, key=lambda why: (why != ACCEPTED, why))
        },
        "precision": {"value": found.value, "se": found.se, "cross_fitted": evidence.crossed}
        if accepted
        else None,
    }


def _class_facts(
    k: int,
    bars: np.ndarray,
    table: pd.DataFrame,
    accepted: np.ndarray,
    room: list[int],
    evidence: Evidence,
    found: Precision,
) -> dict[str, Any]:
    known = evidence.rows[k] > 0
    return {
        "bar": float(bars[k]) if np.isfinite(bars[k]) else None,
        "labelled": int((table["label"] == k).sum()),
        "accepted": int(accepted[k]),
        "room": room[k],
        "oof_rows": int(evidence.rows[k]),
        "oof_right": int(evidence.right[k]),
        "precision": float(found.by_class[k]) if known else None,
        "se": float(found.by_class_se[k]) if known else None,
    }
