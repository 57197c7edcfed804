"""Predict the test rows with a member's fold models and put its held-out predictions together."""

from pathlib import Path

import numpy as np
import pandas as pd

from podium import models
from podium.alignment import probabilities
from podium.devices import device_for
from podium.files import read_json, read_table, write_table
from podium.predict import to_table
from scripts import job


def main(
    *,
    fold_models: list[Path],
    fold_oof: list[Path],
    texts: Path,
    rows: Path,
    labels: Path,
    oof: Path,
    test: Path,
    test_folds: Path,
    kind: str,
    threads: int,
) -> None:
    """Write OOF predictions, test predictions of each fold model and their mean."""
    names, test_rows = read_json(labels), read_table(texts)
    per_fold = []
    with device_for(kind) as device:
        for folder in fold_models:
            per_fold.append(models.load(kind, folder, device=device, threads=threads).predict(test_rows))
    tables = [to_table(test_rows["id"], proba, names) for proba in per_fold]
    for fold, table in enumerate(tables):
        table.insert(1, "fold", fold)
    write_table(pd.concat(tables, ignore_index=True), test_folds)
    write_table(to_table(test_rows["id"], np.mean(per_fold, axis=0), names), test)

    train = read_table(rows, columns=["id"])
    held_out = pd.concat([read_table(path) for path in fold_oof], ignore_index=True)
    proba = probabilities(held_out, train["id"], names)
    write_table(to_table(train["id"], proba, names), oof)


if __name__ == "__main__":
    job.run(main, snakemake)
