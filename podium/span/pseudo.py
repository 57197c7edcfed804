"""Questions without a known answer that are learned from with the one that the members gave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from podium.span import metrics, rules
from podium.span.answers import Answer, decode_all, encode, texts
from podium.span.answers import decode as decode_target
from podium.span.decode import DecodeOptions, decode
from podium.span.predictions import Spans, average
from podium.span.rules import RuleOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class PseudoOptions:
    """See ``podium.config.span.SpanPseudo``."""

    agree: float
    margin: float
    confidence: float
    max_share: float


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Pseudo-labels: places ``rows`` (R,) of the questions, ascending, their ``targets`` (R), and how sure they are."""

    rows: np.ndarray
    targets: list[str]
    confidence: np.ndarray


def label(
    voters: Sequence[Spans],
    known: Sequence[Spans],
    train: pd.DataFrame,
    test: pd.DataFrame,
    outside: np.ndarray,
    *,
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
    outside
        Which training questions (T,) bool the fold's models were trained with: the rule comes from these alone.

    Returns
    -------
    ``id``, ``label`` (target text, empty where not accepted), ``confidence``, ``accepted``, ``part``; and ``accepted``,
    ``candidates``, ``parts``, ``precision`` (share of exactly right ones among the outside questions that the same bars
    accept, with its error; None where they accept none).
    """
    rows = np.flatnonzero(outside)
    contexts = train["text_b"].iloc[rows].tolist()
    gold = decode_all(train["target"].iloc[rows])
    held = [one.take(rows) for one in known]
    rule = rules.fit(average(held, np.ones(len(held))), contexts, gold, metric=metric, options=decision)
    given: dict[str, Any] = {
        "threshold": rule.threshold,
        "decoding": DecodeOptions(
            max_characters=rule.max_characters, candidates=decision.candidates, complete=decision.complete
        ),
        "options": options,
    }
    ids = test["id"].tolist()
    chosen = choose([one.in_order(ids) for one in voters], test["text_b"].tolist(), **given)
    table = pd.DataFrame({"id": ids, "label": "", "confidence": 0.0, "accepted": False, "part": "test"})
    table = table.astype({"id": "str", "label": "str", "part": "str"})
    table.loc[chosen.rows, "label"] = chosen.targets
    table.loc[chosen.rows, "confidence"] = chosen.confidence
    table.loc[chosen.rows, "accepted"] = True
    proof = choose(held, contexts, **given)
    said = [decode_target(target)[0].text for target in proof.targets]
    right = metrics.rows("exact", said, [texts(gold[row]) for row in proof.rows.tolist()])
    precision = None
    if len(right):
        share = float(right.mean())
        precision = {"value": share, "se": float(np.sqrt(share * (1 - share) / len(right)))}
    facts = {"accepted": len(chosen.rows), "candidates": len(ids), "parts": {"test": len(ids)}}
    return table, {**facts, "precision": precision}


def choose(
    voters: Sequence[Spans],
    contexts: Sequence[str],
    *,
    threshold: float | None,
    decoding: DecodeOptions,
    options: PseudoOptions,
) -> Chosen:
    """Return the questions whose answer the ``voters`` are sure enough of, the surest ones first where there are many.

    Taken is the best span of the voters' mean, where it has the probability ``confidence`` (the geometric mean of its
    start's and end's, times that of there being an answer), beats the best span that does not overlap it by ``margin``,
    and is the own best span of the share ``agree`` of the voters. A voter that would leave the question without an
    answer (its doubt is above ``threshold``) does not agree. No question is taken as one without an answer: that a
    reader does not find one says too little. ``voters`` must not have learned from the answers of the fold that the
    rows are then trained for.

    Parameters
    ----------
    threshold
        Doubt beyond which there is no answer (``podium.span.rules.Rule``); None where every question has one.
    """
    mean = average(voters, np.ones(len(voters)))
    best = decode(mean, contexts, options=decoding)
    votes = np.zeros(len(mean))
    for voter in voters:
        own = decode(voter, contexts, options=decoding)
        same = (own.low == best.low) & (own.high == best.high)
        votes += same & (own.doubt <= threshold) if threshold is not None else same
    confidence = (1 - mean.null) * np.exp(best.score / 2)
    sure = (best.low >= 0) & (votes >= options.agree * len(voters) - 1e-9)
    sure &= (confidence >= options.confidence) & (best.margin >= options.margin)
    if threshold is not None:
        sure &= best.doubt <= threshold
    rows = np.flatnonzero(sure)
    most = int(options.max_share * len(mean))
    rows = np.sort(rows[np.argsort(-confidence[rows], kind="stable")[:most]])
    targets = [
        encode([Answer(int(best.low[row]), int(best.high[row]), best.text[row])]) for row in rows.tolist()
    ]
    return Chosen(rows, targets, confidence[rows])
