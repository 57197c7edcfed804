"""Combine the members by one method, or by the best of several; scores and the choice itself are cross-fitted."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from podium.alignment import fold_numbers
from podium.ensemble import choose, cross_fit, report
from podium.ensembles.loading import HELD, load
from podium.ensembles.methods import build
from podium.ensembles.predictions import Known, Predictions
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
    threads: int,
    test_texts: Path | None = None,
) -> None:
    """Write cross-fitted out-of-fold and test predictions, and how they came to be.

    ``oof`` and ``test`` are the members' tables in the order of ``members``; ``methods`` maps names of ensembles to
    their options, in the order of preference among equals. With ``test_texts`` they see figures of the texts, too.
    """
    names = read_json(labels)
    rows = read_table(train, columns=["id", "target"])
    built = {
        name: build(name, options, members=members, metric=metric, type=type)
        for name, options in methods.items()
    }

    def predictions(paths: list[Path], ids: pd.Series, texts: Path | None) -> Predictions:
        source = load(paths, ids, names, type, members=members, scratch=fit.parent, held=HELD)
        return Predictions(source, type, None, None if texts is None else _figures(texts))

    known = Known.of(
        predictions(oof, rows["id"], None if test_texts is None else train),
        to_array(rows["target"], names, type),
        fold_numbers(read_table(folds), rows["id"]),
    )
    test_ids = read_table(test_texts or test[0], columns=["id"])["id"]
    with threadpool_limits(threads):  # sums depend on how many threads share them
        if len(built) == 1:
            ((name, method),) = built.items()
            fitted = cross_fit(name, method, known)
        else:
            fitted = choose(built, known, metric=metric)
        test_proba = built[fitted.method].predict(predictions(test, test_ids, test_texts), fitted.params)
    write_table(to_table(rows["id"], fitted.oof, names, type), oof_out)
    write_table(to_table(test_ids, test_proba, names, type), test_out)
    write_json(report(fitted, known.truth, known.folds, members=members, metric=metric), fit)


def _figures(texts: Path) -> np.ndarray:
    """Figures of the texts (N, S)."""
    from podium.models.statistics import text_statistics  # half a second to import

    table = read_table(texts)
    return text_statistics(table[[name for name in table.columns if name.startswith("text_")]])


if __name__ == "__main__":
    job.run(main, snakemake)
