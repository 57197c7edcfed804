"""The table of scores holds what the metrics say, whatever the order of the rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, log_loss

from podium import scores
from podium.predict import to_table

LABELS = ["a", "b", "c"]


@pytest.fixture
def tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Random out-of-fold predictions, targets and folds of 60 rows, each table in its own order."""
    rng = np.random.default_rng(0)
    ids = [f"{number:03}" for number in range(60)]
    train = pd.DataFrame({"id": ids, "target": rng.choice(LABELS, 60)}).astype("str")
    folds = pd.DataFrame({"id": train["id"], "fold": np.arange(60) % 4})
    oof = to_table(ids, rng.dirichlet([1, 1, 1], 60), LABELS)
    return oof.sample(frac=1, random_state=1), train, folds.sample(frac=1, random_state=2)


@pytest.mark.parametrize("metric", ["macro_f1", "log_loss"])
def test_member_is_scored_as_scikit_learn_does(tables: tuple, metric: str) -> None:
    oof, train, folds = tables
    facts = scores.of_member(oof, train, folds, LABELS, metric=metric, type="single_label")
    joined = train.merge(oof, on="id").merge(folds, on="id")

    def value(rows: pd.DataFrame) -> float:
        proba = rows[[f"p:{label}" for label in LABELS]].to_numpy(dtype=float)
        if metric == "log_loss":
            return log_loss(rows["target"], proba / proba.sum(axis=1, keepdims=True), labels=LABELS)
        return f1_score(rows["target"], np.array(LABELS)[proba.argmax(axis=1)], average="macro")

    assert facts["metric"] == metric
    assert facts["cv"] == pytest.approx(value(joined))
    assert facts["folds"] == pytest.approx([value(rows) for _, rows in joined.groupby("fold")])
    assert facts["se"] > 0


def facts(cv: float, metric: str = "accuracy") -> dict:
    return {"metric": metric, "cv": cv, "se": 0.01, "folds": [cv - 0.1, cv + 0.1]}


def test_table_has_one_row_a_score_and_one_column_a_fold() -> None:
    members = [("linear-s0", 0, facts(0.8)), ("linear-s0", 1, facts(0.9))]
    decision = {**facts(0.85), "ensemble": "best", "method": "offsets", "n": 9}
    table = scores.table(members, [("mean", facts(0.7))], decision)
    assert list(table.columns) == ["what", "name", "round", "metric", "cv", "se", "fold0", "fold1"]
    assert table[["what", "name", "round", "cv", "fold1"]].values.tolist() == [
        ["member", "linear-s0", "0", 0.8, 0.9],
        ["member", "linear-s0", "1", 0.9, 1.0],
        ["ensemble", "mean", "", 0.7, pytest.approx(0.8)],
        ["submitted", "best + offsets", "", 0.85, pytest.approx(0.95)],
    ]


@pytest.mark.parametrize(("metric", "best"), [("accuracy", "b-s0"), ("log_loss", "a-s0")])
def test_best_member_is_the_best_by_the_metrics_own_sense(metric: str, best: str) -> None:
    values = {"a-s0": 0.1, "b-s0": 0.3, "c-s0": 0.3, "d-s0": 0.2}
    members = [(name, 0, facts(value, metric)) for name, value in values.items()]
    extreme = facts(0.0 if metric == "log_loss" else 1.0, metric)
    table = scores.table(members, [("mean", extreme)], {**extreme, "ensemble": "mean", "method": "argmax"})
    assert scores.best_member(table)["name"] == best
