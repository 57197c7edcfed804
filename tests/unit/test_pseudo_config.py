"""The block ``pseudo``: what is refused and in which words, and what rules get of it."""

import copy
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from podium import metrics
from podium.errors import UserError
from podium.lineage import COLUMNS, training_table
from podium.plan import Plan
from podium.pseudo_rounds import judge, settled
from podium.report import pseudo_notes
from podium.train import fold_data

ROOT = Path(__file__).parents[2]
RAW: dict[str, Any] = {
    "competition": "c",
    "tasks": {"t": {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}},
    "models": {
        "bags": {"kind": "fasttext", "seeds": [0, 1, 2]},
        "bert": {"kind": "transformer", "encoder": "org/bert", "refit": {}, "rounds": 0},
    },
}


def plan_of(**pseudo: Any) -> Plan:
    raw = copy.deepcopy(RAW) | {"pseudo": {"voters": ["bags"], **pseudo}}
    if pseudo.pop("bert", None) == "rounds":
        raw["pseudo"].pop("bert")
        del raw["models"]["bert"]["rounds"]
    return Plan.from_raw(raw, ROOT)


@pytest.mark.parametrize(
    ("pseudo", "message"),
    [
        ({"votes": 4, "agree": 0.1}, "pseudo.votes: 4 votes are more than the 3 voters"),
        ({"votes": 2}, "pseudo.votes: 2 changes nothing, pseudo.agree 1 asks for 3 of 3 votes; lower agree"),
        ({"confidence": 1.5}, "pseudo.confidence: input should be less than or equal to 1; found 1.5"),
        (
            {"confidence": {"earn": 2}},
            "pseudo.confidence.earn: input should be less than or equal to 1; found 2",
        ),
        ({"confidence": "high"}, "pseudo.confidence: input should be a valid number"),
        ({"precision": 1.0}, "pseudo.precision: input should be less than 1; found 1.0"),
        ({"weight": []}, "pseudo.weight: it should have at least 1 item"),
        ({"weight": [0.5, 2]}, r"pseudo.weight\[1\]: input should be less than or equal to 1; found 2"),
        ({"weight": [0.5, 1.0]}, "pseudo.weight: has 2 weights for 1 rounds"),
        ({"balance": "equl"}, "pseudo.balance: found 'equl'; did you mean 'equal'?"),
        (
            {"until_helps": True, "bert": "rounds"},
            "models.bert.refit: trains on all rows after the last round",
        ),
    ],
)
def test_a_mistake_is_one_line(pseudo: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        plan_of(**pseudo)
    lines = str(caught.value).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("config: " + message.replace("\\", ""))


def test_what_the_rules_get() -> None:
    plan = plan_of(rounds=3, weight=[0.25, 0.5], confidence={1: 0.7, "a": 0.8}, votes=2, agree=0.3)
    weights = [plan.train("bags-s0", number, 0)["rows_of"]["pseudo_weight"] for number in range(4)]
    assert weights == [1.0, 0.25, 0.5, 0.5]
    assert plan.pseudo(1)["rules"]["confidence"] == {"*": 0.9, "1": 0.7, "a": 0.8}
    other = plan_of(rounds=3, weight=[0.25, 0.5], confidence={"a": 0.8, 1: 0.7}, votes=2, agree=0.3)
    assert repr(other.pseudo(1)) == repr(plan.pseudo(1))
    assert plan.scored_rounds() == plan.member_rounds()
    until = plan_of(rounds=2, until_helps=True)
    assert until.scored_rounds() == [("bert-s0", 0)]
    assert [until.settles(member) for member in until.members] == [True, True, True, False]


# ---- rounds as long as they help


def verdicts(
    metric: str, truth: np.ndarray, folds: np.ndarray, rounds: list[np.ndarray]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for before, after in itertools.pairwise(rounds):
        last = found[-1] if found else None
        found.append(judge(metric, truth, folds, before, after, verdict=last))
    return found


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_each_folds_round_is_the_one_before_the_first_that_did_not_help_the_others(metric: str) -> None:
    for seed in range(25):
        rng = np.random.default_rng(seed)
        truth, folds = rng.integers(3, size=60), rng.permutation(60) % 4
        rounds = [
            rng.dirichlet(np.ones(3) * 0.7, 60) * 0.4 + 0.6 * np.eye(3)[truth] * 0.3 + 0.14 for _ in range(5)
        ]
        rounds = [proba / proba.sum(axis=1, keepdims=True) for proba in rounds]

        found = verdicts(metric, truth, folds, rounds)
        for fold in range(4):
            rows = folds != fold
            scores = [
                metrics.utility(metric, metrics.value(metric, truth[rows], None, proba[rows], classes=3))
                for proba in rounds
            ]
            helped = [after > before for before, after in itertools.pairwise(scores)]
            for number, one in enumerate(found, 1):
                first = next((r for r, good in enumerate(helped[:number]) if not good), number)
                assert one["rounds"][fold] == first
                assert one["goes_on"] == any(last == number for last in one["rounds"])
            changed = np.where(rows, truth, rng.integers(3, size=60))
            assert [one["rounds"][fold] for one in verdicts(metric, changed, folds, rounds)] == [
                one["rounds"][fold] for one in found
            ]
        chosen = [rounds[last] for last in found[-1]["rounds"]]
        result = settled(chosen, folds)
        assert all((result[row] == chosen[folds[row]][row]).all() for row in range(60))


# ---- soft labels on their way to a model


def test_soft_labels_reach_the_model_as_they_are() -> None:
    train = pd.DataFrame({"id": ["1", "2", "3"], "target": ["a", "b", "a"]}, dtype="str")
    folds = pd.DataFrame({"id": train["id"], "fold": [0, 1, 1], "cluster": [0, 1, 2]})
    pseudo = pd.DataFrame(
        {"id": ["1", "2"], "label": ["b", "a"], "accepted": [True, False], "part": ["test", "test"]}
    )
    soft = pseudo.assign(**{"p:a": np.float32([0.25, 0.9]), "p:b": np.float32([0.75, 0.1])})
    texts = pd.DataFrame({"id": ["1", "2", "3"], "text_a": ["x", "y", "z"]}, dtype="str")
    found = {}
    for name, table in (("hard", pseudo), ("soft", soft)):
        rows = training_table(train, folds, 0, pseudo=table, pseudo_weight=0.5)
        found[name] = fold_data(
            rows, {"train": texts, "test": texts}, folds, 0, ["a", "b"], "single_label", epochs=False
        )
    hard, mixed = found["hard"], found["soft"]
    assert hard.table.columns.tolist() == COLUMNS
    assert hard.soft is None
    assert mixed.soft is not None
    assert mixed.soft.tolist() == [[0, 1], [1, 0], [0.25, 0.75]]
    assert mixed.table.columns.tolist() == [*COLUMNS, "p:a", "p:b"]
    pd.testing.assert_frame_equal(mixed.table[COLUMNS], hard.table)
    assert mixed.target.tolist() == hard.target.tolist() == [1, 0, 1]
    assert mixed.weight.tolist() == [1, 1, 0.5]


def test_the_report_says_how_many_and_how_sure() -> None:
    def facts(accepted: int, value: float | None, parts: dict[str, int]) -> dict[str, Any]:
        precision = None if value is None else {"value": value, "se": 0.01, "cross_fitted": True}
        return {"accepted": accepted, "candidates": 80, "precision": precision, "parts": parts}

    rounds = [(1, facts(40, 0.9, {"test": 40})), (1, facts(50, 0.94, {"test": 50}))]
    rounds += [(2, facts(0, None, {"test": 0, "web": 0}))]
    assert pseudo_notes(rounds) == [
        "round 1 trained on the pseudo-labels of 40 to 50 of 80 test rows; 92.0% +- 1.0% of them right, by out-of-fold "
        "rows at the same bars",
        "round 2 trained on the pseudo-labels of 0 of 80 test and unlabelled rows; lower pseudo.confidence or set "
        "pseudo.rounds: 0",
    ]
