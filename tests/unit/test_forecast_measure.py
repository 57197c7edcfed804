"""The doctor's short measurement: every kind of network trains its encoder, and its work is what it read."""

import copy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from podium.encoder_shape import TRAIN, shape_of
from podium.files import write_json
from podium.forecast import sizes
from podium.forecast.costs import Costs
from podium.forecast.measure import FIRST, STEPS, Measured, encoder_alone, measure
from podium.forecast.work import times
from podium.plans import Plans

ROWS, BATCH = 60, 8
TEXT = "ape bear cat dog iron lead gold tin jazz punk folk soul"
TASK: dict[str, Any] = {"train": "train.csv", "test": "test.csv", "text": ["x"], "target": "y"}
TRICKS: dict[str, Any] = {
    "adversarial": {"method": "pgd", "from_epoch": 1},
    "r_drop": {},
    "average": {"method": "ema"},
}


def measured(raw: dict[str, Any]) -> Measured:
    plans = Plans.from_raw(raw, Path.cwd())
    return measure(Costs(plans, {task: sizes.planned(plan) for task, plan in plans.items()}), [], "cpu")


@pytest.fixture
def network(encoder: Path) -> dict[str, Any]:
    """The keys of a small network that reads texts of 14 tokens whole."""
    return {
        "encoder": str(encoder),
        "max_length": 24,
        "batch_size": BATCH,
        "epochs": 1,
        "rounds": 0,
        "precision": "fp32",
    }


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame({"id": range(ROWS), "x": TEXT})
    rows.to_csv("test.csv", index=False)
    rows.assign(y=[f"c{place % 3}" for place in range(ROWS)], n=rows["id"] / 7).to_csv(
        "train.csv", index=False
    )
    asked = [
        {"id": f"q{place}", "question": "ape bear", "answers": [{"text": "cat", "answer_start": 0}]}
        for place in range(ROWS)
    ]
    for name in ("train", "test"):
        article = {
            "title": "t",
            "paragraphs": [{"context": "cat dog iron lead gold", "qas": copy.deepcopy(asked)}],
        }
        write_json({"version": "1.1", "data": [article]}, Path(f"{name}.json"))


def competition(tasks: dict[str, Any], **models: Any) -> dict[str, Any]:
    return {"competition": "c", "tasks": tasks, "folds": {"n": 3}, "models": models}


def of(kind: str, network: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """A competition with a network of a kind, and how many tokens each of its sequences has."""
    block = {"kind": kind, **network}
    if kind == "reader":
        block |= {"max_question": 8, "overlap": 4}
        return competition(
            {"t": {"type": "span", "train": "train.json", "test": "test.json"}}, net=block
        ), 2 + 5 + 3
    if kind == "multitask":
        return competition({"t": TASK, "u": TASK}, net=block), 12 + 2
    return competition({"t": TASK}, net=block), 12 + 2


@pytest.mark.parametrize("kind", ["transformer", "multitask", "reader"])
def test_the_work_is_what_the_steps_read(kind: str, network: dict[str, Any], encoder: Path) -> None:
    raw, tokens = of(kind, network)
    found = measured(raw)
    assert found.notes == []
    (seen,) = found.seen
    read = (STEPS - FIRST) * BATCH * tokens
    assert seen.own == f"measured {kind}"
    assert seen.amount == pytest.approx(TRAIN * shape_of(encoder).gflop(read, tokens))
    assert seen.seconds > 0


def test_a_regression_is_measured(network: dict[str, Any]) -> None:
    task = {**TASK, "target": "n", "type": "regression", "metric": "rmse"}
    assert len(measured(competition({"t": task}, net={"kind": "transformer", **network})).seen) == 1


def test_tricks_are_in_the_work_and_not_in_what_is_measured(network: dict[str, Any]) -> None:
    """A rate that was measured with them would count them twice."""
    block = {"kind": "transformer", **network, **TRICKS, "gradient_checkpointing": True}
    plan = Plans.from_raw(competition({"t": TASK}, net=block), Path.cwd())["t"]
    options = plan.train("net-s0", 0, 0)["options"]
    alone = encoder_alone(options, "single_label")
    assert times(options) > 4
    assert times(alone) == pytest.approx(4 / 3)  # it does take as much memory as it will
    assert {alone[name] for name in TRICKS} == {None}
    assert (alone["max_length"], alone["batch_size"]) == (24, BATCH)


def test_an_encoder_that_is_not_here_yet_is_told(network: dict[str, Any]) -> None:
    found = measured(competition({"t": TASK}, net={"kind": "transformer", **network, "encoder": "org/bert"}))
    assert (found.seen, len(found.notes)) == ([], 1)
    assert "not here yet" in found.notes[0]
