"""Files and columns are checked before any job starts."""

from pathlib import Path
from typing import Any

import pytest

from podium.errors import UserError
from podium.filecheck import check
from podium.plan import Plan

TASK = {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}
RAW: dict[str, Any] = {"competition": "c", "tasks": {"t": TASK}, "models": {"m": {"kind": "linear"}}}


def plan_of(raw: dict[str, Any]) -> Plan:
    return Plan.from_raw(raw, Path.cwd())


def test_missing_files_and_columns_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("id,txet,y\n1,a,b\n", encoding="utf-8")
    raw = {**RAW, "tasks": {"t": {**TASK, "text": ["text"], "sample": "s.csv", "holdout": "data"}}}
    raw["models"] = {"m": {"kind": "transformer", "encoder": "data/none"}}
    with pytest.raises(UserError) as error:
        check(plan_of(raw))
    told = str(error.value).splitlines()
    assert len(told) == 5
    assert all(line.startswith("config: ") for line in told)
    assert "txet" in told[0]
    for line, part in zip(
        told[1:], ["t.test: there is no file b.csv", "s.csv", "data", "m.encoder"], strict=True
    ):
        assert part in line
    (tmp_path / "a.csv").write_text("id,x,y\n1,a,b\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("id,x\n1,a\n", encoding="utf-8")
    check(plan_of(RAW))


def test_only_the_default_file_of_overrides_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("id,x,y\n1,a,b\n2,a,c\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("id,x\n1,a\n", encoding="utf-8")
    check(plan_of({**RAW, "noise": {"overrides": "data/overrides.csv"}}))
    named = plan_of({**RAW, "noise": {"overrides": "mine.csv"}})
    with pytest.raises(
        UserError, match=r"^config: noise\.overrides: there is no file mine\.csv; put it there"
    ):
        check(named)
    (tmp_path / "mine.csv").write_text("id,label\n1,drop\n", encoding="utf-8")
    check(named)


def test_a_binary_metric_on_three_labels_is_told_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.csv").write_text("id,x\n1,a\n", encoding="utf-8")
    raw = {**RAW, "tasks": {"t": {**TASK, "metric": "f1"}}}
    (tmp_path / "a.csv").write_text("id,x,y\n1,a,b\n2,a,c\n3,a,b\n", encoding="utf-8")
    check(plan_of(raw))
    (tmp_path / "a.csv").write_text("id,x,y\n1,a,b\n2,a,c\n3,a,d\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"^config: tasks\.t\.metric: f1 is for two labels, but y has 3"):
        check(plan_of(raw))


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        ("id,a,b,c\n1,0,0,0\n", "no column 'y'"),
        ("id,y\n1,0\n", "holds whole numbers such as '0', but train's labels are like"),
        ("key,y\n1,yes\n", "no column 'id'"),
        ("id,y\n1,yes\n", None),
        ("id,yes,no\n1,0.5,0.5\n", None),
    ],
)
def test_a_sample_that_cannot_be_filled_is_told_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: str, told: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("id,x,y\n1,a,yes\n2,b,no\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("id,x\n1,a\n", encoding="utf-8")
    (tmp_path / "s.csv").write_text(sample, encoding="utf-8")
    plan = plan_of({**RAW, "tasks": {"t": {**TASK, "sample": "s.csv"}}})
    if told is None:
        check(plan)
    else:
        with pytest.raises(UserError, match=told):
            check(plan)


@pytest.mark.parametrize(
    ("task", "train", "sample", "told"),
    [
        ({"type": "regression", "metric": "rmse"}, "1,a,2\n2,b,3", "id,y\n1,0", None),
        (
            {"type": "regression", "metric": "rmse"},
            "1,a,2\n2,b,x",
            "id,y\n1,0",
            r"t\.target: a\.csv has 1 rows whose 'y' is no number \('x'\)",
        ),
        ({"type": "regression", "metric": "rmse"}, "1,a,2\n2,b,3", "id,u,v\n1,0,0", "s.csv: no column 'y'"),
        (
            {"type": "multi_label", "metric": "micro_f1", "label_separator": ";"},
            "1,a,p;q\n2,b,q",
            "id,p,q\n1,0,0",
            None,
        ),
        (
            {"type": "multi_label", "metric": "micro_f1", "label_separator": ";"},
            "1,a,p;q\n2,b,q",
            "id,p,u\n1,0,0",
            "'u' is none; valid: p, q",
        ),
        (
            {"metric": "qwk"},
            "1,a,1\n2,b,good",
            "id,y\n1,1",
            r"t\.metric: qwk counts steps between whole numbers",
        ),
    ],
)
def test_targets_are_checked_by_type_before_training(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: dict[str, Any],
    train: str,
    sample: str,
    told: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(f"id,x,y\n{train}\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("id,x\n1,a\n", encoding="utf-8")
    (tmp_path / "s.csv").write_text(f"{sample}\n", encoding="utf-8")
    plan = plan_of({**RAW, "tasks": {"t": {**TASK, "sample": "s.csv", **task}}})
    if told is None:
        check(plan)
    else:
        with pytest.raises(UserError, match=told):
            check(plan)
