"""What test questions gain because the models of all folds are averaged for them, while a held-out one has only one.

As ``podium.averaging`` for labels: the submitted probabilities of the spans of a test question, at the temperature at
which the models of single folds, each alone, are worth what cross-validation reports, stand for the chances of its true
answer.

Shapes: n test questions, J fold models, C candidates of a question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from podium.averaging import Gain, of_world
from podium.span import metrics, rules
from podium.span.decode import completed, n_best
from podium.span.predictions import Spans, average, read
from podium.span.rules import Rule, RuleOptions, decoding

QUESTIONS = 500
"""Test questions that the estimate is made of at most."""
CANDIDATES = 20
REFITTED = "the test questions are answered by models of all rows (refit), of which no score is known"
_FLOOR = 1e-12
_CLOSE = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What is said of n test questions.

    ``chances`` (n, C) of their candidates at temperature 1, 0 where there are fewer. ``worth`` (1 + J, n, C): what
    the submitted answer, then each fold model's, is worth where a candidate is the truth.
    """

    chances: np.ndarray
    worth: np.ndarray

    def values(self, temperature: float) -> list[float]:
        """Expected value of the submitted answers and of each model's."""
        with np.errstate(divide="ignore"):
            logs = np.log(self.chances) / temperature
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return [float(value) for value in (self.worth * shares).sum(axis=2).mean(axis=1)]


def expected_gain(said: Said, *, cv: float, se: float) -> Gain:
    """Estimate the gain for a reported score ``cv`` with standard error ``se``."""
    return of_world(said.values, cv=cv, se=se)


def sampled(questions: int) -> np.ndarray:
    """Return the places of the test questions to look at, evenly spaced."""
    return np.arange(0, questions, max(1, -(-questions // QUESTIONS)))


def is_mean(submitted: Spans, alone: Sequence[Spans]) -> bool:
    """Whether the submitted predictions are the mean of the fold models', not those of models of all rows."""
    mean = average(alone, np.ones(len(alone)))
    same = np.array_equal(mean.offsets, submitted.offsets) and np.array_equal(mean.places, submitted.places)
    return same and bool(np.allclose(mean.start, submitted.start, atol=_CLOSE))


def look(
    submitted: Spans,
    alone: Sequence[Spans],
    contexts: Sequence[str],
    rule: Rule,
    *,
    metric: str,
    options: RuleOptions,
) -> Said:
    """Decide the answers of ``submitted`` and of each fold model (J) by one rule, and value them by its candidates."""
    given = [rules.answer(rule, one, contexts, options=options) for one in (submitted, *alone)]
    row, texts, chance = _candidates(submitted, contexts, rule, options)
    first = np.searchsorted(row, np.arange(len(submitted)))
    place = np.arange(len(row)) - first[row]
    width = int(place.max(initial=0)) + 1
    chances = np.zeros((len(submitted), width))
    chances[row, place] = chance
    worth = np.zeros((len(given), len(submitted), width))
    wanted = [[text] if text else [] for text in texts]
    for number, answers in enumerate(given):
        worth[number, row, place] = metrics.rows(metric, [answers[one] for one in row.tolist()], wanted)
    return Said(chances, worth)


def _candidates(
    spans: Spans, contexts: Sequence[str], rule: Rule, options: RuleOptions
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Question, text and chance of every candidate, "no answer" among them where the rule allows it; by question."""
    found = n_best(spans, count=CANDIDATES, options=decoding(options, rule.max_characters))
    rows, ends = found.row.tolist(), zip(found.low.tolist(), found.high.tolist(), strict=True)
    spots = [
        completed(contexts[row], low, high) if options.complete else (low, high)
        for row, (low, high) in zip(rows, ends, strict=True)
    ]
    texts = [contexts[row][low:high] for row, (low, high) in zip(rows, spots, strict=True)]
    given = np.exp(found.score)  # that there is an answer: the candidates are then all there is
    given /= np.bincount(found.row, given, len(spans))[found.row]
    if rule.threshold is None:
        silent = np.setdiff1d(np.arange(len(spans)), found.row)  # a question needs a candidate, if only none
        none, chance = np.ones(len(silent)), given
    else:
        silent = np.arange(len(spans))
        none, chance = spans.null, given * (1 - spans.null[found.row])
    row = np.concatenate([found.row, silent])
    chance = np.maximum(np.concatenate([chance, none]), _FLOOR)
    order = np.argsort(row, kind="stable")
    every = [*texts, *([""] * len(silent))]
    return row[order], [every[number] for number in order.tolist()], chance[order]


Member = tuple[str, int]
"""A member's name and the round that it was trained in."""


class Board:
    """What the members and their averages say of the test questions.

    ``asked`` has ``id`` and ``text_b`` of all of them; ``test`` is the file of each member's submitted predictions,
    ``alone`` those of its fold models (J).
    """

    def __init__(
        self,
        asked: pd.DataFrame,
        test: Mapping[Member, Path],
        alone: Mapping[Member, Sequence[Path]],
        *,
        metric: str,
        options: RuleOptions,
    ) -> None:
        looked = asked.iloc[sampled(len(asked))]
        self._ids, self._contexts = looked["id"].tolist(), looked["text_b"].tolist()
        self._test, self._alone, self._metric, self._options = test, alone, metric, options
        self._known: dict[Member, tuple[Spans, list[Spans]] | None] = {}

    def member(self, member: Member, rule: Rule) -> Said | str:
        """Of one member; or why nothing can be said of the gain."""
        said = self._said(member)
        return REFITTED if said is None else self._look(*said, rule)

    def ensemble(self, weights: Mapping[str, float], rule: Rule) -> Said | str:
        """Of an average of members in their last rounds, ``weights`` by name."""
        last = {name: max(number for other, number in self._test if other == name) for name in weights}
        said = [(share, self._said((name, last[name]))) for name, share in weights.items() if share > 0]
        known = [(share, one) for share, one in said if one is not None]
        if len(known) < len(said):
            return REFITTED
        shares = [share for share, _ in known]
        submitted = average([test for _, (test, _) in known], shares)
        folds = zip(*(alone for _, (_, alone) in known), strict=True)
        return self._look(submitted, [average(one, shares) for one in folds], rule)

    def _look(self, submitted: Spans, alone: Sequence[Spans], rule: Rule) -> Said:
        return look(submitted, alone, self._contexts, rule, metric=self._metric, options=self._options)

    def _said(self, member: Member) -> tuple[Spans, list[Spans]] | None:
        """What is submitted, and each fold model's; None where it is not their mean. Every file is read once."""
        if member not in self._known:
            submitted = self._read(self._test[member])
            alone = [self._read(path) for path in self._alone[member]]
            self._known[member] = (submitted, alone) if is_mean(submitted, alone) else None
        return self._known[member]

    def _read(self, path: Path) -> Spans:
        return read(path).in_order(self._ids)
