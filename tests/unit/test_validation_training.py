"""Keys of the training loop that mean nothing where they stand: one line each, whatever kind the engine trains."""

import copy
from pathlib import Path
from typing import Any

import pytest

from podium.errors import UserError
from podium.plan import Plan
from podium.plan_span import SpanPlan
from podium.validation import load

LABELS = {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}
TASKS: dict[str, dict[str, Any]] = {
    "single_label": LABELS,
    "regression": {**LABELS, "type": "regression", "metric": "rmse"},
    "span": {"train": "a.json", "test": "b.json", "type": "span"},
}
KINDS: dict[str, dict[str, Any]] = {
    "textcnn": {"kind": "textcnn"},
    "transformer": {"kind": "transformer", "encoder": "data/bert"},
    "multitask": {"kind": "multitask", "encoder": "data/bert"},
    "reader": {"kind": "reader", "encoder": "data/bert"},
}


def raw(kind: str, block: dict[str, Any], task: str | None = None) -> dict[str, Any]:
    given = TASKS[task or ("span" if kind == "reader" else "single_label")]
    tasks = {"t": given, "u": given} if kind == "multitask" else {"t": given}
    return copy.deepcopy({"competition": "c", "tasks": tasks, "models": {"m": {**KINDS[kind], **block}}})


def told(given: dict[str, Any]) -> list[str]:
    with pytest.raises(UserError) as error:
        load(given)
    return [line.removeprefix("config: models.m.") for line in str(error.value).splitlines()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("block", "line"),
    [
        (
            {"adversarial": {"method": "fgm", "steps": 5}},
            "adversarial.steps: belongs to pgd, pgd_rows, freelb, awp, not to fgm; leave it out",
        ),
        (
            {"adversarial": {"method": "pgd", "random_start": 0.1}},
            "adversarial.random_start: belongs to freelb, not to pgd; leave it out",
        ),
        (
            {"average": {"method": "swa", "decay": 0.5}},
            "average.decay: belongs to ema, not to swa; leave it out",
        ),
        (
            {"average": {"method": "swa", "every": "epoch"}, "epochs": 3.5},
            "average: from start 0.75 on swa takes weights once only, after the last step; lower start, or leave "
            "every out",
        ),
        (
            {"r_drop": {}, "dropout": 0},
            "r_drop: without dropout both passes are the same; set dropout above 0",
        ),
        (
            {"word_dropout": {"from_epoch": 3}, "epochs": 1.5},
            "word_dropout.from_epoch: 3 is after the last epoch, 2; lower it",
        ),
    ],
)
def test_of_every_kind(kind: str, block: dict[str, Any], line: str) -> None:
    assert told(raw(kind, block)) == [line]


@pytest.mark.parametrize("kind", ["transformer", "multitask", "reader"])
@pytest.mark.parametrize(
    ("block", "line"),
    [
        (
            {"lora": {}, "adversarial": {"method": "pgd"}},
            "adversarial.method: with lora the table of words does not train, so pgd does nothing; use pgd_rows",
        ),
        (
            {"unfreeze": 0.5, "adversarial": {}},
            "adversarial.method: with unfreeze the table of words trains last, and fgm does nothing before; use "
            "fgm_rows",
        ),
        ({"lora": {}, "unfreeze": 0.5}, "unfreeze: lora freezes the encoder's own layers; leave it out"),
        ({"unfreeze": 2.0}, "unfreeze: with 2 epochs for each layer only the top one trains in 2; lower it"),
    ],
)
def test_of_every_encoder(kind: str, block: dict[str, Any], line: str) -> None:
    assert told(raw(kind, block)) == [line]


@pytest.mark.parametrize(
    ("kind", "task", "block", "line"),
    [
        (
            "textcnn",
            "single_label",
            {"loss": {"name": "mse"}},
            "loss.name: mse is not for single_label tasks; valid: cross_entropy, focal, soft_f1, symmetric, "
            "generalized, binary, corn",
        ),
        (
            "textcnn",
            "regression",
            {"loss": {"smoothing": 0.1}},
            "loss.smoothing: belongs to cross_entropy, not to mse; leave it out",
        ),
        (
            "textcnn",
            "regression",
            {"r_drop": {}},
            "r_drop: compares distributions over classes, and a regression has none; set it to null",
        ),
        (
            "textcnn",
            "single_label",
            {"channels": "static", "vectors": "v.txt", "adversarial": {}},
            "adversarial.method: with channels: static the table of words does not train, so fgm does nothing; use "
            "fgm_rows",
        ),
        (
            "transformer",
            "single_label",
            {"long_texts": "chunks", "mixup": {"where": "words"}},
            "mixup.where: words mixes rows token by token, and chunks of a row are several; use sentence",
        ),
    ],
)
def test_of_one_kind(kind: str, task: str, block: dict[str, Any], line: str) -> None:
    assert told(raw(kind, block, task)) == [line]


@pytest.mark.parametrize("kind", KINDS)
def test_what_means_something_is_let_through(kind: str) -> None:
    load(raw(kind, {"adversarial": {"method": "fgm", "from_epoch": 2}, "epochs": 1.5}))
    load(raw(kind, {"average": {"method": "swa", "every": "epoch"}, "epochs": 4}))
    if kind != "textcnn":
        load(raw(kind, {"steps": 9, "unfreeze": 3.0, "average": {"method": "swa", "every": "epoch"}}))


def test_a_network_s_own_smoothing_is_off_where_its_loss_has_none() -> None:
    config = load(raw("textcnn", {}, "regression"))
    assert load(config.model_dump()) == config
    assert (
        Plan.from_raw(raw("textcnn", {}, "regression"), Path()).train("m-s0", 0, 0)["options"]["loss"][
            "smoothing"
        ]
        is None
    )


def test_weights_are_moved_by_no_more_than_the_paper_moves_them() -> None:
    """In the paper (arXiv 2004.05884, section 4) the norm of the move is 0.005 of the weights'."""
    block = Plan.from_raw(raw("textcnn", {"adversarial": {"method": "awp"}}), Path()).train("m-s0", 0, 0)
    assert block["options"]["adversarial"]["step_size"] <= 0.005


@pytest.mark.parametrize("kind", ["transformer", "reader"])
def test_a_refit_is_past_the_epochs_of_plain_training(kind: str) -> None:
    """Its one epoch would never have what begins in the second."""
    late = {"adversarial": {"method": "fgm", "from_epoch": 2}, "word_dropout": {}, "refit": {}}
    plan = (SpanPlan if kind == "reader" else Plan)(load(raw(kind, late)), Path())
    train, refit = plan.train("m-s0", 0, 0)["options"], plan.refit("m-s0", 0)["options"]
    assert train["adversarial"]["from_epoch"] == 2
    assert refit["adversarial"] == {**train["adversarial"], "from_epoch": 1}
    assert refit["word_dropout"] == train["word_dropout"]
    assert refit["r_drop"] is None
