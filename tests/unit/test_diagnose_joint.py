"""A member of several tasks is diagnosed in each of them by that task's own losses and classes."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from diagnose_samples import healthy_loss
from model_samples import rows_of

from podium import diagnose, predict
from podium.diagnose import Finding
from podium.files import write_csv, write_json, write_table
from podium.plans import Plans
from podium.validation import load

LABELS = {"kind": ["beast", "metal", "music"], "side": ["left", "right"]}
ROWS, FOLDS, STEPS = 180, 3, 150


class Joint:
    """A competition of two tasks in ``root`` with one joint model, which has learned both of them."""

    def __init__(self, root: Path, encoder: Path, **keys: Any) -> None:
        self.root = root
        self.target = {task: np.arange(ROWS) % len(names) for task, names in LABELS.items()}
        self.said = {task: target.copy() for task, target in self.target.items()}
        self.loss = {
            task: [healthy_loss(fold, first=np.log(len(names))) for fold in range(FOLDS)]
            for task, names in LABELS.items()
        }
        files = {"text": ["text"], "target": "label", "metric": "accuracy"}
        model = {"max_length": 32, "epochs": 8, "batch_size": 8, "learning_rate": 1e-3, **keys}
        self.raw: dict[str, Any] = {
            "competition": "c",
            "tasks": {
                task: {key: f"data/{task}_{key}.csv" for key in ("train", "test")} | files for task in LABELS
            },
            "folds": {"n": FOLDS},
            "models": {"joint": {"kind": "multitask", "encoder": str(encoder), **model}},
        }

    def causes(self) -> dict[str, dict[str, Finding]]:
        """What is found in each task, by cause, after a run that left this."""
        folds = np.arange(ROWS) // 6 % FOLDS
        plans, results = Plans.from_raw(copy.deepcopy(self.raw), self.root), self.root / "results"
        for task, names in LABELS.items():
            rows = rows_of(self.target[task])
            text = pd.Series([names[code] for code in self.target[task]], dtype="str")
            write_table(rows.assign(target=text), results / f"ingest/{task}/train.parquet")
            write_json(names, results / f"ingest/{task}/labels.json")
            dealt = pd.DataFrame({"id": rows["id"], "fold": folds, "cluster": np.arange(ROWS)})
            write_table(dealt, results / f"folds/{task}/folds.parquet")
            sure = np.full((ROWS, len(names)), 0.05)
            sure[np.arange(ROWS), self.said[task]] = 0.95
            sure *= np.random.default_rng(0).uniform(0.9, 1.1, sure.shape)
            table = predict.to_table(rows["id"], sure / sure.sum(axis=1, keepdims=True), names)
            write_table(table, results / f"predict/{task}/joint-s0/round0/oof.parquet")
        for fold in range(FOLDS):
            block = plans.train_joint("joint-s0", 0, fold)
            counts = {
                task: dict(zip(names, np.bincount(self.target[task][folds != fold]).tolist(), strict=True))
                for task, names in LABELS.items()
            }
            card = {"kind": "multitask", "options": block["options"], "training_rows": {"train": 2 * ROWS}}
            card["training_rows_per_class"] = counts
            write_json(card, results / f"joint/joint-s0/round0/fold{fold}/card.json")
            own = {f"loss:{task}": self.loss[task][fold].copy() for task in LABELS}
            own["loss:side"][::5] = np.nan  # steps without a row of the task
            steps = pd.DataFrame({"step": range(STEPS), "norm": 0.5, **own})
            steps.insert(1, "loss", steps[list(own)].max(axis=1))  # as if all weight were on the harder task
            write_csv(steps, results / f"logs/joint/joint-s0/round0/fold{fold}.steps.csv")
        found = diagnose.diagnose(load(copy.deepcopy(self.raw)), root=self.root, member=None)
        return {one.task: {finding.cause: finding for finding in one.findings} for one in found}


def test_nothing_is_named_of_a_healthy_one(tmp_path: Path, encoder: Path) -> None:
    assert Joint(tmp_path, encoder).causes() == {"kind": {}, "side": {}}


def test_a_task_that_learns_nothing_is_named_alone(tmp_path: Path, encoder: Path) -> None:
    joint = Joint(tmp_path, encoder, balance={"method": "dtp"})
    joint.loss["side"] = [np.full(STEPS, np.log(2)) for _ in range(FOLDS)]
    joint.said["side"] = np.zeros(ROWS, dtype=np.int64)
    found = joint.causes()
    assert found["kind"] == {}
    assert {"collapsed_training", "constant_predictions"} <= set(found["side"])
    assert (
        "fold 0 ends at 0.693 (0.693 of the classes' shares alone)"
        in found["side"]["collapsed_training"].figure
    )


def test_a_task_that_learns_its_rows_by_heart_is_named_alone(tmp_path: Path, encoder: Path) -> None:
    joint = Joint(tmp_path, encoder)
    random = np.random.default_rng(0)
    joint.said["kind"] = np.where(
        random.random(ROWS) < 0.6, random.integers(0, 3, ROWS), joint.target["kind"]
    )
    found = joint.causes()
    assert set(found["kind"]) == {"overfitting"}
    assert found["side"] == {}
