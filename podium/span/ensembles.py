"""Ensembles of members of a span task: averages, blends, and the choice among them, scored by cross-fitting."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from podium.ensembles.methods import user_weights
from podium.errors import UserError
from podium.span import blend, metrics, rules
from podium.span.answers import Answer, texts
from podium.span.predictions import Spans, average, join
from podium.span.rules import RuleOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What the N training questions are scored with: contexts (N), true answers (N), folds (N,) int."""

    contexts: Sequence[str]
    gold: Sequence[Sequence[Answer]]
    folds: np.ndarray

    def take(self, rows: np.ndarray) -> Self:
        """Some of the questions (M,) int."""
        return type(self)(
            contexts=[self.contexts[row] for row in rows.tolist()],
            gold=[self.gold[row] for row in rows.tolist()],
            folds=self.folds[rows],
        )

    def values(self, spans: Spans, *, metric: str, options: RuleOptions) -> np.ndarray:
        """The metric of each question (N,) by rules that are fitted on the other folds."""
        given = rules.crossfit(spans, self.contexts, self.gold, self.folds, metric=metric, options=options)
        return metrics.rows(metric, given, [texts(answers) for answers in self.gold])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What comes of it: cross-fitted ``spans`` of the training questions, and how the test rows are averaged.

    ``method`` is the name of the ensemble whose ``weights`` (M,) these are; ``fold_methods`` names what each fold took
    where there was a choice, ``scores`` the value of each ensemble then.
    """

    method: str
    weights: np.ndarray
    spans: Spans
    by_fold: np.ndarray
    fold_methods: list[str]
    scores: dict[str, float]


def fit(
    name: str,
    settings: Mapping[str, Any],
    members: Mapping[str, Spans],
    questions: Questions,
    *,
    metric: str,
    options: RuleOptions,
) -> Fitted:
    """Average the ``members`` by one method.

    ``settings`` have its ``kind``: ``mean``, or ``blend`` with ``weights`` by member, or with ``steps`` and
    ``best_first`` of their search (``podium.span.blend.fit``).
    """
    method = _Method(name, settings, members, questions, metric=metric, options=options)
    folds = np.unique(questions.folds).tolist()
    return Fitted(
        method=name,
        weights=method.weights(frozenset()),
        spans=method.spans(frozenset()),
        by_fold=np.array([method.weights(frozenset([fold])) for fold in folds]),
        fold_methods=[name] * len(folds),
        scores={},
    )


class _Method:
    """One way to average, fitted without some folds; ``without`` is always the set of folds not looked at."""

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any],
        members: Mapping[str, Spans],
        questions: Questions,
        *,
        metric: str,
        options: RuleOptions,
    ) -> None:
        self._said, self._questions = list(members.values()), questions
        self._decision: dict[str, Any] = {"metric": metric, "options": options}
        self._given: np.ndarray | None = np.ones(len(members)) / len(members)
        if settings["kind"] == "blend":
            named = settings.get("weights")
            self._given = None if named is None else np.array(user_weights(name, named, list(members)))
        self._search = {key: settings[key] for key in ("steps", "best_first") if key in settings}
        self._fits: dict[frozenset[int], np.ndarray] = {}

    def weights(self, without: frozenset[int]) -> np.ndarray:
        """Return the weights (M,) that the other folds give; each fit is made once."""
        if self._given is not None:
            return self._given
        if without not in self._fits:
            rows = self._rows(without)
            asked = self._questions.take(rows)
            said = [member.take(rows) for member in self._said]
            self._fits[without] = blend.fit(
                said, asked.contexts, asked.gold, **self._decision, **self._search
            )
        return self._fits[without]

    def spans(self, without: frozenset[int]) -> Spans:
        """Return the questions of the other folds, in order, each averaged by what neither it nor ``without`` gave."""
        folds = self._questions.folds
        parts = []
        for fold in np.unique(folds[self._rows(without)]).tolist():
            rows = np.flatnonzero(folds == fold)
            parts.append(
                average([member.take(rows) for member in self._said], self.weights(without | {fold}))
            )
        ids = self._said[0].ids
        return join(parts).in_order([ids[row] for row in self._rows(without).tolist()])

    def value(self, without: frozenset[int]) -> float:
        """Return the metric on the other folds, each by weights and rules that neither it nor ``without`` gave."""
        asked = self._questions.take(self._rows(without))
        return float(asked.values(self.spans(without), **self._decision).mean())

    def _rows(self, without: frozenset[int]) -> np.ndarray:
        return np.flatnonzero(~np.isin(self._questions.folds, list(without)))


def choose(
    methods: Mapping[str, Mapping[str, Any]],
    members: Mapping[str, Spans],
    questions: Questions,
    *,
    metric: str,
    options: RuleOptions,
) -> Fitted:
    """Take the best of several methods, the first of equals; the choice itself is cross-fitted.

    For fold k each method is scored by cross-fitting inside the other folds, its weights and the rules that make
    answers of them (for fold j fitted without j and k); the best, fitted on all but k, averages k. For test the methods
    are scored by cross-fitting over all folds. Fewer than 3 folds raise ``UserError``.
    """
    numbers = np.unique(questions.folds).tolist()
    if len(numbers) < 3:
        raise UserError(
            f"folds.n: ensemble 'best' needs 3 folds or more, found {len(numbers)}: set folds.n to 3"
        )
    built = {
        name: _Method(name, block, members, questions, metric=metric, options=options)
        for name, block in methods.items()
    }
    taken, parts, by_fold = [], [], []
    for fold in numbers:
        without = frozenset([fold])
        inner = {name: method.value(without) for name, method in built.items()}
        taken.append(max(inner, key=lambda name: inner[name]))
        rows = np.flatnonzero(questions.folds == fold)
        by_fold.append(built[taken[-1]].weights(without))
        parts.append(average([member.take(rows) for member in members.values()], by_fold[-1]))
    scores = {name: method.value(frozenset()) for name, method in built.items()}
    best = max(scores, key=lambda name: scores[name])
    return Fitted(
        method=best,
        weights=built[best].weights(frozenset()),
        spans=join(parts).in_order(next(iter(members.values())).ids),
        by_fold=np.array(by_fold),
        fold_methods=taken,
        scores=scores,
    )


def facts(fitted: Fitted, members: Sequence[str]) -> dict[str, Any]:
    """Return a JSON-able account."""
    return {
        "method": fitted.method,
        "members": list(members),
        "weights": dict(zip(members, fitted.weights.tolist(), strict=True)),
        "fold_weights": [dict(zip(members, row.tolist(), strict=True)) for row in fitted.by_fold],
        "fold_methods": fitted.fold_methods,
        "taken": dict(Counter(fitted.fold_methods)),
        "scores": fitted.scores,
    }
