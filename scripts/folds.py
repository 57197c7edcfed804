"""Assign every training row to a fold, keeping near-duplicates and the user's groups together."""

from pathlib import Path

import numpy as np

from podium.duplicates import clusters, comparable, components
from podium.files import read_table, write_table
from podium.folds import make_folds, units
from podium.joint_folds import rows_of
from podium.targets import AnyType
from scripts import job


def main(*, train: Path, out: Path, n: int, seed: int, near_duplicates: float | None, type: AnyType) -> None:
    """Write ``id``, ``fold`` and ``cluster``, the set of rows that must share a fold."""
    table = read_table(train)
    rows = rows_of(table, type)
    if near_duplicates is None:
        near = np.arange(len(table))
    else:
        forms = comparable(rows.segments)
        near = components(*(clusters(texts, threshold=near_duplicates, seed=seed) for texts in forms))
    folds = make_folds(rows.targets, rows.groups, near, n=n, seed=seed, type=rows.type)
    write_table(table[["id"]].assign(fold=folds, cluster=units(rows.groups, near)), out)


if __name__ == "__main__":
    job.run(main, snakemake)
