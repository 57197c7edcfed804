"""Turn probabilities into labels, tuned for the metric, and score the labels by cross-fitting over the folds."""

from pathlib import Path

import pandas as pd

from podium import decision, metrics
from podium.alignment import encode, fold_numbers, probabilities
from podium.files import read_json, read_table, write_json, write_table
from scripts import job


def main(
    *,
    oof: Path,
    test: Path,
    train: Path,
    folds: Path,
    labels: Path,
    oof_out: Path,
    test_out: Path,
    fit: Path,
    score: Path,
    method: str,
    metric: str,
    sweeps: int,
) -> None:
    """Write ``id``, ``label`` (and ``fold``) of train and test rows, the offsets, and the score to report."""
    names = read_json(labels)
    rows = read_table(train, columns=["id", "target"])
    truth, assigned = encode(rows["target"], names), fold_numbers(read_table(folds), rows["id"])
    proba = probabilities(read_table(oof), rows["id"], names)
    method = decision.resolve(method, metric)
    decided = decision.cross_fit(proba, truth, assigned, method=method, metric=metric, sweeps=sweeps)

    test_table = read_table(test)
    test_proba = probabilities(test_table, test_table["id"], names)
    chosen = pd.Series(names, dtype="str")
    given = chosen.take(decided.labels).to_numpy()
    given_test = chosen.take(decision.decide(test_proba, decided.offsets)).to_numpy()
    write_table(pd.DataFrame({"id": rows["id"], "label": given, "fold": assigned}), oof_out)
    write_table(pd.DataFrame({"id": test_table["id"], "label": given_test}), test_out)

    cv = metrics.score(metric, truth, decided.labels, proba, classes=len(names))
    by_fold = metrics.fold_scores(metric, truth, decided.labels, proba, assigned, classes=len(names))
    offsets = [dict(zip(names, row, strict=True)) for row in decided.fold_offsets.tolist()]
    write_json(
        {
            "method": method,
            "metric": metric,
            "offsets": dict(zip(names, decided.offsets.tolist(), strict=True)),
            "fold_offsets": offsets,
        },
        fit,
    )
    write_json(
        {
            "metric": metric,
            "method": method,
            "cv": cv.value,
            "se": cv.se,
            "folds": by_fold,
            "argmax_cv": metrics.value(metric, truth, None, proba, classes=len(names)),
            "n": len(rows),
        },
        score,
    )


if __name__ == "__main__":
    job.run(main, snakemake)
