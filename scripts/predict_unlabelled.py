"""Predict the rows of an unlabelled file with a member's fold models."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium import models
from podium.devices import device_for
from podium.files import read_json, read_table, write_table
from podium.predict import to_table
from podium.targets import TaskType
from scripts import job


def main(
    *,
    fold_models: list[Path],
    texts: Path,
    placed: Path,
    labels: Path,
    out: Path,
    kind: str,
    type: TaskType,
    threads: int,
    joint: dict[str, Any] | None = None,
) -> None:
    """Write what each fold model says of the ``placed`` rows: ``id``, ``fold``, then a column a class."""
    names, ids = read_json(labels), read_table(placed, columns=["id"])["id"]
    rows = read_table(texts).set_index("id").loc[ids].reset_index()
    tables, said = [], np.zeros((0, len(names)))
    with device_for(kind) as device:
        for fold, folder in enumerate(fold_models):
            if len(rows):  # all of them may be test rows; not every library takes none
                settings: dict[str, Any] = {"device": device, "threads": threads}
                number = joint["number"] if joint else None
                said = models.predictor(kind, folder, **settings, number=number)(rows)
            table = to_table(ids, said, names, type)
            table.insert(1, "fold", fold)
            tables.append(table)
    write_table(pd.concat(tables, ignore_index=True), out)


if __name__ == "__main__":
    job.run(main, snakemake)
