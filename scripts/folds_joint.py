"""Assign the training rows of all tasks to folds; what resembles each other stays together, across tasks, too."""

from pathlib import Path

import pandas as pd

from podium.files import read_table, write_table
from podium.folds import with_equal_texts
from podium.joint_folds import TaskRows, joint_folds, joint_units
from podium.span.answers import NONE
from podium.targets import AnyType
from scripts import job


def main(
    *,
    train: list[Path],
    out: list[Path],
    n: int,
    seed: int,
    near_duplicates: float | None,
    types: dict[str, AnyType],
) -> None:
    """Write ``id``, ``fold`` and ``cluster``, the set of rows that must share a fold, of each task."""
    tables = [read_table(path) for path in train]
    tasks = [_rows(table, type) for table, type in zip(tables, types.values(), strict=True)]
    sets = joint_units(tasks, near_duplicates=near_duplicates, seed=seed)
    folds = joint_folds(tasks, sets, n=n, seed=seed)
    for table, fold, cluster, path in zip(tables, folds, sets, out, strict=True):
        write_table(table[["id"]].assign(fold=fold, cluster=cluster), path)


def _rows(table: pd.DataFrame, type: AnyType) -> TaskRows:
    """The rows of a task; of questions the contexts, spread by whether there is an answer."""
    names = [name for name in ("text_a", "text_b") if name in table]
    targets = table["target"].tolist()
    groups = table["group"].tolist() if "group" in table else None
    if type == "span":
        names, type = ["text_b"], "single_label"
        groups = with_equal_texts(groups, table["text_b"].tolist())
        targets = ["without" if target == NONE else "with" for target in targets]
    return TaskRows(
        segments=[table[name].tolist() for name in names],
        targets=targets,
        type=type,
        groups=groups,
    )


if __name__ == "__main__":
    job.run(main, snakemake)
