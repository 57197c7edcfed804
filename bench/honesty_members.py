"""Reported minus true score of single members over many splits, by the library's own parts and not the workflow.

Cheap enough for the splits that it takes to see a tenth of a standard error. Each score is compared with the mean of
the fold models, each alone on the hold-out, which cross-validation must meet, and with their average, which is what
predicts the test rows. Finished blocks of splits are kept in ``--json FILE``: a stopped measurement goes on with the
same file.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench import honesty_splits
from bench.accuracy import available
from bench.common import arguments, show
from bench.honesty_gain import Member
from bench.honesty_splits import FOLDS, METRICS
from bench.honesty_statistics import coverage, plain_error, z_scores
from bench.honesty_tables import alone, corrected, markdown
from bench.runs import Spec, plain_errors, run_all
from podium.averaging import Said, expected_gain
from podium.folds import make_folds
from podium.metrics import score

BLOCK = 10
TRAIN, HOLDOUT = 2000, 2500
FIRST = 100
"""First split: none of these is one of ``bench.honesty_holdout``."""


def main() -> None:
    """Measure and print."""
    sets = list(METRICS)
    given = arguments(
        __doc__.splitlines()[0],
        data={"nargs": "+", "default": sets, "choices": sets, "help": "data sets"},
        members={"nargs": "+", "default": ["words", "fasttext"], "help": "members of bench.honesty_holdout"},
        blocks={"type": int, "default": 3, "help": f"blocks of {BLOCK} splits"},
        jobs={"type": int, "default": 1, "help": "processes at a time, one core each"},
        markdown={"action": "store_true", "help": "print the table as Markdown"},
    )
    blocks, splits = (1, 2) if given.quick else (given.blocks, BLOCK)
    specs = [
        {"data": name, "member": member, "first": FIRST + splits * block, "splits": splits}
        for block in range(blocks)
        for member in given.members
        for name in available(given.data)
    ]
    if rows := table(run_all(specs, run, given.json, jobs=given.jobs)):
        print(markdown(rows)) if given.markdown else show(rows, {}, None)


def run(spec: Spec) -> list[dict[str, float]]:
    """A block of splits."""
    rows = honesty_splits.pool(spec["data"])
    return [
        one_split(rows, spec["data"], spec["member"], spec["first"] + number)
        for number in range(spec["splits"])
    ]


def one_split(rows: pd.DataFrame, data: str, member: str, seed: int) -> dict[str, float]:
    """Reported and true score of one member: ``cv``, ``true``, their errors, ``single``, ``expected_gain``."""
    train, holdout = honesty_splits.split(rows, train=TRAIN, holdout=HOLDOUT, seed=seed, by="units")
    block = honesty_splits.config(train, data, folds=FOLDS, seed=seed)["models"][member]
    names = sorted({*train["target"], *holdout["target"]})
    truth, true = (pd.Categorical(side["target"], names).codes.astype(np.int64) for side in (train, holdout))
    groups = train["group"].tolist() if "group" in train else None
    unit = honesty_splits.together(train)
    folds = make_folds(train["target"].tolist(), groups, unit, n=FOLDS, seed=seed, type="single_label")
    oof, by_fold = np.zeros((len(train), len(names))), []
    for fold in range(FOLDS):
        out = folds == fold
        model = Member(block, seed).fit(_texts(train[~out]), truth[~out])
        oof[out] = _wide(model, train[out], len(names))
        by_fold.append(_wide(model, holdout, len(names)))
    said = Said.of(np.mean(by_fold, axis=0), np.stack(by_fold))

    def scored(target: np.ndarray, labels: np.ndarray) -> Any:
        return score(METRICS[data], target, labels, None, classes=len(names))

    cv, averaged = scored(truth, oof.argmax(axis=1)), scored(true, said.labels)
    gain = expected_gain(said, metric=METRICS[data], cv=cv.value, se=cv.se)
    return {
        "cv": cv.value,
        "se": cv.se,
        "true": averaged.value,
        "true_se": averaged.se,
        "single": float(np.mean([scored(true, labels).value for labels in said.alone])),
        "expected_gain": gain.value,
        "expected_gain_se": gain.se,
    }


def _texts(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[name for name in ("text_a", "text_b") if name in rows]]


def _wide(model: Member, rows: pd.DataFrame, classes: int) -> np.ndarray:
    """Probabilities (N, K) of all classes; those without training rows have none."""
    found = np.zeros((len(rows), classes))
    found[:, model.classes_] = model.predict_proba(_texts(rows))
    return found


def table(results: Sequence[tuple[Spec, list[dict[str, float]]]]) -> list[dict[str, Any]]:
    """One row a set and member, and one a member over all sets."""
    groups: dict[tuple[str, str], list[dict[str, float]]] = {}
    for spec, cases in results:
        for data in (spec["data"], "all"):
            groups.setdefault((spec["member"], data), []).extend(cases)
    rows = []
    for (member, data), cases in sorted(
        groups.items(), key=lambda group: (group[0][0], group[0][1] == "all")
    ):
        fold_models = [alone(case) for case in cases]
        differences = [case["cv"] - case["true"] for case in fold_models]
        averaging = [case["true"] - case["single"] for case in cases]
        rows.append(
            {
                "member": member,
                "data": data,
                "splits": len(cases),
                "CV - fold models": float(np.mean(differences)),
                "SE": plain_error(differences),
                "mean z": float(z_scores(fold_models).mean()),
                "SD of z": float(z_scores(fold_models).std(ddof=1)),
                "inside": coverage(fold_models),
                "averaging": float(np.mean(averaging)),
                "SE of it": plain_error(averaging),
                "expected": float(np.mean([case["expected_gain"] for case in cases])),
                "CV - true": float(np.mean([case["cv"] - case["true"] for case in cases])),
                "its inside": coverage(cases),
                "corrected": float(np.mean([corrected(case)["cv"] - case["true"] for case in cases])),
                "inside then": coverage([corrected(case) for case in cases]),
            }
        )
    return rows


if __name__ == "__main__":
    with plain_errors():
        main()
