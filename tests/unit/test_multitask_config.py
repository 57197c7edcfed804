"""The config block of a multitask model: what it becomes, and which mistakes are found."""

import dataclasses

import pytest
from pydantic import ValidationError

from podium.config.base import Model as ModelBlock
from podium.config.multitask import Multitask
from podium.engine.multitask.balance import METHODS, BalanceOptions
from podium.engine.multitask.sampling import METHODS as SAMPLINGS
from podium.models.multitask import Options
from podium.models.multitask_options import MODES
from podium.validation_multitask import multitask_checks

NAMES = ["ocnli", "tnews", "sentiment"]


def block(**changes: object) -> Multitask:
    return Multitask(kind="multitask", encoder="data/x", **changes)  # type: ignore[arg-type]


def test_the_settled_block_is_the_models_options() -> None:
    settled = block(tasks=NAMES, balance={"method": "fixed", "weights": {"tnews": 2}}).settled("single_label")
    shared = {*ModelBlock.model_fields, "kind", "revision", "refit"} - {"tasks"}
    options = Options(**{key: value for key, value in settled.items() if key not in shared})
    assert options.balancing().weights == {"tnews": 2.0}
    assert {field.name for field in dataclasses.fields(BalanceOptions)} == settled["balance"].keys()


def test_names_are_those_of_the_engine() -> None:
    for key, names in (("sampling", SAMPLINGS), ("mode", MODES)):
        for name in names:
            assert getattr(block(**{key: name}), key) == name
        with pytest.raises(ValidationError):
            block(**{key: "none"})
    for name in METHODS:
        assert block(balance={"method": name}).balance.method == name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "queries", "pooling": "cls"}, "models.m.pooling: mode queries"),
        ({"mode": "flat", "loss": {"name": "corn"}}, "models.m.loss.name: corn needs"),
        ({"balance": {"gamma": 2.0}}, "models.m.balance.gamma: belongs to dtp, not to rows"),
        (
            {"balance": {"method": "dwa", "weights": {"ocnli": 2}}},
            "models.m.balance.weights: belongs to rows and fixed",
        ),
        ({"balance": {"weights": {"ocnl": 2}}}, "models.m.balance.weights: there is no task 'ocnl'"),
        ({"stopping": {"patience": 1}, "average": {"method": "swa"}}, "models.m.stopping.patience: swa"),
        ({"stopping": {}, "refit": {}}, "models.m.refit: with stopping"),
        ({"lora": {}, "balance": {"method": "gradnorm"}}, "models.m.balance.method: gradnorm"),
    ],
)
def test_mistakes_are_found(changes: dict, message: str) -> None:
    found = multitask_checks("m", block(**changes), NAMES)
    assert any(mistake.startswith(message) for mistake in found), found


def test_a_sound_block_has_none_and_one_task_is_no_competition_for_it() -> None:
    assert not multitask_checks("m", block(balance={"method": "gradnorm", "alpha": 0.5}), NAMES)
    assert not multitask_checks("m", block(stopping={"patience": 2}, mode="queries"), NAMES)
    assert "needs two tasks" in multitask_checks("m", block(), ["only"])[0]
