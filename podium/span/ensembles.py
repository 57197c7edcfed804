"""Ensembles of members of a span task: averages, blends, and the choice among them, scored by cross-fitting."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from podium.ensembles.methods import user_weights
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
    """Average the ``members`` by one method: ``mean``, or ``blend`` with ``weights`` by member or its ``steps``."""
    said, folds = list(members.values()), np.unique(questions.folds)
    weights = np.ones(len(said)) / len(said)
    if settings["kind"] == "blend" and settings.get("weights") is None:
        found = blend.crossfit(
            said, questions.contexts, questions.gold, questions.folds,
            metric=metric, options=options, steps=settings["steps"],
        )  # fmt: skip
        return Fitted(
            method=name,
            weights=found.weights,
            spans=found.spans,
            by_fold=found.by_fold,
            fold_methods=[name] * len(folds),
            scores={},
        )
    if settings["kind"] == "blend":
        weights = np.array(user_weights(name, settings["weights"], list(members)))
    return Fitted(
        method=name,
        weights=weights,
        spans=average(said, weights),
        by_fold=np.tile(weights, (len(folds), 1)),
        fold_methods=[name] * len(folds),
        scores={},
    )


def choose(
    methods: Mapping[str, Mapping[str, Any]],
    members: Mapping[str, Spans],
    questions: Questions,
    *,
    metric: str,
    options: RuleOptions,
) -> Fitted:
    """Take the best of several methods, the first of equals; each fold takes the one that is best on the others.

    The values that a fold chooses by come from cross-fitting, so a method's own fitting has not seen them either.
    """
    given: dict[str, Any] = {"metric": metric, "options": options}
    fitted = {name: fit(name, block, members, questions, **given) for name, block in methods.items()}
    values = {name: questions.values(one.spans, **given) for name, one in fitted.items()}
    taken, parts, by_fold = [], [], []
    for number, fold in enumerate(np.unique(questions.folds).tolist()):
        others = questions.folds != fold
        best = max(fitted, key=lambda name: values[name][others].mean())
        taken.append(best)
        parts.append(fitted[best].spans.take(np.flatnonzero(~others)))
        by_fold.append(fitted[best].by_fold[number])
    scores = {name: float(found.mean()) for name, found in values.items()}
    last = fitted[max(scores, key=lambda name: scores[name])]
    order = next(iter(members.values())).ids
    return Fitted(
        method=last.method,
        weights=last.weights,
        spans=join(parts).in_order(order),
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
