"""Weights of members whose probabilities are averaged: those that are best for exact match or F1.

Shapes: M members, N questions, C candidate spans of all questions.
"""

from collections.abc import Sequence

import numpy as np

from podium.ensembles.searches import greedy
from podium.span import metrics
from podium.span.answers import texts
from podium.span.decode import DecodeOptions, completed, doubts, length_limit, n_best
from podium.span.predictions import Spans
from podium.span.rules import Gold, RuleOptions, best_threshold

_FLOOR = 1e-12
_KEPT = 10
"""Candidates that each member brings of a question."""


def fit(
    members: Sequence[Spans],
    contexts: Sequence[str],
    gold: Gold,
    *,
    metric: str,
    options: RuleOptions,
    steps: int,
    best_first: bool,
) -> np.ndarray:
    """Return weights (M,), which sum to 1, by greedy selection with replacement in ``steps`` steps.

    With ``best_first`` it begins with as many of the best members as are best together.
    Caruana, Niculescu-Mizil, Crew and Ksikes, Ensemble Selection from Libraries of Models (ICML 2004), over
    :class:`SpanValue`.
    """
    if len(members) == 1:
        return np.ones(1)
    value = SpanValue(members, contexts, gold, metric=metric, options=options)
    return greedy(value, steps=steps, best_first=best_first, among=range(len(members)))


class SpanValue:
    """The metric of a blend over the spans that its members find best (``podium.ensembles.objectives.Value``).

    A member's vector (2 C + N) holds P(answer, begins here) and P(answer, ends here) of each candidate, then P(no
    answer) of each question. Where questions may stay without an answer, a blend counts with its best threshold.
    """

    def __init__(
        self,
        members: Sequence[Spans],
        contexts: Sequence[str],
        gold: Gold,
        *,
        metric: str,
        options: RuleOptions,
    ) -> None:
        self.members = len(members)
        limit = options.max_characters or length_limit(gold, share=options.length_share)
        decoding = DecodeOptions(max_characters=limit, candidates=options.candidates, complete=False)
        self.row, low, high = _union(members, decoding)
        self.vectors = [_vector(member, self.row, low, high) for member in members]
        wanted = [texts(answers) for answers in gold]
        self.value = np.array(
            [
                metrics.best(
                    metric, contexts[row][slice(*_mended(contexts[row], a, b, options))], wanted[row]
                )
                for row, a, b in zip(self.row.tolist(), low.tolist(), high.tolist(), strict=True)
            ]
        )
        self.silent = metrics.rows(metric, [""] * len(gold), wanted)
        may = any(not answers for answers in gold) if options.unanswered is None else options.unanswered
        self.null = may
        self.known, self.starts = np.unique(self.row, return_index=True)

    def vector(self, member: int) -> np.ndarray:
        """Return what stands for a member (2 C + N,)."""
        return self.vectors[member]

    def utility(self, blend: np.ndarray) -> float:
        """Return the mean metric of a blend's answers."""
        if not len(self.row):
            return float(self.silent.mean())
        score, null = self._scores(blend)
        best = np.maximum.reduceat(score, self.starts)
        found = np.flatnonzero(score == np.repeat(best, np.diff(np.r_[self.starts, len(score)])))
        first = found[np.searchsorted(self.row[found], self.known)]
        answered = np.zeros(len(self.silent)) if self.null else self.silent.copy()
        answered[self.known] = self.value[first]
        if not self.null:
            return float(answered.mean())
        top = np.full(len(self.silent), -np.inf)
        top[self.known] = best
        return best_threshold(doubts(null, top), answered, self.silent)[1]

    def trial(self, total: np.ndarray, vector: np.ndarray, size: int) -> float:
        """Return the utility of a blend that is the sum of two parts over ``size``."""
        return self.utility((total + vector) / size)

    def tie(self, blend: np.ndarray) -> float:
        """Return the metric that is expected if the candidates' probabilities are believed."""
        if not len(self.row):
            return 0.0
        score, null = self._scores(blend)
        weight = np.exp(score) * (1 - null[self.row])
        return float((weight * self.value).sum() + (null * self.silent).sum()) / len(self.silent)

    def _scores(self, blend: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-probability of each candidate (C,), given an answer, and P(no answer) of each question (N,)."""
        count = len(self.row)
        null = blend[2 * count :]
        sure = np.maximum(1 - null, _FLOOR)[self.row]
        start, end = blend[:count] / sure, blend[count : 2 * count] / sure
        return np.log(np.maximum(start, _FLOOR)) + np.log(np.maximum(end, _FLOOR)), null


def _mended(context: str, low: int, high: int, options: RuleOptions) -> tuple[int, int]:
    return completed(context, low, high) if options.complete else (low, high)


def _union(members: Sequence[Spans], decoding: DecodeOptions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Question, first character and the one behind the last of every member's best spans, each once, in order."""
    found = [n_best(member, count=_KEPT, options=decoding) for member in members]
    keys = np.concatenate([np.stack([one.row, one.low, one.high], axis=1) for one in found])
    row, low, high = np.unique(keys, axis=0).T
    return row, low, high


def _vector(member: Spans, row: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    sure = (1 - member.null)[row]
    return np.concatenate(
        [
            _at(member, member.start, row, low) * sure,
            _at(member, member.end, row, high - 1) * sure,
            member.null,
        ]
    )


def _at(member: Spans, values: np.ndarray, row: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Values at characters (C,) of questions (C,); 0 where the member has none."""
    span = int(max(member.places.max(initial=0), place.max(initial=0))) + 1
    keys, wanted = member.row * span + member.places, row * span + place
    if not len(keys):
        return np.zeros(len(row))
    index = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[index] == wanted, values[index], 0.0)
