"""Multi-label and regression competitions, from files to submission and hold-out, with scores computed again."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import spearmanr
from sklearn.metrics import f1_score, mean_squared_error, roc_auc_score
from tiny import CLASSES, Clone

from podium.files import read_json

TRAIN, TEST = 150, 60
BASE: dict[str, Any] = {
    "seed": 3,
    "text": {"views": {"raw": [], "clean": ["lowercase", "whitespace"]}},
    "folds": {"n": 3},
    "augment": {"eda": {"kind": "eda", "copies": 1}},
    "models": {
        "words": {"kind": "linear", "view": "clean", "augment": ["eda"], "tfidf": {"char_ngrams": None}},
        "letters": {"kind": "linear", "c": 1.0, "tfidf": {"word_ngrams": None, "char_ngrams": [2, 4]}},
    },
    "ensemble": {"blend": {"steps": 10}},
}
FILES = {
    "train": "data/tiny/train.csv",
    "test": "data/tiny/test.csv",
    "sample": "data/tiny/sample.csv",
    "holdout": "data/tiny/holdout.csv",
    "text": ["text"],
}


@pytest.fixture(scope="module")
def rows(reuters: pd.DataFrame) -> pd.DataFrame:
    """Two news texts put together: the classes of both are its labels, their number its values."""
    rng = np.random.default_rng(0)
    pairs = [
        reuters.groupby("label").sample(TRAIN, random_state=seed).sample(frac=1, random_state=seed)
        for seed in (1, 2)
    ]
    first, second = (pair.head(TRAIN + TEST).reset_index(drop=True) for pair in pairs)
    alone = rng.random(len(first)) < 0.3
    table = pd.DataFrame({"id": [f"{number:04}" for number in range(len(first))]})
    table["text"] = np.where(alone, first["text"], first["text"] + " " + second["text"])
    for label in CLASSES:
        table[label] = ((first["label"] == label) | ((second["label"] == label) & ~alone)).astype(int)
    table["labels"] = [" ".join(label for label in CLASSES if row[label]) for _, row in table.iterrows()]
    table["count"] = table[CLASSES].sum(axis=1) + 0.25
    table["money"] = -100.5 * table["earn"] + 1e-3 * rng.normal(size=len(table))
    return table


def clone_of(
    folder: Path, rows: pd.DataFrame, task: dict[str, Any], *, sample: dict[str, Any], wordnet: Path
) -> Clone:
    """A clone with the competition's files; ``sample`` holds the columns of the sample submission."""
    target = task["target"] if isinstance(task["target"], list) else [task["target"]]
    clone = Clone(folder, {**BASE, "competition": "tiny", "tasks": {"topic": {**FILES, **task}}})
    data = folder / "data/tiny"
    data.mkdir(parents=True)
    (folder / "data/wordnet").symlink_to(wordnet)
    train, test = rows.iloc[:TRAIN], rows.iloc[TRAIN:]
    train[["id", "text", *target]].to_csv(data / "train.csv", index=False)
    test[["id", "text"]].to_csv(data / "test.csv", index=False)
    test[["id", *target]].iloc[::-1].to_csv(data / "holdout.csv", index=False)
    test[["id"]].assign(**sample).to_csv(data / "sample.csv", index=False)
    return clone


def run(clone: Clone) -> pd.DataFrame:
    """Run everything; return the submission."""
    clone.snakemake("all", "check_holdout", warm=True)
    assert clone.jobs("all", "check_holdout") == set()
    task = yaml.safe_load((clone.folder / "config.yaml").read_text())["tasks"]["topic"]
    assert (clone.folder / "results/noise").exists() == (task["type"] == "multi_label")
    assert not (clone.folder / "results/pseudo").exists()
    return pd.read_csv(clone.folder / "results/submission.csv", dtype={"id": "str"}).fillna("")


def facts(clone: Clone, name: str) -> Any:
    return read_json(clone.folder / "results" / name)


def test_multi_label_columns_with_probabilities(rows: pd.DataFrame, tmp_path: Path, wordnet: Path) -> None:
    task = {"type": "multi_label", "target": CLASSES, "metric": "roc_auc"}
    clone = clone_of(tmp_path, rows, task, sample=dict.fromkeys(CLASSES[::-1], 0.5), wordnet=wordnet)
    submission = run(clone)
    assert list(submission.columns) == ["id", *CLASSES[::-1]]
    truth = rows.set_index("id")[CLASSES]
    expected = roc_auc_score(truth.loc[submission["id"]], submission[CLASSES], average="macro")
    assert facts(clone, "check_holdout/report.json")["true_score"] == pytest.approx(expected, abs=1e-9)
    assert expected > 0.8
    oof = clone.table("predict/topic/words-s0/round0/oof.parquet").set_index("id")
    scores = pd.DataFrame(facts(clone, "scores.json")["rows"]).set_index("name")
    expected = roc_auc_score(truth.loc[oof.index], oof[[f"p:{label}" for label in CLASSES]])
    assert scores.loc["words-s0", "cv"] == pytest.approx(expected, abs=1e-9)
    folds = clone.table("folds/topic/folds.parquet").set_index("id")["fold"]
    trained_on = clone.table("train/topic/words-s0/round0/fold1/trained_on.parquet")
    assert set(trained_on["made_by"]) == {"train", "eda"}
    assert (trained_on["source_id"].map(folds) != 1).all()


def test_multi_label_joined_with_tuned_thresholds(rows: pd.DataFrame, tmp_path: Path, wordnet: Path) -> None:
    task = {"type": "multi_label", "target": "labels", "label_separator": " ", "metric": "macro_f1"}
    clone = clone_of(tmp_path, rows, task, sample={"labels": "earn trade"}, wordnet=wordnet)
    submission = run(clone)
    assert list(submission.columns) == ["id", "labels"]
    given = submission["labels"].str.get_dummies(" ").reindex(columns=CLASSES, fill_value=0)
    truth = rows.set_index("id")[CLASSES]
    expected = f1_score(truth.loc[submission["id"]], given, average="macro", zero_division=0)
    assert facts(clone, "check_holdout/report.json")["true_score"] == pytest.approx(expected, abs=1e-9)
    assert expected > 0.7
    score = facts(clone, "decision/topic/score.json")
    decided = clone.table("decision/topic/oof.parquet")
    flags = decided["label"].str.get_dummies("\x1f").reindex(columns=CLASSES, fill_value=0)
    assert score["method"] == "thresholds"
    assert score["cv"] == pytest.approx(f1_score(truth.loc[decided["id"]], flags, average="macro"), abs=1e-9)


def test_regression_of_two_columns(rows: pd.DataFrame, tmp_path: Path, wordnet: Path) -> None:
    task = {"type": "regression", "target": ["count", "money"], "metric": "mcrmse"}
    clone = clone_of(tmp_path, rows, task, sample={"money": 0, "count": 0}, wordnet=wordnet)
    submission = run(clone)
    assert list(submission.columns) == ["id", "money", "count"]
    truth = rows.set_index("id").loc[submission["id"]]
    errors = [mean_squared_error(truth[name], submission[name]) ** 0.5 for name in ("count", "money")]
    assert facts(clone, "check_holdout/report.json")["true_score"] == pytest.approx(np.mean(errors), rel=1e-9)
    assert errors[1] < 0.8 * truth["money"].std()
    assert spearmanr(truth["count"], submission["count"]).statistic > 0.3
    assert facts(clone, "decision/topic/score.json")["method"] == "values"
    assert not (clone.folder / "results/ensemble/topic/vote").exists()
