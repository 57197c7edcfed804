"""Combine the members by one method, or by the best of several; scores and the choice itself are cross-fitted."""

from pathlib import Path
from typing import Any

import numpy as np

from podium.alignment import fold_numbers, probabilities
from podium.ensemble import choose, cross_fit, report
from podium.ensemble_methods import build
from podium.files import read_json, read_table, write_json, write_table
from podium.predict import to_table
from podium.targets import TaskType, to_array
from scripts import job


def main(
    *,
    oof: list[Path],
    test: list[Path],
    train: Path,
    folds: Path,
    labels: Path,
    oof_out: Path,
    test_out: Path,
    fit: Path,
    members: list[str],
    methods: dict[str, dict[str, Any]],
    metric: str,
    type: TaskType,
) -> None:
    """Write cross-fitted out-of-fold and test predictions, and how they came to be.

    ``oof`` and ``test`` are the members' tables in the order of ``members``; ``methods`` maps names of methods to their
    options, in the order of preference among equals.
    """
    names = read_json(labels)
    rows = read_table(train, columns=["id", "target"])
    truth, assigned = to_array(rows["target"], names, type), fold_numbers(read_table(folds), rows["id"])
    stacked = np.stack([probabilities(read_table(path), rows["id"], names, type) for path in oof])
    built = {
        name: build(name, options, members=members, metric=metric, type=type)
        for name, options in methods.items()
    }
    if len(built) == 1:
        ((name, method),) = built.items()
        fitted = cross_fit(name, method, stacked, truth, assigned)
    else:
        fitted = choose(built, stacked, truth, assigned, metric=metric)

    test_ids = read_table(test[0], columns=["id"])["id"]
    stacked_test = np.stack([probabilities(read_table(path), test_ids, names, type) for path in test])
    test_proba = built[fitted.method].predict(stacked_test, fitted.params)
    write_table(to_table(rows["id"], fitted.oof, names, type), oof_out)
    write_table(to_table(test_ids, test_proba, names, type), test_out)
    write_json(report(fitted, truth, assigned, members=members, metric=metric), fit)


if __name__ == "__main__":
    job.run(main, snakemake)
