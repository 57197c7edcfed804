"""What an ensemble gains on rows that the run never saw, beside scikit-learn's own stacking of the same members."""

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import StackingClassifier

from bench.honesty_statistics import corrected_error, plain_error
from podium import models
from podium.config import KINDS
from podium.config.base import Model
from podium.metrics import score_labels

SKLEARN, SKLEARN_LINEAR = "StackingClassifier", "StackingClassifier, linear members"
LINEAR = "linear"
RIVALS = {
    "best member": "best member by CV",
    "mean": "equal mean",
    SKLEARN: "scikit-learn's stacking, the same members",
    SKLEARN_LINEAR: "scikit-learn's stacking, linear members only",
}


class Member(ClassifierMixin, BaseEstimator):
    """A member as an estimator of scikit-learn; ``block`` is its block of the config."""

    def __init__(self, block: dict[str, Any], seed: int) -> None:
        self.block, self.seed = block, seed

    def fit(self, rows: pd.DataFrame, target: np.ndarray) -> Self:
        """Fit on texts and any labels (N,)."""
        self.classes_, codes = np.unique(target, return_inverse=True)
        kind = self.block["kind"]
        shared = {*Model.model_fields, "kind"}
        block = {k: v for k, v in KINDS[kind](**self.block).model_dump().items() if k not in shared}
        options = {key: value for key, value in block.items() if key != "revision"}
        self.model_ = models.make(
            kind, options, classes=len(self.classes_), seed=self.seed, device="cpu", threads=1
        )
        self.model_.fit(rows.reset_index(drop=True), codes.astype(np.int64), np.ones(len(rows)))
        return self

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        """Return probabilities (N, K)."""
        return self.model_.predict(rows.reset_index(drop=True))

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return labels (N,)."""
        return self.classes_[self.predict_proba(rows).argmax(axis=1)]


def stacking(
    blocks: dict[str, dict[str, Any]], train: pd.DataFrame, holdout: pd.DataFrame, *, metric: str, seed: int
) -> dict[str, float]:
    """True scores of scikit-learn's ``StackingClassifier`` (its own final estimator, five folds), by name."""
    linear = {name: block for name, block in blocks.items() if block["kind"] == LINEAR}
    found = {}
    for name, members in ((SKLEARN, blocks), (SKLEARN_LINEAR, linear)):
        estimators = [(key, Member(block, seed)) for key, block in members.items()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes with fewer rows than folds, of steps that ran out
            model = StackingClassifier(estimators, cv=5).fit(_texts(train), train["target"].to_numpy())
            predicted = model.predict(_texts(holdout)).tolist()
        truth = holdout["target"].tolist()
        found[name] = score_labels(metric, truth, predicted, sorted({*predicted, *truth})).value
    return found


def _texts(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[name for name in ("text_a", "text_b") if name in rows]]


def table(runs: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> list[dict[str, Any]]:
    """One row a set and rival: true score of the chosen ensemble minus that of the rival, on the same splits."""
    rows = []
    for data in dict.fromkeys(spec["data"] for spec, _ in runs):
        mine = [result for spec, result in runs if spec["data"] == data]
        for rival, words in RIVALS.items():
            pairs = [pair for result in mine if (pair := _pair(result, rival))]
            if not pairs:
                continue
            gains = [ours - theirs for ours, theirs in pairs]
            share = mine[0]["holdout"] / mine[0]["pool"]
            rows.append(
                {
                    "data": data,
                    "metric": mine[0]["metric"],
                    "against": words,
                    "splits": len(pairs),
                    "chosen": float(np.mean([ours for ours, _ in pairs])),
                    "rival": float(np.mean([theirs for _, theirs in pairs])),
                    "gain": float(np.mean(gains)),
                    "SE": plain_error(gains),
                    "corrected SE": corrected_error(gains, share=share),
                }
            )
    return rows


def _pair(result: dict[str, Any], rival: str) -> tuple[float, float] | None:
    scores = result["scores"]
    chosen = next(score["true"] for score in scores if score["name"] == "best")
    if rival in result["stacking"]:
        return chosen, result["stacking"][rival]
    if rival == "best member":
        return chosen, best_member(scores)["true"]
    if rival == "mean":
        return chosen, next(score["true"] for score in scores if score["name"] == "mean")
    return None


def best_member(scores: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The member and round of the best cross-validated score; the first of equals."""
    return max((score for score in scores if score["what"] == "member"), key=lambda score: score["cv"])
