"""Folders of results with one task, written from labels and right answers by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium.files import write_json, write_table, write_text
from podium.runs import as_yaml

LABELS = ["no", "yes"]
TASK: dict[str, Any] = {
    "train": "train.csv",
    "test": "test.csv",
    "text": ["text"],
    "target": "label",
    "metric": "accuracy",
}
CONFIG: dict[str, Any] = {
    "competition": "hand",
    "tasks": {"topic": TASK},
    "models": {"linear": {"kind": "linear", "c": 1.0}, "other": {"kind": "linear"}},
}


def results(
    folder: Path,
    truth: np.ndarray,
    said: dict[str, np.ndarray],
    folds: np.ndarray,
    clusters: np.ndarray,
    *,
    config: dict[str, Any],
    ids: list[str] | None = None,
) -> Path:
    """Write results with members ``said`` (classes by name); the first is what every ensemble says and is decided."""
    ids = ids or [f"r{number}" for number in range(len(truth))]
    train = pd.DataFrame(
        {"id": ids, "text_a": [f"text {id}" for id in ids], "target": np.array(LABELS)[truth]}
    )
    write_table(train, folder / "ingest/topic/train.parquet")
    write_table(train[["id", "text_a"]].head(20), folder / "ingest/topic/test.parquet")
    write_json(LABELS, folder / "ingest/topic/labels.json")
    write_table(
        pd.DataFrame({"id": ids, "fold": folds, "cluster": clusters}), folder / "folds/topic/folds.parquet"
    )
    rows = []
    for name, classes in said.items():
        write_table(table(ids, classes), folder / f"predict/topic/{name}/round0/oof.parquet")
        rows.append({"what": "member", "name": name, "round": "0"})
    first = next(iter(said.values()))
    for part, ending in (("oof", len(ids)), ("test", 20)):
        write_table(table(ids[:ending], first[:ending]), folder / f"ensemble/topic/mean/{part}.parquet")
        decided = pd.DataFrame({"id": ids[:ending], "label": np.array(LABELS)[first[:ending]]})
        write_table(decided, folder / f"decision/topic/{part}.parquet")
    rows += [
        {"what": "ensemble", "name": "mean", "round": ""},
        {"what": "submitted", "name": "mean + argmax", "round": ""},
    ]
    chosen = {"name": "mean", "metric": config["tasks"]["topic"]["metric"]}
    write_json({"task": "topic", "chosen": chosen, "rows": rows}, folder / "scores.json")
    write_text(f"{config['competition']}\n", folder / "competition.txt")
    write_text(as_yaml(config), folder / "config.yaml")
    return folder


def table(ids: list[str], classes: np.ndarray) -> pd.DataFrame:
    """Predictions that are sure of these classes."""
    found = pd.DataFrame({"id": ids})
    for code, label in enumerate(LABELS):
        found[f"p:{label}"] = np.where(classes == code, 0.9, 0.1).astype("float32")
    return found
