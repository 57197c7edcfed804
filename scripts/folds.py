"""Assign every training row to a fold, keeping near-duplicates and the user's groups together."""

from pathlib import Path

import numpy as np

from podium.duplicates import clusters, comparable, components
from podium.files import read_table, write_table
from podium.folds import make_folds, units, with_equal_texts
from podium.span.answers import NONE
from podium.targets import AnyType
from scripts import job


def main(*, train: Path, out: Path, n: int, seed: int, near_duplicates: float | None, type: AnyType) -> None:
    """Write ``id``, ``fold`` and ``cluster``, the set of rows that must share a fold."""
    table = read_table(train)
    segments = [name for name in ("text_a", "text_b") if name in table]
    groups = table["group"].tolist() if "group" in table else None
    if type == "span":  # contexts alone make rows alike; whether there is an answer is all that can be spread
        segments, type = ["text_b"], "single_label"
        groups = with_equal_texts(groups, table["text_b"].tolist())
        table["target"] = np.where(table["target"] == NONE, "without", "with")
    if near_duplicates is None:
        near = np.arange(len(table))
    else:
        forms = comparable([table[name].tolist() for name in segments])
        near = components(*(clusters(texts, threshold=near_duplicates, seed=seed) for texts in forms))
    folds = make_folds(table["target"].tolist(), groups, near, n=n, seed=seed, type=type)
    write_table(table[["id"]].assign(fold=folds, cluster=units(groups, near)), out)


if __name__ == "__main__":
    job.run(main, snakemake)
