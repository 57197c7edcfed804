"""What averaging fold models of a span task is expected to gain is what it gains, where the truth is known."""

import string

import numpy as np
import pytest
from scipy.special import softmax

from podium.span import metrics, rules
from podium.span.averaging import Said, expected_gain, is_mean, look, sampled
from podium.span.predictions import Spans, average
from podium.span.rules import Rule, RuleOptions

LETTERS = string.ascii_lowercase[:8]
OPTIONS = RuleOptions(max_characters=1, length_share=1.0, candidates=20, complete=False, unanswered=None)


def spans(proba: np.ndarray, null: np.ndarray) -> Spans:
    """Predictions (N, 8) of contexts of eight letters each, one of which is the answer."""
    count = len(proba)
    share = np.sqrt(proba) / np.sqrt(proba).sum(axis=1, keepdims=True)
    rows, places = np.repeat(np.arange(count), 8), np.tile(np.arange(8), count)
    ids = [f"q{row}" for row in range(count)]
    return Spans.gather(ids, rows, places, share.ravel(), share.ravel(), null)


def world(seed: int, *, noise: float, silent: float, sure: float = 1.0) -> tuple[list[Spans], list[str]]:
    """Five models that see the true log-odds of letters and of no answer through noise of their own; true answers."""
    rng, count = np.random.default_rng(seed), 1500
    logits, odds = 1.5 * rng.normal(size=(count, 8)), 1.5 * rng.normal(size=count)
    truth = (softmax(logits, axis=1).cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)
    none = rng.random(count) < silent / (1 + np.exp(-odds))
    said = []
    for _ in range(5):
        seen = sure * (logits + noise * rng.normal(size=logits.shape))
        null = silent / (1 + np.exp(-(odds + noise * rng.normal(size=count))))
        said.append(spans(softmax(seen, axis=1), null))
    return said, ["" if empty else LETTERS[row] for row, empty in zip(truth, none, strict=True)]


def measured(said: list[Spans], truth: list[str], rule: Rule) -> tuple[float, float, Said]:
    """True values of the mean and of single models, and what is said."""
    contexts = [LETTERS] * len(truth)
    submitted = average(said, np.ones(len(said)))
    wanted = [[text] if text else [] for text in truth]

    def value(one: Spans) -> float:
        return float(metrics.rows("exact", rules.answer(rule, one, contexts, options=OPTIONS), wanted).mean())

    seen = look(submitted, said, contexts, rule, metric="exact", options=OPTIONS)
    return value(submitted), float(np.mean([value(one) for one in said])), seen


@pytest.mark.parametrize("sure", [0.5, 1.0, 2.0], ids=["doubtful", "right", "too sure"])
@pytest.mark.parametrize("silent", [0.0, 0.8], ids=["all answered", "some unanswered"])
def test_the_expected_gain_is_the_true_one(silent: float, sure: float) -> None:
    rule = Rule(threshold=1.0 if silent else None, max_characters=1)
    gains, found = [], []
    for seed in range(4):
        said, truth = world(seed, noise=0.7, silent=silent, sure=sure)
        whole, single, seen = measured(said, truth, rule)
        gains.append(whole - single)
        found.append(expected_gain(seen, cv=single, se=0.012))
    true, expected, se = np.mean(gains), *np.mean([(gain.value, gain.se) for gain in found], axis=0)
    assert true > 0.01
    assert expected == pytest.approx(true, abs=2 * se)


def test_equal_models_gain_nothing_and_a_refit_is_no_mean() -> None:
    said, truth = world(1, noise=0.0, silent=0.5)
    _, single, seen = measured([said[0]] * 3, truth, Rule(threshold=1.0, max_characters=1))
    assert expected_gain(seen, cv=single, se=0.01).value == pytest.approx(0)
    mean = average(said, np.ones(5))
    assert is_mean(mean, said)
    assert not is_mean(said[0], world(2, noise=1.0, silent=0.5)[0])


def test_a_question_without_any_span_counts_as_one_without_an_answer() -> None:
    said, truth = world(1, noise=0.5, silent=0.5)
    bare = [Spans.gather(["q"], *(np.zeros(0, dtype=int),) * 2, *(np.zeros(0),) * 2, np.ones(1))] * 2
    seen = look(
        bare[0], bare, [LETTERS], Rule(threshold=None, max_characters=1), metric="exact", options=OPTIONS
    )
    assert seen.values(1.0) == [1.0, 1.0, 1.0]
    assert len(sampled(1)) == 1
    assert len(sampled(100_000)) == 500
    assert len(truth) == len(said[0])
