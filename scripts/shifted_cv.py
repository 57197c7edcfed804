"""Weigh the submitted predictions' score by how like the test rows each training row is; gather what it warns of."""

from pathlib import Path
from typing import Any

import numpy as np

from podium import metrics
from podium.adversarial.judge import Bars, Submitted, judge
from podium.alignment import fold_numbers, positions, probabilities
from podium.files import read_json, read_table, write_json
from podium.targets import TaskType, to_array
from scripts import job


def main(
    *,
    parts: Path,
    compared: Path,
    score: Path,
    decided: Path,
    oof: Path,
    test: Path,
    train: Path,
    folds: Path,
    labels: Path,
    out: Path,
    type: TaskType,
    settings: dict[str, Any],
    **bars: Any,
) -> None:
    """Write the weighted score, the estimated class shares, the test of the folds' spread, and the warnings."""
    given, names = read_json(score), read_json(labels)
    rows = read_table(train, columns=["id", "target"])
    predicted = None
    if metrics.get(given["metric"], type).uses != "proba":
        table = read_table(decided, columns=["id", "label"])
        predicted = to_array(table["label"].iloc[positions(table, rows["id"])], names, type)
    test_table, looked = read_table(test), read_table(parts, columns=["id", "both"])
    submitted = Submitted(
        truth=to_array(rows["target"], names, type),
        proba=probabilities(read_table(oof), rows["id"], names, type),
        predicted=predicted,
        folds=fold_numbers(read_table(folds), rows["id"]),
        test=probabilities(test_table, test_table["id"], names, type),
        score=given,
        labels=names,
    )
    like_test = looked["both"].to_numpy(np.float64)[positions(looked, rows["id"])]
    write_json(judge(submitted, read_json(compared), like_test, settings, Bars(**bars)), out)


if __name__ == "__main__":
    job.run(main, snakemake)
