"""A user's own metric through the whole workflow, an edit of its file, and a submission of ranked labels."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from sklearn.metrics import fbeta_score
from test_types import clone_of, facts, rows
from tiny import CLASSES, Clone

__all__ = ["rows"]  # a fixture

MINE = """
import numpy as np

greater_is_better = {better}
takes = "{takes}"


def score(truth, prediction):
    assert truth.shape[0] == prediction.shape[0]
    return {formula}
"""
ERROR = "np.abs(truth - prediction).max(axis=1).mean()"
PRECISION = "(truth * (prediction > 0.2)).sum() / max(1, (prediction > 0.2).sum())"
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "single_label": (
        {"target": "earn"},
        {"earn": 0},
        MINE.format(better=True, takes="labels", formula="(truth == prediction).mean() ** 2"),
    ),
    "multi_label": (
        {"type": "multi_label", "target": CLASSES},
        dict.fromkeys(CLASSES, 0.5),
        MINE.format(better=True, takes="probabilities", formula=PRECISION),
    ),
    "regression": (
        {"type": "regression", "target": ["count", "money"]},
        {"count": 0, "money": 0},
        MINE.format(better=False, takes="values", formula=ERROR),
    ),
}


def run(clone: Clone) -> pd.DataFrame:
    """Run everything; return the submission, indexed by id."""
    clone.snakemake("all", "check_holdout", warm=True)
    assert clone.jobs("all", "check_holdout") == set()
    return pd.read_csv(clone.folder / "results/submission.csv", dtype={"id": "str"}).set_index("id")


@pytest.mark.parametrize("case", CASES)
def test_own_metric(case: str, rows: pd.DataFrame, tmp_path: Path, wordnet: Path) -> None:
    task, sample, text = CASES[case]
    clone = clone_of(tmp_path, rows, {**task, "metric": "data/mine.py"}, sample=sample, wordnet=wordnet)
    path = clone.folder / "data/mine.py"
    path.write_text(text)
    submission = run(clone)
    truth = rows.set_index("id").loc[submission.index]
    reported = facts(clone, "check_holdout/report.json")
    given = submission[list(sample)].to_numpy(float)
    true = truth[list(sample)].to_numpy(float)
    expected = {
        "single_label": lambda: (given == true).mean() ** 2,
        "multi_label": lambda: (true * (given > 0.2)).sum() / (given > 0.2).sum(),
        "regression": lambda: abs(true - given).max(axis=1).mean(),
    }[case]()
    assert reported["true_score"] == pytest.approx(expected, abs=1e-6)
    assert reported["true_se"] > 0
    assert "cross-validated mine of" in (clone.folder / "results/report/summary.txt").read_text()
    if case != "single_label":
        return
    path.write_text(text.replace("** 2", "** 3"))
    jobs = clone.jobs("all")
    assert {"ensemble: choose the best", "decide labels", "score members, ensembles and decision"} <= jobs
    assert not any(job.startswith(("train", "predict", "text", "deal", "augment")) for job in jobs)
    path.write_text(text.replace("return (", "return np.log(0 * ("))
    failed = clone.snakemake("--dry-run", check=False)
    assert failed.returncode == 1
    assert "podium: config: tasks.topic.metric: data/mine.py, line 10: " in failed.stdout + failed.stderr
    assert "Traceback" not in failed.stdout + failed.stderr


def test_ranked_labels_and_f_beta(rows: pd.DataFrame, tmp_path: Path, wordnet: Path) -> None:
    first = rows.assign(topic=rows[CLASSES].idxmax(axis=1))
    task = {"target": "topic", "metric": {"name": "map_at_k", "k": 2}}
    clone = clone_of(tmp_path, first, task, sample={"topic": "earn|trade"}, wordnet=wordnet)
    submission = run(clone)["topic"].str.split("|", expand=True)
    truth = first.set_index("id").loc[submission.index, "topic"]
    expected = ((submission[0] == truth) + 0.5 * (submission[1] == truth)).mean()
    assert facts(clone, "check_holdout/report.json")["true_score"] == pytest.approx(expected, abs=1e-9)
    assert facts(clone, "check_holdout/report.json")["accuracy"] == (submission[0] == truth).mean()
    assert expected > 0.6
    config = yaml.safe_load((clone.folder / "config.yaml").read_text())
    config["tasks"]["topic"]["metric"] = "macro_f2"
    clone.configure(config)
    clone.snakemake("results/decision/topic/score.json", warm=True)
    decided = clone.table("decision/topic/oof.parquet").set_index("id")["label"]
    score = facts(clone, "decision/topic/score.json")
    truth = first.set_index("id").loc[decided.index, "topic"]
    assert score["cv"] == pytest.approx(fbeta_score(truth, decided, beta=2, average="macro"), abs=1e-9)
