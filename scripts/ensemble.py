"""Combine the members by one method, or by the best of several; scores and the choice itself are cross-fitted."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from podium.alignment import cluster_numbers, fold_numbers, probabilities
from podium.averaging import sampled
from podium.ensemble import choose, fitted, report
from podium.ensembles.coupling import inner_parts, many_parameters
from podium.ensembles.loading import HELD, load
from podium.ensembles.methods import build
from podium.ensembles.predictions import Known, Memory, Predictions
from podium.files import read_json, read_rows, read_table, write_json, write_table
from podium.predict import to_table
from podium.targets import TaskType, to_array
from scripts import job


def main(
    *,
    oof: list[Path],
    test: list[Path],
    test_folds: list[Path],
    train: Path,
    folds: Path,
    labels: Path,
    oof_out: Path,
    test_out: Path,
    test_folds_out: Path,
    fit: Path,
    members: list[str],
    methods: dict[str, dict[str, Any]],
    metric: str,
    type: TaskType,
    threads: int,
    test_texts: Path | None = None,
) -> None:
    """Write cross-fitted out-of-fold and test predictions, and how they came to be.

    ``oof``, ``test`` and ``test_folds`` are the members' tables in the order of ``members``; ``methods`` maps names of
    ensembles to their options, in the order of preference among equals. With ``test_texts`` they see figures of the
    texts, too. ``test_folds_out`` is what the same ensemble makes of the members' models of single folds, on the test
    rows that ``podium.averaging`` looks at.
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

    dealt = read_table(folds)
    known = Known.of(
        predictions(oof, rows["id"], None if test_texts is None else train),
        to_array(rows["target"], names, type),
        fold_numbers(dealt, rows["id"]),
    )
    clusters = cluster_numbers(dealt, rows["id"])
    parts = None
    if any(map(many_parameters, built.values())):
        parts = inner_parts(rows["target"].tolist(), known.folds, clusters, type=type)
    test_ids = read_table(test_texts or test[0], columns=["id"])["id"]
    with threadpool_limits(threads):  # sums depend on how many threads share them
        if len(built) == 1:
            ((name, method),) = built.items()
            found = fitted(name, method, known, parts)
        else:
            found = choose(built, known, metric=metric, parts=parts)
        given, method = predictions(test, test_ids, test_texts), built[found.method]
        test_proba = method.predict(given, found.params)
        seen = sampled(test_ids)
        figures = None if test_texts is None else given.figures[pd.Index(test_ids).get_indexer(seen)]
        alone = []
        for fold in np.unique(known.folds).tolist():
            said = [probabilities(read_rows(path, seen, fold), seen, names, type) for path in test_folds]
            below = Predictions(Memory(np.stack(said)), type, None, figures)
            alone.append(to_table(seen, method.predict(below, found.params), names, type))
            alone[-1].insert(1, "fold", fold)
    write_table(to_table(rows["id"], found.oof, names, type), oof_out)
    write_table(to_table(test_ids, test_proba, names, type), test_out)
    write_table(pd.concat(alone, ignore_index=True), test_folds_out)
    told = report(found, known.truth, known.folds, clusters=clusters, members=members, metric=metric)
    write_json(told, fit)


def _figures(texts: Path) -> np.ndarray:
    """Figures of the texts (N, S)."""
    from podium.models.statistics import text_statistics  # half a second to import

    table = read_table(texts)
    return text_statistics(table[[name for name in table.columns if name.startswith("text_")]])


if __name__ == "__main__":
    job.run(main, snakemake)
