"""The Tianchi competition: each task's block is valid, and the stand-in for its files is read by it."""

import os
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from bench.multitask_data import TASKS, write
from podium.config.multitask import CompetitionMetric, Multitask
from podium.filecheck import check
from podium.plan import Plan
from podium.submission import write_submission
from podium.submission_columns import Form
from podium.validation import load
from podium.validation_multitask import multitask_checks
from scripts import ingest, ingest_test

PATH = Path(__file__).parents[2] / "competitions/tianchi_multitask.yaml"


def alone(task: str, raw: dict[str, Any]) -> dict[str, Any]:
    """The competition with one task, and the models that serve it."""
    models = {
        name: {key: value for key, value in model.items() if key != "tasks"}
        for name, model in raw["models"].items()
        if model["kind"] != "multitask" and task in model.get("tasks", [task])
    }
    kept = {key: value for key, value in raw.items() if key != "metric"}
    return {**kept, "tasks": {task: raw["tasks"][task]}, "models": models}


def read() -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return raw


@pytest.mark.parametrize("task", TASKS)
def test_each_task_is_valid_alone(task: str) -> None:
    raw = read()
    config = load(alone(task, raw))
    assert config.tasks[task].submission.file == f"{task}_predict.json"
    commented = PATH.read_text(encoding="utf-8").split("\n# pretrain:\n")[1].split("\n\n")[0]
    pretrain = yaml.safe_load(re.sub("(?m)^# ?", "", commented))
    assert load({**alone(task, raw), "pretrain": pretrain}).pretrain["tianchi"].scratch is not None


def test_joint_models_and_the_competitions_metric_fit_the_tasks() -> None:
    raw = read()
    assert list(raw["tasks"]) == list(TASKS)
    assert set(CompetitionMetric.model_validate(raw["metric"]).weights) == set(TASKS)
    for name, model in raw["models"].items():
        if model["kind"] == "multitask":
            checked = Multitask.model_validate(model)
            assert not multitask_checks(name, checked, list(TASKS))
            assert set(checked.fuse.models if checked.fuse else []) <= set(raw["models"])


@pytest.mark.skipif(not os.environ.get("PODIUM_DATA"), reason="PODIUM_DATA names no folder of data sets")
def test_the_files_have_the_originals_form_and_are_read_by_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = write(Path("data/tianchi"), 600)
    assert len(told) == len(TASKS)
    raw = read()
    for task, labels in zip(TASKS, (3, 2, 15), strict=True):
        block = {**raw["tasks"][task], "holdout": f"data/tianchi/holdout_{task}.csv"}
        lines = Path(block["train"]).read_text(encoding="utf-8").splitlines()
        assert {len(line.split("\t")) for line in lines} == {len(block["columns"])}
        assert [line.split("\t")[0] for line in lines] == [str(row) for row in range(600)]
        cheap = {"linear": {"kind": "linear"}}
        plan = Plan.from_raw({**alone(task, {**raw, "tasks": {task: block}}), "models": cheap}, tmp_path)
        check(plan)
        train, test, names = tmp_path / "train", tmp_path / "test", tmp_path / "labels"
        ingest.main(train=Path(block["train"]), out=train, labels=names, **plan.ingest())
        ingest_test.main(test=Path(block["test"]), out=test, **plan.ingest_test())
        assert pd.read_parquet(train)["target"].nunique() == labels
        rows, truth = pd.read_parquet(test), pd.read_csv(block["holdout"], dtype="str")
        assert rows["id"].tolist() == truth["id"].tolist()
        out = tmp_path / block["submission"]["file"]
        write_submission(truth, None, out, form=Form(**plan.submission()), proba=None)
        handed_in = [f'{{"id": "{id}", "label": "{label}"}}' for id, label in truth.itertuples(index=False)]
        assert out.read_text(encoding="utf-8").splitlines() == handed_in
