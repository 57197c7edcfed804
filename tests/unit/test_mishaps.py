"""Faults of the machine in one line: what, where, how to mend; everything else stays a crash."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from podium import files, guard, mishaps
from podium.errors import DamagedFile, TrainingError, UserError
from scripts import job


def system(code: int, name: str | None = "results/folds/topic/.folds.parquet.part") -> OSError:
    return OSError(code, os.strerror(code), name)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            system(errno.ENOSPC),
            "no space is left on the disk for results/folds/topic/folds.parquet; make room",
        ),
        (system(errno.EDQUOT, None), "the disk quota is used up; make room, then start the run again"),
        (OSError("Error writing bytes: No space left on device"), "no space is left on the disk; make room"),
        (
            ValueError("I/O error: No space left on device (os error 28)"),
            "no space is left on the disk; make room",
        ),
        (
            system(errno.EROFS),
            "results/folds/topic/folds.parquet cannot be used (Read-only file system); allow",
        ),
        (system(errno.EACCES, "/data/x.csv"), "/data/x.csv cannot be used (Permission denied)"),
        (
            system(errno.ENOENT, "results/ingest/train.parquet"),
            "results/ingest/train.parquet was there and is gone",
        ),
        (MemoryError(), "memory ran out (MemoryError); run fewer jobs at a time"),
        (
            RuntimeError("CUDA out of memory. Tried to\nallocate"),
            "memory ran out (CUDA out of memory. Tried to); run",
        ),
    ],
)
def test_a_fault_of_the_machine_is_one_line(error: Exception, words: str) -> None:
    told = mishaps.told(error)
    assert told is not None
    assert told.startswith(words)
    assert "\n" not in told
    assert told.endswith(("what is done is kept", "are made again"))


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        RuntimeError("shapes"),
        system(errno.ENOENT, None),
        system(errno.EIO),
        ValueError("empty"),
    ],
)
def test_other_errors_are_crashes(error: Exception) -> None:
    assert mishaps.told(error) is None


def test_a_write_without_room_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = pd.DataFrame({"id": ["a"]}), pd.DataFrame({"id": ["b"]})
    files.write_table(old, tmp_path / "a.parquet")

    def full(self: pd.DataFrame, path: Path, **_: Any) -> None:
        path.write_bytes(b"PAR1 half")
        raise OSError(errno.ENOSPC, "Error writing bytes to file")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(OSError, match=r"Error writing bytes to file.*a\.parquet"):
        files.write_table(new, tmp_path / "a.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
    assert files.read_table(tmp_path / "a.parquet")["id"].tolist() == ["a"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_that_was_cut_short_is_named(tmp_path: Path, share: float) -> None:
    table, facts = tmp_path / "a.parquet", tmp_path / "a.json"
    files.write_table(pd.DataFrame({"id": [str(i) for i in range(999)], "x": np.arange(999.0)}), table)
    files.write_json({"a": list(range(99))}, facts)
    for path, read in (
        (table, files.read_table),
        (table, lambda path: files.read_rows(path, pd.Series(["3"]))),
        (facts, files.read_json),
    ):
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(DamagedFile, match=f"{path.name} is damaged .*; delete it and start again"):
            read(path)
        path.write_bytes(content)
        read(path)


def test_a_missing_file_is_not_a_damaged_one(tmp_path: Path) -> None:
    for read in (files.read_table, files.read_json):
        with pytest.raises(FileNotFoundError) as error:
            read(tmp_path / "none")
        assert str(error.value.filename) == str(tmp_path / "none")


def test_a_model_that_was_cut_short_is_named(tmp_path: Path) -> None:
    from podium import models

    (tmp_path / "textcnn.json").write_text("{}")
    save_file({"a": np.zeros(99)}, tmp_path / "textcnn.safetensors")
    os.truncate(tmp_path / "textcnn.safetensors", 50)

    class Cut:
        @staticmethod
        def load(folder: Path, **_: Any) -> Any:
            from safetensors.numpy import load_file

            return load_file(folder / "textcnn.safetensors")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "_module", lambda kind: SimpleNamespace(Model=Cut))
        with pytest.raises(DamagedFile, match="is damaged"):
            models.load("textcnn", tmp_path, device="cpu", threads=1)


def test_a_job_names_whose_training_stopped() -> None:
    wildcards = SimpleNamespace(
        items=lambda: [("task", "topic"), ("member", "bert-s0"), ("round", "1"), ("fold", "2")]
    )
    told = job._told(TrainingError("training: the loss is nan"), SimpleNamespace(wildcards=wildcards))
    assert told == "task topic, member bert-s0, round 1, fold 2, training: the loss is nan"
    assert job._told(UserError("x"), SimpleNamespace()) == "x"
    assert job._told(KeyError("x"), SimpleNamespace()) is None


def test_results_that_cannot_be_written_are_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(text: str, path: Path) -> None:
        raise system(errno.EROFS, str(path))

    monkeypatch.setattr(guard, "write_text", closed)
    with pytest.raises(UserError, match=r"competition.txt cannot be used \(Read-only file system\)"):
        guard.claim(tmp_path, "c")


def test_what_a_killed_run_leaves_is_swept(tmp_path: Path) -> None:
    guard.sweep(tmp_path)
    left = tmp_path / ".snakemake/scripts"
    left.mkdir(parents=True)
    (left / "tmp1.train.py").write_text("")
    guard.sweep(tmp_path)
    assert list(left.iterdir()) == []
