"""Turn probabilities into labels, tuned for the metric, and score the labels by cross-fitting over the folds."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium import clustered, decision, label_shift, metrics
from podium.alignment import cluster_numbers, fold_numbers, probabilities
from podium.decision import Choice
from podium.errors import UserError
from podium.files import read_json, read_table, write_json, write_table
from podium.label_shift import Shift
from podium.predict import to_array as to_proba
from podium.targets import JOINT, TaskType, to_array, to_text
from scripts import job


def main(
    *,
    oof: Path,
    test: Path,
    test_folds: Path,
    train: Path,
    folds: Path,
    labels: Path,
    oof_out: Path,
    test_out: Path,
    test_folds_out: Path,
    fit: Path,
    score: Path,
    method: str,
    metric: str,
    type: TaskType,
    sweeps: int,
    k: int | None,
    min_gain: float,
) -> None:
    """Write ``id``, ``label`` (and ``fold``) of train and test rows, how they were decided, and the score to report.

    ``test_folds_out`` is what is decided on what the ensemble makes of the models of single folds, ``test_folds``.
    An offset of a multi-label class means the threshold 1 / (1 + exp(offset)).
    """
    names = read_json(labels)
    rows = read_table(train, columns=["id", "target"])
    dealt = read_table(folds)
    truth, assigned = to_array(rows["target"], names, type), fold_numbers(dealt, rows["id"])
    clusters = cluster_numbers(dealt, rows["id"])
    proba = probabilities(read_table(oof), rows["id"], names, type)
    if type == "single_label" and (mistake := metrics.label_mistake(metric, "the target", names)):
        raise UserError(f"metric: {mistake}")
    settings = decision.Settings(method=method, metric=metric, sweeps=sweeps, k=k, min_gain=min_gain)
    decided = decision.cross_fit(proba, truth, assigned, settings, clusters=clusters)

    test_table = read_table(test)
    test_proba = probabilities(test_table, test_table["id"], names, type)
    shift = decision.shifted(proba, truth, test_proba, decided.test, settings) if method == "prior" else None
    whole = metrics.get(metric, type).whole

    def labels_of(ids: pd.Series, proba: np.ndarray) -> pd.DataFrame:
        """Decided labels of test rows."""
        right = proba if shift is None else label_shift.corrected(proba, shift)
        return _labels(ids, decision.apply(right, decided.test, settings, type), names, whole=whole)

    write_table(_labels(rows["id"], decided.labels, names, whole=whole).assign(fold=assigned), oof_out)
    write_table(labels_of(test_table["id"], test_proba), test_out)
    alone = read_table(test_folds)
    said = labels_of(alone["id"], to_proba(alone, names, type))
    write_table(said.assign(fold=alone["fold"]), test_folds_out)

    plain = proba if type == "regression" else None
    cv = clustered.score(
        metric, truth, decided.labels, proba, folds=assigned, clusters=clusters, classes=len(names)
    )
    by_fold = metrics.fold_scores(metric, truth, decided.labels, proba, assigned, classes=len(names))
    shown = decision.name_of(decided.test.rule, type)
    write_json(
        {
            "method": shown,
            "metric": metric,
            **_facts(decided.test, names, type),
            "folds": [_facts(choice, names, type) for choice in decided.folds],
            "label_shift": shift and _shift_facts(shift, names),
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
            "argmax_cv": metrics.value(metric, truth, plain, proba, classes=len(names)),
            "label_shift": shift is not None and shift.applied,
            "n": len(rows),
        },
        score,
    )


def _facts(choice: Choice, names: list[str], type: TaskType) -> dict[str, Any]:
    """A choice as JSON; offsets by class, the gain of tuning where it was measured."""
    params = dict(choice.params)
    if "offsets" in params:
        params["offsets"] = dict(zip(names, params["offsets"], strict=True))
    gain = {} if choice.gain is None else {"gain": choice.gain, "gain_se": choice.se}
    return {"method": decision.name_of(choice.rule, type), **params, **gain}


def _shift_facts(shift: Shift, names: list[str]) -> dict[str, Any]:
    facts = {key: dict(zip(names, getattr(shift, key).tolist(), strict=True)) for key in ("train", "test")}
    return {
        **shift.found(),
        "simulated_gain": shift.gains and {"low": shift.gains[0], "mean": shift.gains[1]},
        **facts,
    }


def _labels(ids: pd.Series, decided: np.ndarray, names: list[str], *, whole: bool) -> pd.DataFrame:
    """``id`` and ``label``, the text of what was decided (``podium.targets``); ranked classes are joined, too."""
    if decided.ndim == 2 and decided.dtype.kind == "i":
        texts = [JOINT.join(names[label] for label in row) for row in decided.tolist()]
    elif whole:
        texts = [JOINT.join(str(int(value)) for value in row) for row in decided.tolist()]
    else:
        texts = to_text(decided, names)
    return pd.DataFrame({"id": ids, "label": pd.Series(texts, dtype="str")})


if __name__ == "__main__":
    job.run(main, snakemake)
