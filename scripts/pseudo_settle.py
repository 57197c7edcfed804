"""Put a member's predictions together, each fold's from the last round that helped it."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from podium.alignment import fold_numbers, probabilities
from podium.files import read_json, read_table, write_json, write_table
from podium.predict import to_table
from podium.pseudo_rounds import of_fold, settled
from podium.targets import TaskType
from scripts import job


def main(
    *,
    oof: list[Path],
    test_folds: list[Path],
    verdict: Path,
    train: Path,
    folds: Path,
    labels: Path,
    oof_out: Path,
    test_out: Path,
    test_folds_out: Path,
    facts: Path,
    member: str,
    metric: str,
    type: TaskType,
) -> None:
    """Write out-of-fold and test predictions, and which round each fold took and why.

    ``oof`` and ``test_folds`` hold for each fold, in the order of their numbers, the table of its round.
    """
    names, rows = read_json(labels), read_table(train, columns=["id"])
    assigned = fold_numbers(read_table(folds), rows["id"])
    read = cache(read_table)
    held_out = settled([probabilities(read(path), rows["id"], names, type) for path in oof], assigned)
    ids = of_fold(read(test_folds[0]), 0)["id"]
    said = [
        probabilities(of_fold(read(path), fold), ids, names, type) for fold, path in enumerate(test_folds)
    ]
    write_table(to_table(rows["id"], held_out, names, type), oof_out)
    write_table(to_table(ids, np.mean(said, axis=0), names, type), test_out)
    tables = [to_table(ids, proba, names, type).assign(fold=fold) for fold, proba in enumerate(said)]
    write_table(pd.concat(tables, ignore_index=True), test_folds_out)
    found = read_json(verdict)
    write_json(
        {"member": member, "metric": metric, "rounds": found["rounds"], "gains": found["gains"]}, facts
    )


if __name__ == "__main__":
    job.run(main, snakemake)
