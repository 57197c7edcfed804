"""Assign the training rows of all tasks to folds; what resembles each other stays together, across tasks, too."""

from pathlib import Path

from podium.files import read_table, write_table
from podium.joint_folds import joint_folds, joint_units, rows_of
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
    tasks = [rows_of(table, type) for table, type in zip(tables, types.values(), strict=True)]
    sets = joint_units(tasks, near_duplicates=near_duplicates, seed=seed)
    folds = joint_folds(tasks, sets, n=n, seed=seed, names=list(types))
    for table, fold, cluster, path in zip(tables, folds, sets, out, strict=True):
        write_table(table[["id"]].assign(fold=fold, cluster=cluster), path)


if __name__ == "__main__":
    job.run(main, snakemake)
