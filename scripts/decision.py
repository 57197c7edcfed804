"""Turn probabilities into labels, tuned for the metric, and score the labels by cross-fitting over the folds."""

from pathlib import Path

import numpy as np
import pandas as pd

from podium import decision, metrics
from podium.alignment import fold_numbers, probabilities
from podium.errors import UserError
from podium.files import read_json, read_table, write_json, write_table
from podium.targets import TaskType, to_array, to_text
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
    type: TaskType,
    sweeps: int,
) -> None:
    """Write ``id``, ``label`` (and ``fold``) of train and test rows, the offsets, and the score to report.

    An offset of a multi-label class means the threshold 1 / (1 + exp(offset)).
    """
    names = read_json(labels)
    rows = read_table(train, columns=["id", "target"])
    truth, assigned = to_array(rows["target"], names, type), fold_numbers(read_table(folds), rows["id"])
    proba = probabilities(read_table(oof), rows["id"], names, type)
    if mistake := metrics.label_mistake(metric, "the target", names):
        raise UserError(f"metric: {mistake}")
    method = decision.resolve(method, metric, type)
    decided = decision.cross_fit(proba, truth, assigned, method=method, metric=metric, sweeps=sweeps)

    test_table = read_table(test)
    test_proba = probabilities(test_table, test_table["id"], names, type)
    given_test = decision.apply(test_proba, decided.offsets, method=method, type=type)
    write_table(_labels(rows["id"], decided.labels, names).assign(fold=assigned), oof_out)
    write_table(_labels(test_table["id"], given_test, names), test_out)

    cv = metrics.score(metric, truth, decided.labels, proba, classes=len(names))
    by_fold = metrics.fold_scores(metric, truth, decided.labels, proba, assigned, classes=len(names))
    shown = decision.name_of(method, type)
    offsets = [dict(zip(names, row, strict=True)) for row in decided.fold_offsets.tolist()]
    write_json(
        {
            "method": shown,
            "metric": metric,
            "offsets": dict(zip(names, decided.offsets.tolist(), strict=True)),
            "fold_offsets": offsets,
        },
        fit,
    )
    write_json(
        {
            "metric": metric,
            "method": shown,
            "cv": cv.value,
            "se": cv.se,
            "folds": by_fold,
            "argmax_cv": metrics.value(metric, truth, None, proba, classes=len(names)),
            "n": len(rows),
        },
        score,
    )


def _labels(ids: pd.Series, decided: np.ndarray, names: list[str]) -> pd.DataFrame:
    """``id`` and ``label``, the text of what was decided (``podium.targets``)."""
    return pd.DataFrame({"id": ids, "label": pd.Series(to_text(decided, names), dtype="str")})


if __name__ == "__main__":
    job.run(main, snakemake)
