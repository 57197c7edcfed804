"""Questions without a known answer that are learned from with the one that the members gave.

Shapes: N questions to choose from, T training questions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from podium.pseudo import ACCEPTED, ALL_FULL, SPLIT, UNSURE, needed_votes
from podium.pseudo_bars import Evidence, estimate
from podium.shares import at_most
from podium.span import metrics, rules
from podium.span.answers import Answer, decode_all, encode, texts
from podium.span.decode import DecodeOptions, decode
from podium.span.ensembles import Questions
from podium.span.predictions import Spans, average
from podium.span.rules import RuleOptions

CLOSE = "another span is nearly as probable"
DOUBTED = "better left without an answer"
NOWHERE = "no span in the context"
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class PseudoOptions:
    """See ``podium.config.span.SpanPseudo``."""

    agree: float
    margin: float
    confidence: float
    max_share: float


def label(
    voters: Sequence[Spans],
    known: Sequence[Spans],
    train: pd.DataFrame,
    test: pd.DataFrame,
    folds: np.ndarray,
    *,
    fold: int,
    metric: str,
    decision: RuleOptions,
    options: PseudoOptions,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return which test questions (N) a fold learns from, and how often such an answer is right.

    Parameters
    ----------
    voters
        What the fold's own models say of the test questions.
    known
        Out-of-fold predictions of the same members for the training questions (T), in the order of ``train``.
    train, test
        ``id``, ``text_b`` and, of train, ``target``.
    folds, fold
        Folds (T,) int of the training questions, and the one that the labels are for: the rule, and how often answers
        are right, come from the questions of the others alone.

    Returns
    -------
    Of every question ``id``, ``label`` (the target text of its best span, empty where there is none), ``votes``,
    ``confidence``, ``accepted``, ``why``, ``part`` (:func:`choose`). And the facts: ``voters``, ``candidates``,
    ``accepted``, ``parts`` and ``why`` (rows by part and by reason), ``oof_rows`` and ``oof_right`` (questions outside
    the fold that the same bars accept, and how many of their answers are exactly right; each by a rule that is fitted
    on the other folds, ``cross_fitted``, where there are two), and the ``precision`` that is estimated from them with
    its error (``podium.pseudo_bars.estimate``); None where nothing is accepted, here or there.
    """
    rows = np.flatnonzero(folds != fold)
    contexts, ids = train["text_b"].iloc[rows].tolist(), test["id"].tolist()
    outside = Questions(contexts=contexts, gold=decode_all(train["target"].iloc[rows]), folds=folds[rows])
    held = [one.take(rows) for one in known]
    given: dict[str, Any] = {"metric": metric, "decision": decision, "options": options}
    asked = [one.in_order(ids) for one in voters]
    table = _by_rule(asked, test["text_b"].tolist(), held, outside, **given)
    taken = table["confidence"][table["accepted"]]
    full = (table["why"] == ALL_FULL).any()
    cut = float(taken.min() if len(taken) else np.inf) if full else 0.0
    right, crossed = _proof(held, outside, cut, **given)
    facts: dict[str, Any] = {
        "voters": len(voters),
        "candidates": len(ids),
        "accepted": len(taken),
        "parts": {"test": len(taken)},
        "why": {str(why): int(count) for why, count in table["why"].value_counts().sort_index().items()},
        "oof_rows": len(right),
        "oof_right": int(right.sum()),
        "precision": _precision(right, len(taken), crossed),
    }
    table.insert(0, "id", pd.Series(ids, dtype="str"))
    table["part"] = pd.Series(["test"] * len(ids), dtype="str")
    return table, facts


def _by_rule(
    voters: Sequence[Spans],
    contexts: Sequence[str],
    known: Sequence[Spans],
    train: Questions,
    *,
    metric: str,
    decision: RuleOptions,
    options: PseudoOptions,
) -> pd.DataFrame:
    """The verdicts (:func:`choose`) by the rule that is fitted on what the same members say of ``train``."""
    mean = average(known, np.ones(len(known)))
    rule = rules.fit(mean, train.contexts, train.gold, metric=metric, options=decision)
    decoding = rules.decoding(decision, rule.max_characters)
    return choose(voters, contexts, threshold=rule.threshold, decoding=decoding, options=options)


def _proof(known: Sequence[Spans], train: Questions, cut: float, **given: Any) -> tuple[np.ndarray, bool]:
    """Which answers are exactly right (R,) bool among those that pass as a candidate does, ``cut`` included.

    The questions of a fold meet the rule of the others, as candidates meet one that they had no part in; True then.
    With the questions of one fold alone that cannot be done.
    """
    numbers = np.unique(train.folds).tolist()
    crossed = len(numbers) > 1
    right = []
    for number in numbers:
        inside = np.flatnonzero(train.folds == number)
        asked = train.take(inside)
        others = np.flatnonzero(train.folds != number) if crossed else inside
        table = _by_rule(
            [one.take(inside) for one in known],
            asked.contexts,
            [one.take(others) for one in known],
            train.take(others),
            **given,
        )
        passed = table["why"].isin([ACCEPTED, ALL_FULL]) & (table["confidence"] >= cut - _ROUNDING)
        said = [answers[0].text for answers in decode_all(table["label"][passed])]
        wanted = [texts(asked.gold[row]) for row in np.flatnonzero(passed).tolist()]
        right.append(metrics.rows("exact", said, wanted) > 0)
    return np.concatenate([np.zeros(0, dtype=bool), *right]), crossed


def _precision(right: np.ndarray, accepted: int, crossed: bool) -> dict[str, Any] | None:
    if not accepted or not len(right):
        return None
    evidence = Evidence(np.array([len(right)]), np.array([int(right.sum())]), crossed)
    found = estimate(evidence, np.array([accepted]))
    return {"value": found.value, "se": found.se, "cross_fitted": crossed}


def choose(
    voters: Sequence[Spans],
    contexts: Sequence[str],
    *,
    threshold: float | None,
    decoding: DecodeOptions,
    options: PseudoOptions,
) -> pd.DataFrame:
    """Return the verdict on each question (N): ``label``, ``votes``, ``confidence``, ``accepted``, ``why``.

    Accepted is the best span of the voters' mean, where it has the probability ``confidence`` (the geometric mean of
    its start's and end's, times that of there being an answer), beats the best span that does not overlap it by
    ``margin``, and is the own best span of the share ``agree`` of the voters: its ``votes``. A voter that would leave
    the question without an answer (its doubt is above ``threshold``) does not vote for it. No question is taken as one
    without an answer: that a reader does not find one says too little. Where more than ``max_share`` of the questions
    pass, the surest are taken. ``voters`` must not have learned from the answers of the fold that the rows are then
    trained for.

    Parameters
    ----------
    threshold
        Doubt beyond which there is no answer (``podium.span.rules.Rule``); None where every question has one.
    """
    mean = average(voters, np.ones(len(voters)))
    best = decode(mean, contexts, options=decoding)
    votes = np.zeros(len(mean), dtype=np.int64)
    for voter in voters:
        own = decode(voter, contexts, options=decoding)
        same = (own.low == best.low) & (own.high == best.high)
        votes += same & (own.doubt <= threshold) if threshold is not None else same
    confidence = (1 - mean.null) * np.exp(best.score / 2)
    why = np.full(len(mean), ALL_FULL, dtype=object)
    why[best.margin < options.margin] = CLOSE
    why[confidence < options.confidence] = UNSURE
    why[votes < needed_votes(len(voters), agree=options.agree, votes=None)] = SPLIT
    if threshold is not None:
        why[best.doubt > threshold] = DOUBTED
    found = best.low >= 0
    why[~found] = NOWHERE
    rows = np.flatnonzero(why == ALL_FULL)
    most = at_most(options.max_share, len(mean))
    why[rows[np.argsort(-confidence[rows], kind="stable")[:most]]] = ACCEPTED
    spans = zip(best.low.tolist(), best.high.tolist(), best.text, strict=True)
    labels = [encode([Answer(*span)]) if span[0] >= 0 else "" for span in spans]
    return pd.DataFrame(
        {
            "label": pd.Series(labels, dtype="str"),
            "votes": np.where(found, votes, 0),
            "confidence": confidence,
            "accepted": why == ACCEPTED,
            "why": pd.Series(why, dtype="str"),
        }
    )
