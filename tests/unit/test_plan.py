"""Members, rounds and files as the config means them; blocks hold what their rules depend on, and no more."""

import copy
import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest

from podium import config, models
from podium.errors import UserError
from podium.plan import FETCHED, Plan

ROOT = Path(__file__).parents[2]
TASK = {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}
RAW: dict[str, Any] = {
    "competition": "c",
    "seed": 5,
    "tasks": {"t": TASK},
    "text": {"views": {"raw": [], "clean": ["nfkc"], "base": ["lemmas"]}},
    "augment": {"eda": {"kind": "eda"}},
    "models": {
        "linear": {"kind": "linear", "view": "base", "augment": ["eda"]},
        "trees": {"kind": "lightgbm", "seeds": [0, 3], "rounds": 1, "noise": "prune"},
        "bert": {"kind": "transformer", "encoder": "org/bert", "revision": "v1", "rounds": 0},
    },
    "pseudo": {"rounds": 2, "weight": 0.5},
}
EVERY = {**RAW, "models": {**RAW["models"], "bags": {"kind": "fasttext"}, "cnn": {"kind": "textcnn"}}}


def plan_of(raw: dict[str, Any] = RAW, **blocks: Any) -> Plan:
    return Plan.from_raw({**copy.deepcopy(raw), **blocks}, ROOT)


# ---- defaults live in podium.config only


@pytest.mark.parametrize("member", plan_of(EVERY).members)
def test_options_of_a_kind_are_the_keys_its_config_block_hands_over(member: str) -> None:
    plan = plan_of(EVERY)
    handed = plan.train(member, 0, 0)["options"]
    options = importlib.import_module(models.KINDS[plan.kind(member)].module).Options
    fields = dataclasses.fields(options)
    assert {field.name for field in fields} == set(handed)
    assert all(field.default is field.default_factory is dataclasses.MISSING for field in fields)
    assert options(**handed)


def test_config_and_registry_know_the_same_kinds() -> None:
    assert list(config.KINDS) == list(models.KINDS)
    assert {plan_of(EVERY).kind(member) for member in plan_of(EVERY).members} == set(models.KINDS) - {
        "multitask",
        "reader",
        "retriever",
    }


# ---- members and rounds


def test_members_take_part_up_to_their_own_last_round() -> None:
    plan = plan_of()
    assert plan.members == ["bert-s0", "linear-s0", "trees-s0", "trees-s3"]
    assert [plan.last_round(member) for member in plan.members] == [0, 2, 1, 1]
    assert plan.rounds == 2
    assert plan.member_rounds() == [
        ("bert-s0", 0),
        *(("linear-s0", number) for number in range(3)),
        *(("trees-s0", number) for number in range(2)),
        *(("trees-s3", number) for number in range(2)),
    ]
    assert plan_of(pseudo={"rounds": 0}).member_rounds() == [(member, 0) for member in plan.members]
    assert plan_of(pseudo={"voters": ["trees"]}).voters() == [
        "trees-s0",
        "trees-s3",
    ]
    assert plan_of(ensemble={"members": ["bert-s0"]}).used() == ["bert-s0"]
    assert plan_of(ensemble={"methods": ["mean"], "submit": "mean"}).ensembles() == ["mean"]


def test_seeds_and_weights_of_a_training_job() -> None:
    plan = plan_of()
    first, second = plan.train("trees-s0", 0, 1), plan.train("trees-s3", 1, 1)
    assert (first["seed"], second["seed"]) == (5, 8)
    assert (first["rows_of"]["pseudo_weight"], second["rows_of"]["pseudo_weight"]) == (1.0, 0.5)
    assert {**first, "seed": 8, "round": 1, "rows_of": second["rows_of"]} == second


def every_block(plan: Plan) -> dict[str, Any]:
    """All blocks of the workflow, by the rule and its wildcards."""
    blocks: dict[str, Any] = {
        "ingest": plan.ingest(),
        "ingest_test": plan.ingest_test(),
        "profile": plan.profile(),
        "folds": plan.make_folds(),
        "best": plan.ensemble(),
        "decision": plan.decision(),
        "scores": plan.scores(),
        "submission": plan.submission(),
        "report": plan.report(),
        "compare_parts": plan.compare_parts(),
        "shifted_cv": plan.shifted_cv(),
    }
    blocks |= {f"text {view}": plan.text(view) for view in plan.config.text.views}
    blocks |= {f"noise {fold}": plan.noise(fold) for fold in plan.folds}
    blocks |= {f"augment {method}": plan.augment(method) for method in plan.config.augment}
    blocks |= {f"pseudo {fold}": plan.pseudo(fold) for fold in plan.folds}
    blocks |= {f"ensemble {method}": plan.ensemble(method) for method in plan.ensembles() if method != "best"}
    for member, number in plan.member_rounds():
        blocks |= {f"train {member} {number} {fold}": plan.train(member, number, fold) for fold in plan.folds}
        blocks[f"predict {member}"] = plan.predict(member)
    return blocks


@pytest.mark.parametrize(
    ("edit", "touched"),
    [
        ({"competition": "other"}, {"report"}),
        ({"noise": {"max_share": 0.3}}, {"noise"}),
        ({"noise": {"view": "clean"}}, set()),  # another input, the same parameters
        ({"pseudo": {"rounds": 2, "weight": 0.5, "confidence": 0.5}}, {"pseudo"}),
        ({"pseudo": {"rounds": 2, "weight": 0.6}}, {"train"}),
        ({"decision": {"sweeps": 9}}, {"decision"}),
        ({"ensemble": {"stack": {"c": 2}}}, {"best", "ensemble"}),
        ({"tasks": {"t": {**TASK, "metric": "mcc"}}}, {"best", "ensemble", "decision", "scores"}),
        ({"augment": {"eda": {"kind": "eda", "copies": 2}}}, {"augment", "train"}),
        ({"augment": {"eda": {"kind": "eda", "alpha_sr": 0.2}}}, {"augment"}),
        ({"folds": {"seed": 1}}, {"folds"}),
        ({"folds": {"near_duplicates": None}}, {"folds", "shifted_cv"}),
        ({"noise": {"mode": "plain"}}, {"shifted_cv"}),
        ({"adversarial": {"rows": 500}}, {"compare_parts"}),
        ({"adversarial": {"weight_limit": 5}}, {"shifted_cv"}),
    ],
)
def test_an_edit_changes_only_the_blocks_that_depend_on_it(edit: dict[str, Any], touched: set[str]) -> None:
    """Compared by their printed form, as Snakemake does."""
    before, after = every_block(plan_of()), every_block(plan_of(**edit))
    assert before.keys() == after.keys()
    changed = {name for name in before if repr(before[name]) != repr(after[name])}
    assert {name.split()[0] for name in changed} == touched
    if touched == {"train"}:  # the weight of pseudo-labels does not matter to round 0
        assert not any(name.split()[2] == "0" for name in changed)


def test_blocks_hold_plain_values_and_do_not_depend_on_the_order_of_keys() -> None:
    def reversed_keys(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: reversed_keys(value[key]) for key in reversed(value)}
        return value

    def plain(value: Any) -> bool:
        if isinstance(value, dict):
            return all(type(key) is str and plain(item) for key, item in value.items())
        if isinstance(value, list | tuple):
            return all(plain(item) for item in value)
        return value is None or type(value) in (str, int, float, bool)

    weights = {"blend": {"weights": {"bert-s0": 1.0, "linear-s0": 2.0}}}
    linear = {"kind": "linear", "tfidf": {"min_df": 1, "max_features": 9}}
    raw = {**RAW, "models": {**RAW["models"], "linear": linear}, "ensemble": weights}
    blocks = every_block(plan_of(raw))
    assert plain(blocks)
    inner = reversed_keys(raw)
    assert {name: repr(block) for name, block in blocks.items()} == {
        name: repr(block) for name, block in every_block(plan_of(inner)).items()
    }


# ---- files


def test_encoder_folders_and_hub_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "local-bert").mkdir()
    fetched = next(iter(FETCHED))
    cases = {
        "org/bert": "data/hub/org--bert",
        "local-bert": "local-bert",
        "~/local-bert": str(tmp_path / "local-bert"),
        fetched: fetched,
        f"./{fetched}/": fetched,
    }
    for encoder, folder in cases.items():
        plan = plan_of(models={"m": {"kind": "transformer", "encoder": encoder}})
        assert plan.encoder("m-s0") == folder
        assert plan.train("m-s0", 0, 0)["options"]["encoder"] == folder
        named = [f"{fetched}/config.json"] if folder == fetched else [folder]
        assert set(named) <= set(plan.encoder_files("m-s0"))
    assert plan_of().encoder("bert-s0") == "data/hub/org--bert@v1"
    assert plan_of().hub("org--bert@v1") == {"name": "org/bert", "revision": "v1"}
    assert plan_of().encoder("linear-s0") is None
    assert plan_of().encoder_files("linear-s0") == []
    with pytest.raises(UserError, match="no model"):
        plan_of().hub("org--other")


def test_wordnet_is_needed_for_english_lemmas_only() -> None:
    assert plan_of().wordnet("base")
    assert not plan_of().wordnet("clean")
    german = {"tasks": {"t": {**TASK, "language": "de"}}, "augment": {}, "models": {"m": {"kind": "linear"}}}
    assert not plan_of(**german).wordnet("base")
