"""Predict the test rows with a member's fold models and put its held-out predictions together."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium import models
from podium.alignment import probabilities
from podium.devices import device_for
from podium.files import read_json, read_table, write_table
from podium.joint_train import own
from podium.predict import to_table
from podium.targets import TaskType
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
    type: TaskType,
    threads: int,
    refit_models: list[Path] | None = None,
    joint: dict[str, Any] | None = None,
) -> None:
    """Write OOF predictions, test predictions of each fold model, and the mean that is submitted.

    The mean is that of the ``refit_models`` where there are some; the fold models' own predictions still vote.
    ``joint`` has the ``task`` and its ``number`` in models of several tasks.
    """
    number = joint["number"] if joint else None
    names, test_rows = read_json(labels), read_table(texts)
    with device_for(kind) as device:

        def predictions(folders: list[Path]) -> list[np.ndarray]:
            """What the model in each folder says of the test rows."""
            settings: dict[str, Any] = {"device": device, "threads": threads, "number": number}
            return [models.predictor(kind, folder, **settings)(test_rows) for folder in folders]

        per_fold = predictions(fold_models)
        submitted = predictions(refit_models) if refit_models else per_fold
    tables = [to_table(test_rows["id"], proba, names, type) for proba in per_fold]
    for fold, table in enumerate(tables):
        table.insert(1, "fold", fold)
    write_table(pd.concat(tables, ignore_index=True), test_folds)
    write_table(to_table(test_rows["id"], np.mean(submitted, axis=0), names, type), test)

    train = read_table(rows, columns=["id"])
    held_out = pd.concat([read_table(path) for path in fold_oof], ignore_index=True)
    if joint:
        held_out = own(held_out, joint["task"], names)
    proba = probabilities(held_out, train["id"], names, type)
    write_table(to_table(train["id"], proba, names, type), oof)


if __name__ == "__main__":
    job.run(main, snakemake)
