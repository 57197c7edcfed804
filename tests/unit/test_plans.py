"""Several tasks in one config: what each sees of it, and what their joint jobs are handed."""

import copy
import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest

from podium import models
from podium.errors import UserError
from podium.plan import Plan
from podium.plans import Plans
from podium.task_configs import for_task
from podium.validation import load

ROOT = Path(__file__).parents[2]


def task(name: str, **keys: Any) -> dict[str, Any]:
    return {"train": f"{name}.csv", "test": f"{name}_test.csv", "text": ["x"], "target": "y", **keys}


TASKS = {
    "nli": task("nli", text=["x", "z"], language="zh"),
    "news": task("news"),
    "mood": task("mood", metric="mcc"),
}
RAW: dict[str, Any] = {
    "competition": "c",
    "seed": 5,
    "tasks": TASKS,
    "text": {"views": {"raw": [], "base": ["lemmas"]}},
    "augment": {"eda": {"kind": "eda"}},
    "pretrain": {"itpt": {"encoder": "org/bert", "masking": "token"}},
    "models": {
        "linear": {"kind": "lightgbm", "seeds": [0, 3]},
        "words": {"kind": "linear", "tasks": ["news"], "view": "base", "augment": ["eda"]},
        "alone": {"kind": "transformer", "encoder": "pretrain/itpt"},
        "joint": {"kind": "multitask", "encoder": "pretrain/itpt", "seeds": [1]},
        "pair": {
            **{"kind": "multitask", "encoder": "pretrain/itpt", "tasks": ["mood", "nli"], "rounds": 0},
            "fuse": {"models": ["alone"], "weights": {"mood": 2}},
        },
    },
    "ensemble": {"blend": {"weights": {"linear-s0": 1, "words-s0": 2, "joint-s1": 1}}},
    "pseudo": {"rounds": 2, "voters": ["linear", "words"]},
    "noise": {"models": ["linear"]},
}


def raw_of(**blocks: Any) -> dict[str, Any]:
    return {**copy.deepcopy(RAW), **blocks}


def plans_of(**blocks: Any) -> Plans:
    return Plans.from_raw(raw_of(**blocks), ROOT)


def test_a_task_sees_its_models_and_no_name_of_another_task_s() -> None:
    config = load(RAW)
    news, mood = for_task(config, "news"), for_task(config, "mood")
    assert list(news.models) == ["linear", "words", "alone", "joint"]
    assert list(mood.models) == ["linear", "alone", "joint", "pair"]
    assert mood.pseudo.voters == ["linear"]
    assert mood.ensemble.blend.weights == {"linear-s0": 1, "joint-s1": 1}
    assert (list(mood.text.views), list(mood.augment)) == (["raw"], [])
    assert (list(news.text.views), list(news.augment)) == (["raw", "base"], ["eda"])


def test_a_task_s_blocks_are_those_that_it_would_have_alone() -> None:
    """But for what several tasks make together, a second task changes nothing of the first."""
    both = Plans.from_raw(
        {**RAW, "models": {"linear": RAW["models"]["linear"]}, "ensemble": {}, "pseudo": {}, "augment": {}},
        ROOT,
    )
    for name in TASKS:
        raw = {**RAW, "tasks": {name: TASKS[name]}, "models": {"linear": RAW["models"]["linear"]}}
        alone, beside = Plan.from_raw({**raw, "ensemble": {}, "pseudo": {}, "augment": {}}, ROOT), both[name]
        for block in ("ingest", "profile", "decision", "scores", "submission", "report", "make_folds"):
            assert repr(getattr(beside, block)()) == repr(getattr(alone, block)())
        assert repr(beside.train("linear-s3", 1, 2)) == repr(alone.train("linear-s3", 1, 2))
        assert repr(beside.predict("linear-s3")) == repr(alone.predict("linear-s3"))


def test_joint_members_are_one_member_in_each_of_their_tasks() -> None:
    plans = plans_of()
    assert list(plans.joint_members()) == ["joint-s1", "pair-s0"]
    assert plans.joint_tasks("joint-s1") == ["nli", "news", "mood"]
    assert plans.joint_tasks("pair-s0") == ["nli", "mood"], (
        "numbers are in the order of the competition's tasks"
    )
    assert plans["mood"].predict("pair-s0")["joint"] == {"task": "mood", "number": 1}
    assert "joint" not in plans["mood"].predict("alone-s0")
    assert plans["news"].fold_folder("joint-s1", 1, 2) == plans["mood"].fold_folder("joint-s1", 1, 2)
    assert plans["news"].fold_folder("alone-s0", 1, 2) != plans["mood"].fold_folder("alone-s0", 1, 2)
    assert plans["mood"].scores()["joint"] == ["joint-s1", "pair-s0"]


@pytest.mark.parametrize("member", ["joint-s1", "pair-s0"])
def test_a_joint_job_is_handed_the_keys_of_its_kind_and_the_rows_of_each_task(member: str) -> None:
    plans = plans_of()
    block = plans.train_joint(member, 0, 2)
    options = importlib.import_module(models.KINDS["multitask"].module).Options
    assert {field.name for field in dataclasses.fields(options)} == set(block["options"])
    assert options(**block["options"])
    assert list(block["rows_of"]) == block["options"]["tasks"] == plans.joint_tasks(member)
    assert block["seed"] == 5 + int(member[-1])
    assert (block["fold"], block["round"]) == (2, 0)


def test_a_mean_of_encoders_is_of_the_same_fold_and_round() -> None:
    plans = plans_of()
    assert plans.fused("pair-s0") == [("nli", "alone-s0"), ("mood", "alone-s0")]
    assert plans.fuse("pair-s0") == {"weights": [1.0, 2.0]}
    assert (
        plans.train_joint("pair-s0", 0, 2)["options"]["encoder"] == "results/joint/pair-s0/round0/fold2/fused"
    )
    assert not plans.fuses("joint-s1")
    assert plans.train_joint("joint-s1", 0, 2)["options"]["encoder"] == "results/pretrain/itpt/encoder"


def test_pretraining_reads_all_tasks() -> None:
    plan = plans_of().first
    assert len(plan.pretrain_texts("itpt")) == 6
    assert plan.pretrain("itpt")["parts"][:2] == ["nli/train", "nli/test"]
    some = plans_of(
        pretrain={"itpt": {"encoder": "org/bert", "tasks": ["news", "mood"], "test": False}}
    ).first
    assert some.pretrain_texts("itpt") == [
        f"results/text/{name}/raw/train.parquet" for name in ("news", "mood")
    ]


def test_files_to_hand_in() -> None:
    plans = plans_of()
    assert plans.submission == "results/submission.zip"
    assert [plans.task_of_file(Path(path).name) for path in plans.submission_files()] == list(TASKS)
    with pytest.raises(UserError, match=r"no task hands in a file mod\.csv; did you mean 'mood\.csv'"):
        plans.task_of_file("mod.csv")
    alone = Plans.from_raw(
        {"competition": "c", "tasks": {"a": task("a")}, "models": {"m": {"kind": "linear"}}}, ROOT
    )
    assert alone.submission == alone.submission_of("a") == "results/submission.csv"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("models.words.tasks", ["new"], "models.words.tasks: there is no task 'new'; did you mean 'news'?"),
        ("models.words.tasks", ["news", "news"], "models.words.tasks: a task is named twice"),
        ("models.pair.tasks", ["mood"], "models.pair.tasks: it should have at least 2 items"),
        ("pseudo.voters", ["words"], "pseudo.voters: names nothing that serves task nli"),
        ("pseudo.voters", ["wards"], "pseudo.voters: there is no model 'wards'"),
        ("ensemble.members", ["words-s0"], "ensemble.members: names nothing that serves task nli"),
        ("noise.models", ["joint"], "noise.models: joint learns several tasks together"),
        ("metric", {"weights": {"modd": 2}}, "metric.weights: there is no task 'modd'; did you mean 'mood'?"),
        ("tasks.mood.metric", "log_loss", "metric: accuracy of task"),
        ("models.pair.fuse.models", ["linear"], "models.pair.fuse.models: linear is of kind lightgbm"),
        ("models.pair.fuse.weights", {"news": 1}, "models.pair.fuse.weights: 'news' is no task"),
        ("models.alone.encoder", "org/other", "models.pair.fuse.models: alone starts from another encoder"),
        ("models.alone.tasks", ["news"], "models.pair.fuse.models: they serve 0 of the model's tasks"),
        ("pretrain.itpt.masking", "whole_word", "pretrain.itpt.masking: words are cut by language"),
        ("pretrain.itpt.tasks", ["mod"], "pretrain.itpt.tasks: there is no task 'mod'"),
        ("models.words.tasks", None, "augment.eda: eda needs English WordNet"),
    ],
)
def test_mistakes_are_told_once(path: str, value: Any, message: str) -> None:
    raw = raw_of()
    *keys, last = path.split(".")
    block = raw
    for key in keys:
        block = block[key]
    block[last] = value
    with pytest.raises(UserError) as error:
        load(raw)
    lines = str(error.value).splitlines()
    assert sum(line.startswith(f"config: {message}") for line in lines) == 1, lines
    assert len(lines) == len(set(lines))


def test_a_name_of_two_kinds_of_files() -> None:
    tasks = copy.deepcopy(TASKS)
    tasks["nli"]["external"] = tasks["news"]["external"] = {"more": {"file": "m.csv"}}
    load(raw_of(tasks=tasks))
    tasks["mood"]["unlabelled"] = {"more": {"file": "m.csv"}}
    with pytest.raises(UserError, match=r"unlabelled\.more: tasks\.news\.external\.more has this name, too"):
        load(raw_of(tasks=tasks))


def test_a_task_that_no_model_serves() -> None:
    raw = raw_of(
        models={"words": {"kind": "linear", "tasks": ["news"]}}, ensemble={}, pseudo={}, noise={}, pretrain={}
    )
    with pytest.raises(UserError) as error:
        load(raw)
    assert str(error.value).splitlines() == [
        f"config: tasks.{name}: no model serves it; name it in the tasks of a model"
        for name in ("nli", "mood")
    ]
