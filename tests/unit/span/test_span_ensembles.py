"""Ensembles, scores and pseudo-labels of span tasks: cross-fitted, as the metric says, and told with their counts."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from podium.errors import UserError
from podium.span import ensembles, metrics, rules
from podium.span.answers import Answer, decode, encode, texts
from podium.span.ensembles import Questions
from podium.span.predictions import Spans, average
from podium.span.profile import profile
from podium.span.pseudo import PseudoOptions, label
from podium.span.rules import RuleOptions
from podium.span.scoring import AnswerScorer

LETTERS = "abcdefghij"
OPTIONS = RuleOptions(max_characters=1, length_share=1.0, candidates=10, complete=False, unanswered=None)
GIVEN: dict[str, Any] = {"metric": "exact", "options": OPTIONS}


def pointing(places: np.ndarray, *, share: float = 0.7, null: float = 0.05) -> Spans:
    """Predictions (N) of one letter each, with this probability; the other letters have the rest."""
    values = np.full((len(places), len(LETTERS)), (1 - share) / len(LETTERS))
    values[np.arange(len(places)), places] += share
    rows, columns = (grid.ravel() for grid in np.indices(values.shape))
    ids = [f"q{number}" for number in range(len(places))]
    return Spans.gather(ids, rows, columns, values.ravel(), values.ravel(), np.full(len(places), null))


def letters(places: np.ndarray) -> list[list[Answer]]:
    return [[Answer(place, place + 1, LETTERS[place])] for place in places.tolist()]


def test_the_choice_among_random_members_is_at_chance_and_the_naive_best_is_above() -> None:
    """Sixteen members that know nothing: the best of them looks good, what its choice is worth does not."""
    random = np.random.default_rng(0)
    count, folds, chosen, best = 60, np.arange(60) % 3, [], []
    for _ in range(12):
        gold = letters(random.integers(0, 10, count))
        members = {f"m{number}": pointing(random.integers(0, 10, count)) for number in range(16)}
        blocks = {
            name: {"kind": "blend", "weights": {one: float(one == name) for one in members}}
            for name in members
        }
        asked = Questions(contexts=[LETTERS] * count, gold=gold, folds=folds)
        found = ensembles.choose(blocks, members, asked, **GIVEN)
        chosen.append(asked.values(found.spans, **GIVEN).mean())
        best.append(max(found.scores.values()))
        assert found.scores[found.method] == best[-1]
        assert sorted(found.spans.ids) == sorted(members["m0"].ids)
    error = np.sqrt(0.1 * 0.9 / (count * 12))
    assert abs(np.mean(chosen) - 0.1) < 4 * error
    assert np.mean(best) - 0.1 > 5 * error


def test_a_fold_s_answers_do_not_change_what_the_choice_gives_it() -> None:
    for seed in range(8):
        _choose_again_with_other_answers(seed)


def _choose_again_with_other_answers(seed: int) -> None:
    """A third of the questions has no answer, so that weights, limits and doubts are all fitted."""
    random = np.random.default_rng(seed)
    count, folds = 45, np.arange(45) % 3
    members = {f"m{number}": _guesses(random, count) for number in range(3)}
    blocks: dict[str, dict[str, Any]] = {
        "mean": {"kind": "mean"},
        "first": {"kind": "blend", "weights": {"m0": 1.0}},
        "fitted": {"kind": "blend", "steps": 5, "best_first": True},
    }
    gold = _some_unanswered(random, count)
    asked = Questions(contexts=[LETTERS] * count, gold=gold, folds=folds)
    found = ensembles.choose(blocks, members, asked, **GIVEN)
    told = ensembles.facts(found, list(members))
    assert sum(told["taken"].values()) == 3
    assert told["scores"].keys() == blocks.keys()
    for fold in range(3):
        inside = np.flatnonzero(folds == fold)
        new = _some_unanswered(random, count)
        other = [new[row] if folds[row] == fold else own for row, own in enumerate(gold)]
        again = ensembles.choose(blocks, members, dataclasses.replace(asked, gold=other), **GIVEN)
        assert again.fold_methods[fold] == found.fold_methods[fold]
        np.testing.assert_array_equal(again.by_fold[fold], found.by_fold[fold])
        for name in ("start", "end", "null"):
            np.testing.assert_array_equal(
                getattr(again.spans.take(inside), name), getattr(found.spans.take(inside), name)
            )


def _guesses(random: np.random.Generator, count: int) -> Spans:
    """Predictions (N) at random, each question's doubt of its own."""
    places, parts = random.integers(0, 10, count), []
    for row, null in enumerate(random.random(count)):
        parts.append(pointing(places, share=0.5, null=0.6 * null).take(np.array([row])))
    return ensembles.join(parts)


def _some_unanswered(random: np.random.Generator, count: int) -> list[list[Answer]]:
    silent = random.random(count) < 1 / 3
    found = letters(random.integers(0, 10, count))
    return [[] if none else own for none, own in zip(silent.tolist(), found, strict=True)]


def test_a_choice_needs_three_folds() -> None:
    asked = Questions(contexts=[LETTERS] * 4, gold=letters(np.arange(4)), folds=np.arange(4) % 2)
    blocks = {name: {"kind": "mean"} for name in "ab"}
    with pytest.raises(UserError, match="needs 3 folds"):
        ensembles.choose(blocks, {"m": pointing(np.arange(4))}, asked, **GIVEN)


def train_of(gold: list[list[Answer]]) -> pd.DataFrame:
    ids = [f"q{number}" for number in range(len(gold))]
    return pd.DataFrame({"id": ids, "text_b": LETTERS, "target": [encode(own) for own in gold]}, dtype="str")


@pytest.mark.parametrize("metric", ["squad_em", "squad_f1", "cmrc_f1"])
def test_scores_are_the_metric_s_and_paragraphs_widen_their_errors(metric: str) -> None:
    """Questions of a paragraph that all succeed or all fail are worth one."""
    random = np.random.default_rng(2)
    count = 400
    paragraphs = np.arange(count) // 10
    gold = letters(random.integers(0, 10, count))
    right = paragraphs // 4 % 5 < 3  # in every fold alike
    given = [texts(own)[0] if good else "z" for own, good in zip(gold, right, strict=True)]
    train = train_of(gold)
    found = {}
    for name, clusters in (("alone", np.arange(count)), ("together", paragraphs)):
        folds = pd.DataFrame({"id": train["id"], "fold": paragraphs % 4, "cluster": clusters})
        folds = folds.sample(frac=1, random_state=0)
        found[name] = AnswerScorer(train, folds, metric=metric, test_rows=100).score(
            "member", "m", "0", given, "a sample"
        )
    expected = metrics.score(metric, given, [texts(own) for own in gold])
    assert found["alone"].drawn.value == found["together"].drawn.value == pytest.approx(expected.value)
    per_fold = [right[paragraphs % 4 == fold].mean() for fold in range(4)]
    assert found["alone"].folds == pytest.approx(per_fold)
    assert found["alone"].drawn.se == pytest.approx(expected.se, rel=0.15)
    assert found["together"].drawn.se > 2.5 * found["alone"].drawn.se


def test_precision_of_pseudo_labels_is_that_of_equally_sure_held_out_answers() -> None:
    """Of eight questions outside the fold five are sure enough, four of them right; the fold's own do not count."""
    truth = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    said = np.array([0, 1, 2, 3, 9, 5, 6, 7, 0, 0])
    sure = np.array([1, 1, 1, 1, 1, 0, 0, 0, 1, 1], dtype=bool)
    known = _mixed(said, sure)
    folds = np.array([0, 1, 0, 1, 0, 1, 0, 1, 2, 2])
    test = pd.DataFrame({"id": ["t0", "t1", "t2"], "text_b": LETTERS}, dtype="str")
    asked = _mixed(np.array([2, 4, 6]), np.array([True, False, True]))
    voter = dataclasses.replace(asked, ids=["t2", "t1", "t0"])  # in another order than the table
    bars = PseudoOptions(agree=1.0, margin=0.5, confidence=0.5, max_share=1.0)
    given: dict[str, Any] = {"fold": 2, "metric": "exact", "decision": OPTIONS, "options": bars}
    train = train_of(letters(truth))
    table, told = label([voter], [known], train, test, folds, **given)
    assert told["precision"]["value"] == pytest.approx(4 / 5)
    # The error of five rows with Jeffreys' prior, and of the two that are taken
    prior = 4.5 / 6
    assert told["precision"]["se"] == pytest.approx(np.sqrt(prior * (1 - prior) * (1 / 7 + 1 / 2)))
    assert (told["accepted"], told["candidates"], told["parts"]) == (2, 3, {"test": 2})
    assert (told["oof_rows"], told["oof_right"], told["precision"]["cross_fitted"]) == (5, 4, True)
    assert list(table) == ["id", "label", "votes", "confidence", "accepted", "why", "part"]
    assert table["id"].tolist() == ["t0", "t1", "t2"]
    assert table["accepted"].tolist() == [True, False, True]
    assert [decode(target)[0].start for target in table["label"]] == [6, 4, 2]
    assert table["confidence"][1] < 0.5
    assert told["why"] == {"accepted": 2, "below confidence": 1}
    changed = train.copy()
    changed.loc[8:, "target"] = encode(letters(np.array([3]))[0])
    again, others = label([voter], [known], changed, test, folds, **given)
    pd.testing.assert_frame_equal(again, table)
    assert others == told
    none = {**given, "options": dataclasses.replace(bars, confidence=0.99)}
    table, told = label([voter], [known], train, test, folds, **none)
    assert not table["accepted"].any()
    assert told["precision"] is None


def test_all_right_is_not_certain_and_a_rule_is_not_measured_where_it_was_fitted() -> None:
    """Doubts at random: what a threshold gains on its own rows is not there on others."""
    random = np.random.default_rng(4)
    count, naive, honest = 60, [], []
    test = pd.DataFrame({"id": ["t"], "text_b": LETTERS}, dtype="str")
    voter = dataclasses.replace(pointing(np.zeros(1, dtype=np.int64), share=0.9), ids=["t"])
    bars = PseudoOptions(agree=1.0, margin=0.0, confidence=0.0, max_share=1.0)
    given: dict[str, Any] = {"fold": 3, "metric": "exact", "decision": OPTIONS, "options": bars}
    for _ in range(40):
        known = _guesses(random, count)
        train = train_of(_some_unanswered(random, count))
        for folds, found in ((np.arange(count) % 3, honest), (np.zeros(count, dtype=int), naive)):
            told = label([voter], [known], train, test, folds, **given)[1]
            found.append((told["oof_right"], told["oof_rows"]))
    (honest_right, honest_rows), (naive_right, naive_rows) = np.sum(honest, axis=0), np.sum(naive, axis=0)
    chance = 2 / 3 / 10
    assert naive_right / naive_rows > 1.4 * chance
    assert abs(honest_right / honest_rows - chance) < 3 * np.sqrt(chance / honest_rows)
    places = random.integers(0, 10, 12)
    told = label([voter], [pointing(places)], train_of(letters(places)), test, np.arange(12) % 3, **given)[1]
    assert told["precision"]["value"] == 1
    assert told["precision"]["se"] > 0.1


def _mixed(places: np.ndarray, sure: np.ndarray) -> Spans:
    """Predictions that are sure of some questions only: the other ones lie between two letters."""
    torn = average([pointing(places), pointing((places + 1) % 10)], [0.5, 0.5])
    both = {True: pointing(places), False: torn}
    parts = [both[bool(one)].take(np.array([row])) for row, one in enumerate(sure)]
    return ensembles.join(parts)


def test_one_method_is_the_average_that_it_names() -> None:
    random = np.random.default_rng(3)
    members = {name: pointing(random.integers(0, 10, 12)) for name in ("a-s0", "b-s0")}
    asked = Questions(
        contexts=[LETTERS] * 12, gold=letters(random.integers(0, 10, 12)), folds=np.arange(12) % 3
    )
    for block, weights in (
        ({"kind": "mean"}, [0.5, 0.5]),
        ({"kind": "blend", "weights": {"a-s0": 3.0, "b-s0": 1.0}}, [0.75, 0.25]),
    ):
        found = ensembles.fit("it", block, members, asked, **GIVEN)
        expected = average(list(members.values()), weights)
        np.testing.assert_allclose(found.spans.start, expected.start)
        np.testing.assert_allclose(found.weights / found.weights.sum(), weights)
        assert ensembles.facts(found, list(members))["weights"] == dict(
            zip(members, found.weights.tolist(), strict=True)
        )
    assert rules.fit(found.spans, asked.contexts, asked.gold, **GIVEN).threshold is None


def test_the_profile_tells_lengths_and_what_a_person_should_know() -> None:
    train = train_of([[Answer(0, 1, "a")], [], [Answer(1, 4, "bcd"), Answer(-1, -1, "zzzzz")]])
    train["text_a"] = pd.Series(["?", "??", "????"], dtype="str")
    test = pd.DataFrame({"text_a": ["why"] * 2, "text_b": [f" {LETTERS}\n", "other"]}, dtype="str")
    counts = {"train": {"questions": 3, "answers_lost": 1, "untrainable": 0}, "test": {"questions": 2}}
    told = profile(train, test, counts)
    assert told["rows"] == {"train": 3, "test": 2}
    assert told["counts"] == counts
    assert told["lengths"]["train"]["question"] == {
        "min": 1,
        "median": 2,
        "p95": pytest.approx(3.8),
        "max": 4,
    }
    assert told["answers"] == {"min": 1, "median": 3, "p95": pytest.approx(4.8), "max": 5}
    assert told["test_questions_on_train_contexts"] == 1
    lost, shared = told["warnings"]
    assert lost.startswith("1 published answers do not stand in their contexts")
    assert shared.startswith("1 of 2 test questions are on contexts of train")
    silent = profile(train.assign(target="[]"), test.iloc[1:], {"train": {}, "test": {}})
    assert (silent["answers"], silent["warnings"]) == ({}, [])
