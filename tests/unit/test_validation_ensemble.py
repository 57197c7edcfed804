"""The config of the ensembles: what is right is planned, each mistake gets one line with its key."""

from typing import Any

import pytest

from podium.ensembles.layers import Layers
from podium.ensembles.methods import build
from podium.errors import UserError
from podium.plan import Plan
from podium.validation import load

TASK = {"train": "a.csv", "test": "b.csv", "text": ["t"], "target": "y"}
MODELS = {"linear": {"kind": "linear"}, "trees": {"kind": "lightgbm", "svd": 9}}
NAMED: dict[str, Any] = {
    "geometric": {"kind": "mean", "average": "geometric", "temperature": True},
    "bagged": {"kind": "blend", "bags": 20, "share": 0.5, "best_first": True},
    "history": {"kind": "vote", "weighting": "score"},
    "boosted": {"kind": "stack", "model": "lightgbm", "statistics": True},
    "top": {"kind": "layers", "first": ["boosted", "stack", "mean"], "second": "bagged"},
}


def raw(task: dict[str, Any] | None = None, folds: int = 5, **ensemble: Any) -> dict[str, Any]:
    return {
        **{"competition": "c", "models": MODELS, "folds": {"n": folds}},
        **{"tasks": {"t": {**TASK, **(task or {})}}, "ensemble": ensemble},
    }


def plan(tmp_path, config: dict[str, Any]) -> Plan:
    return Plan(load(config), tmp_path)


def told(config: dict[str, Any]) -> list[str]:
    with pytest.raises(UserError) as caught:
        load(config)
    return [line.removeprefix("config: ") for line in str(caught.value).split("\n")]


VALUES = {"type": "regression", "target": ["y"], "metric": "rmse"}


def test_every_ensemble_is_planned_and_built(tmp_path) -> None:
    config = plan(tmp_path, raw(named=NAMED, submit="top", methods=["mean", "vote"]))
    assert config.ensembles() == ["mean", "vote", *sorted(NAMED)]
    block = config.ensemble()
    for name, options in block["methods"].items():
        built = build(name, options, members=block["members"], metric=block["metric"], type=block["type"])
        assert isinstance(built, Layers) == (name == "top")
    assert config.reads_texts("boosted")
    assert config.reads_texts("top")
    assert config.reads_texts()
    assert not config.reads_texts("mean")
    assert "boosted" not in plan(tmp_path, raw(named={"boosted": None})).ensembles()


def test_blocks_hold_only_what_an_ensemble_depends_on(tmp_path) -> None:
    """An option of another ensemble makes nothing old; one below a layer does."""
    before = plan(tmp_path, raw(named=NAMED))

    def changed(**ensemble: Any) -> set[str]:
        after = plan(tmp_path, raw(**ensemble))
        return {
            name
            for name in before.ensembles()
            if name != "best" and before.options(name) != after.options(name)
        }

    assert changed(named=NAMED) == set()
    assert changed(named={**NAMED, "boosted": {**NAMED["boosted"], "trees": 7}}) == {"boosted", "top"}
    assert changed(named=NAMED, stack={"c": 3}) == {"stack", "top"}
    fixed = plan(tmp_path, raw(blend={"weights": {"linear-s0": 1.0}})).options("blend")
    assert fixed == {"kind": "blend", "weights": {"linear-s0": 1.0, "trees-s0": 0.0}, "temperature": False}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (raw(named={"x": {"kind": "blnd"}}), "ensemble.named.x.kind: unknown kind 'blnd'; did you mean 'blend'?"),
        (
            raw(named={"x": {"steps": 3}}),
            "ensemble.named.x.kind: this key is required and missing; valid: mean, blend, vote, stack, layers",
        ),
        (raw(named={"x": {"kind": "blend", "stps": 3}}), "ensemble.named.x.stps: unknown key; did you mean 'steps'?"),
        (
            raw(named={"x": {"kind": "stack", "model": "rigde"}}),
            "ensemble.named.x.model: found 'rigde'; did you mean 'ridge'?",
        ),
        (
            raw(named={"x": {"kind": "layers", "second": "mean"}}),
            "ensemble.named.x.first: this key is required and missing",
        ),
        (raw(named={"best": {"kind": "mean"}}), "ensemble.named.best: this name is reserved"),
        (
            raw(named={"x": {"kind": "blend", "weights": {"linear-s2": 1}}}),
            "ensemble.named.x.weights: there is no member 'linear-s2'; did you mean 'linear-s0'?",
        ),
        (
            raw(named={"x": {"kind": "layers", "first": ["mean", "stak"], "second": "blend"}}),
            "ensemble.named.x.first: there is no ensemble 'stak'; did you mean 'stack'?",
        ),
        (
            raw(named={"x": {"kind": "layers", "first": ["mean", "mean"], "second": "blend"}}),
            "ensemble.named.x.first: mean stands there more than once",
        ),
        (
            raw(
                named={
                    "x": {"kind": "layers", "first": ["mean"], "second": "blend"},
                    "z": {"kind": "layers", "first": ["x"], "second": "blend"},
                }
            ),
            "ensemble.named.z.first: 'x' has layers of its own; two layers are the most",
        ),
        (
            raw(
                blend={"weights": {"linear-s0": 1}},
                named={"x": {"kind": "layers", "first": ["mean"], "second": "blend"}},
            ),
            "ensemble.named.x.second: blend.weights: there is no member 'linear-s0'; valid: mean",
        ),
        (
            raw(named=NAMED, submit="bosted"),
            "ensemble.submit: 'bosted' is not among ensemble.methods; did you mean 'boosted'?",
        ),
        (
            raw(named={"x": NAMED["top"] | {"first": ["mean"], "second": "blend"}}, folds=3),
            "ensemble.named.x: layers need folds.n of 4 or more, to cross-fit one inside the other",
        ),
        (
            raw(blend={"search": "simplex", "steps": 9}),
            "ensemble.blend.steps: means nothing beside search: simplex; leave it out",
        ),
        (
            raw(named={"x": {"kind": "blend", "search": "simplex", "bags": 9}}),
            "ensemble.named.x.bags: means nothing beside search: simplex; leave it out",
        ),
        (raw(blend={"share": 0.2}), "ensemble.blend.share: means nothing beside bags: 1; leave it out"),
        (
            raw(blend={"weights": {"linear-s0": 1.0}, "steps": 9}),
            "ensemble.blend.steps: means nothing beside weights; leave it out",
        ),
        (
            raw(stack={"model": "ridge", "c": 1.0}),
            "ensemble.stack.c: means nothing beside model: ridge; leave it out",
        ),
        (raw(stack={"trees": 10}), "ensemble.stack.trees: means nothing beside model: linear; leave it out"),
        (
            raw(vote={"weights": {"linear-s0": 1.0}, "weighting": "learned"}),
            "ensemble.vote.weighting: means nothing beside weights; leave it out",
        ),
        (raw(vote={"steps": 5}), "ensemble.vote.steps: means nothing beside weighting: equal; leave it out"),
        (
            raw() | {"decision": {"method": "argmax", "min_gain": 3}},
            "decision.min_gain: argmax is used whatever it gains; leave it out, or use auto",
        ),
        (
            raw() | {"decision": {"method": "argmax", "sweeps": 1}},
            "decision.sweeps: belongs to offsets, not to argmax; leave it out",
        ),
        (
            raw(VALUES, named={"x": {"kind": "vote"}}),
            "ensemble.named.x: a vote is among labels, and a regression has values; leave it out",
        ),
        (
            raw(VALUES, mean={"average": "geometric"}),
            "ensemble.mean: a geometric mean is of probabilities, and a regression has values; use arithmetic or rank",
        ),
        (
            raw(VALUES, blend={"temperature": True}),
            "ensemble.blend: a temperature scales probabilities, and a regression has values; leave temperature out",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_one_line(config, message) -> None:
    assert told(config) == [message]


def test_a_config_that_names_every_default_is_right() -> None:
    written = {"search": "simplex", "steps": 50, "best_first": None, "bags": 1, "share": 0.5}
    load(raw(blend=written, stack={"model": "ridge", "c": 0.01, "trees": 100}, vote={"steps": 50}))
    everything = load(raw()).model_dump(exclude_defaults=False)
    load(everything)


def test_layers_of_a_regression_keep_to_its_methods(tmp_path) -> None:
    lines = told(raw(VALUES, named={"x": {"kind": "layers", "first": ["mean", "vote"], "second": "stack"}}))
    assert lines == [
        "ensemble.named.x.first: a vote is among labels, and a regression has values; leave it out"
    ]
    assert plan(tmp_path, raw(VALUES)).ensembles() == ["mean", "blend", "stack", "best"]
