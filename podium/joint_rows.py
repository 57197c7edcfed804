"""The rows of one fold's joint training job, joined from the tables of several tasks that its rule names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podium import training_rows
from podium.files import read_json, read_table
from podium.joint_train import join
from podium.train import FoldData

Files = Mapping[str, Any]
"""Of each task by its name and a file's: ``ocnli__texts``; a path or a list of paths."""


def of_tasks(files: Files, tasks: list[str]) -> dict[str, dict[str, Any]]:
    """Return each task's own files, by the names that a single task's job has for them."""
    names = (*training_rows.Inputs.__dataclass_fields__, "labels")
    return {
        task: {name: files[f"{task}__{name}"] for name in names if f"{task}__{name}" in files}
        for task in tasks
    }


def fold_data(
    files: Files, rows_of: Mapping[str, dict[str, Any]], fold: int, *, kind: str, hold_out: bool = True
) -> tuple[FoldData, dict[str, list[str]]]:
    """Return what a model of ``kind`` is trained on and predicts, and the classes of each task.

    ``rows_of`` has each task's settings (``podium.training_rows.Settings``), tasks in the order of their numbers.
    Raises ``UserError`` when a task has no row to train on.
    """
    parts, labels, highest = [], {}, []
    for task, own in of_tasks(files, list(rows_of)).items():
        labels[task] = read_json(_path(own.pop("labels")))
        highest.append(int(read_table(_path(own["folds"]))["cluster"].max()))
        parts.append(
            training_rows.fold_data(
                own, rows_of[task], fold, labels[task], "single_label", kind=kind, hold_out=hold_out
            )
        )
    return join(parts, [len(names) for names in labels.values()], highest), labels


def _path(value: Any) -> Path:
    assert isinstance(value, Path)
    return value
