"""Thresholds and weights: brute force, and no fold's answers in what its own questions get."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.span import blend, ensembles, metrics, rules
from podium.span.answers import Answer, texts
from podium.span.decode import decode
from podium.span.ensembles import Questions
from podium.span.predictions import Spans, average
from podium.span.rules import Rule, RuleOptions

OPTIONS = RuleOptions(max_characters=None, length_share=1.0, candidates=10, complete=False, unanswered=None)
LETTERS = "abcdefghij"
BLEND = {"kind": "blend", "steps": 10, "best_first": True}


def sample(
    seed: int, questions: int, *, sharp: float, silent: float = 0.3
) -> tuple[Spans, list[list[Answer]]]:
    """Predictions that favour the truth by ``sharp``; a share of the questions has no answer."""
    truth = np.random.default_rng(99)
    places = truth.integers(0, len(LETTERS), questions)
    none = truth.random(questions) < silent
    gold = [
        [] if missing else [Answer(place, place + 1, LETTERS[place])]
        for place, missing in zip(places.tolist(), none.tolist(), strict=True)
    ]
    generator = np.random.default_rng(seed)

    def logits() -> np.ndarray:
        found = generator.normal(size=(questions, len(LETTERS)))
        found[np.arange(questions), places] += sharp * ~none
        powers = np.exp(found)
        return powers / powers.sum(axis=1, keepdims=True)

    null = 1 / (1 + np.exp(-(generator.normal(size=questions) + sharp * (2 * none - 1))))
    rows, columns = (grid.ravel() for grid in np.indices((questions, len(LETTERS))))
    ids = [str(number) for number in range(questions)]
    return Spans.gather(ids, rows, columns, logits().ravel(), logits().ravel(), null), gold


@given(st.integers(0, 2**20), st.integers(1, 12))
def test_the_threshold_is_the_best_of_all(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    doubt = generator.integers(-3, 4, count).astype(float)
    answered, silent = generator.random(count), generator.integers(0, 2, count).astype(float)
    threshold, value = rules.best_threshold(doubt, answered, silent)
    tried = [np.where(doubt <= at, answered, silent).mean() for at in (*(doubt + 0.5), *(doubt - 0.5))]
    assert value == pytest.approx(max(tried))
    assert np.where(doubt <= threshold, answered, silent).mean() == pytest.approx(value)


def test_rules_answer_every_question_where_all_have_answers() -> None:
    spans, gold = sample(0, 40, sharp=2.0, silent=0.0)
    rule = rules.fit(spans, [LETTERS] * 40, gold, metric="exact", options=OPTIONS)
    assert rule == Rule(threshold=None, max_characters=1)
    assert Rule.read(rule.facts()) == rule
    assert "" not in rules.answer(rule, spans, [LETTERS] * 40, options=OPTIONS)
    never = dataclasses.replace(OPTIONS, unanswered=True)
    assert rules.fit(spans, [LETTERS] * 40, gold, metric="exact", options=never).threshold is not None


def test_a_rule_that_is_crossfitted_has_not_seen_its_fold() -> None:
    spans, gold = sample(1, 120, sharp=1.5)
    contexts, folds = [LETTERS] * 120, np.arange(120) % 3
    found = rules.crossfit(spans, contexts, gold, folds, metric="squad_f1", options=OPTIONS)
    changed = [
        [Answer(0, 10, LETTERS)] if fold == 1 else answers for fold, answers in zip(folds, gold, strict=True)
    ]
    again = rules.crossfit(spans, contexts, changed, folds, metric="squad_f1", options=OPTIONS)
    assert [text for text, fold in zip(found, folds, strict=True) if fold == 1] == [
        text for text, fold in zip(again, folds, strict=True) if fold == 1
    ]
    assert found != again
    untuned = decode(spans, contexts, options=rules.decoding(OPTIONS, 1)).answers(None)
    wanted = [texts(answers) for answers in gold]
    assert metrics.score("exact", found, wanted).value > metrics.score("exact", untuned, wanted).value + 0.1


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**20), st.booleans(), st.lists(st.integers(0, 3), min_size=2, max_size=2).filter(any))
def test_the_value_of_a_blend_is_that_of_the_average(seed: int, silent: bool, counts: list[int]) -> None:
    """The short way over candidates, against average and decode of everything."""
    members, gold = [], []
    for number in range(2):
        spans, gold = sample(seed + number, 25, sharp=1.0, silent=0.3 * silent)
        members.append(spans)
    contexts = [LETTERS] * 25
    options = dataclasses.replace(OPTIONS, max_characters=1)
    value = blend.SpanValue(members, contexts, gold, metric="exact", options=options)
    weights = np.array(counts) / sum(counts)
    mixed = sum(weight * value.vector(number) for number, weight in enumerate(weights))
    whole = average(members, weights)
    rule = rules.fit(whole, contexts, gold, metric="exact", options=options)
    answers = rules.answer(rule, whole, contexts, options=options)
    expected = metrics.score("exact", answers, [texts(one) for one in gold]).value
    assert value.utility(np.asarray(mixed)) == pytest.approx(expected)


def test_a_useless_member_gets_little_and_a_blend_beats_its_parts() -> None:
    contexts, folds = [LETTERS] * 300, np.arange(300) % 5
    (first, gold), (second, _), (noise, _) = (
        sample(seed, 300, sharp=sharp) for seed, sharp in ((1, 1.5), (2, 1.5), (3, 0.0))
    )
    members = [first, second, noise]
    asked = Questions(contexts=contexts, gold=gold, folds=folds)
    found = ensembles.fit(
        *("blend", BLEND, dict(zip("abc", members, strict=True)), asked),
        **{"metric": "exact", "options": OPTIONS},
    )
    assert found.weights.sum() == pytest.approx(1)
    assert found.by_fold.shape == (5, 3)
    assert found.weights[2] < 0.15
    wanted = [texts(answers) for answers in gold]

    def score(spans: Spans) -> float:
        answers = rules.crossfit(spans, contexts, gold, folds, metric="exact", options=OPTIONS)
        return metrics.score("exact", answers, wanted).value

    assert score(found.spans) > max(score(member) for member in members) + 0.03


def test_weights_that_are_crossfitted_have_not_seen_their_fold() -> None:
    contexts, folds = [LETTERS] * 90, np.arange(90) % 3
    (first, gold), (second, _) = (sample(seed, 90, sharp=1.0) for seed in (1, 2))
    settings: dict[str, Any] = {"metric": "exact", "options": OPTIONS}
    method = {**BLEND, "steps": 5}, {"a": first, "b": second}
    asked = Questions(contexts=contexts, gold=gold, folds=folds)
    found = ensembles.fit("blend", *method, asked, **settings)
    changed = [[] if fold == 1 else answers for fold, answers in zip(folds, gold, strict=True)]
    again = ensembles.fit("blend", *method, dataclasses.replace(asked, gold=changed), **settings)
    np.testing.assert_array_equal(found.by_fold[1], again.by_fold[1])
    own = np.flatnonzero(folds == 1)
    np.testing.assert_array_equal(found.spans.take(own).start, again.spans.take(own).start)
