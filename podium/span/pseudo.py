"""Questions without a known answer that are learned from with the one that the members gave."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from podium.span.answers import Answer, encode
from podium.span.decode import DecodeOptions, decode
from podium.span.predictions import Spans, average


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
