"""A small project on disk with a healthy member, in which tests plant one cause at a time."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from model_samples import rows_of

from podium import diagnose, predict, train
from podium.diagnose import Diagnosis, Finding
from podium.files import write_csv, write_json, write_table
from podium.plan import Plan
from podium.targets import to_array
from podium.validation import load

LABELS = ["beast", "metal", "music"]
ROWS, FOLDS, STEPS = 240, 3, 150
HEALTHY: dict[str, dict[str, Any]] = {
    "transformer": {"max_length": 32, "epochs": 8, "batch_size": 8, "learning_rate": 1e-3},
    "textcnn": {"max_length": 32, "epochs": 8, "batch_size": 8, "min_count": 1},
    "fasttext": {},
    "lightgbm": {},
    "linear": {},
}


class Project:
    """A competition in ``root`` with one model ``m`` of some kind, not trained yet."""

    def __init__(self, root: Path, encoder: Path | None, kind: str = "transformer", **keys: Any) -> None:
        self.root, self.type = root, "single_label"
        self.target = np.arange(ROWS) % len(LABELS)
        self.rows = rows_of(self.target)
        model = {"kind": kind, **HEALTHY[kind], **keys}
        if kind == "transformer":
            model["encoder"] = str(encoder)
        self.raw: dict[str, Any] = {
            "competition": "c",
            "tasks": {
                "t": {
                    **{"train": "data/train.csv", "test": "data/test.csv", "sample": "data/sample.csv"},
                    **{"text": ["text"], "target": "label", "metric": "accuracy"},
                }
            },
            "folds": {"n": FOLDS},
            "models": {"m": model},
        }
        (root / "data").mkdir(parents=True, exist_ok=True)
        self.write_rows()

    def write_rows(self) -> None:
        """Write the competition's files."""
        labels = [LABELS[code] for code in self.target]
        table = self.rows.rename(columns={"text_a": "text"}).assign(label=labels)
        table.to_csv(self.root / "data/train.csv", index=False)
        table.head(9)[["id", "label"]].to_csv(self.root / "data/sample.csv", index=False)

    @property
    def folds(self) -> np.ndarray:
        """Fold of each row (N,)."""
        return np.arange(ROWS) // len(LABELS) % FOLDS

    def proba(self, said: np.ndarray, sure: float = 0.9) -> np.ndarray:
        """Probabilities (N, K) of one who says ``said`` (N,), a little other in each row."""
        found = np.full((ROWS, len(LABELS)), (1 - sure) / (len(LABELS) - 1))
        found[np.arange(ROWS), said] = sure
        found *= np.random.default_rng(0).uniform(0.9, 1.1, found.shape)
        return found / found.sum(axis=1, keepdims=True)

    def healthy(self, member: str = "m-s0") -> np.ndarray:
        """Predictions that are right for 19 of 20 rows in each fold and of each length."""
        wrong = np.random.default_rng(1).random(ROWS) < 0.05
        return self.proba(np.where(wrong, (self.target + 1) % len(LABELS), self.target))

    def trained(
        self,
        *,
        proba: np.ndarray | None = None,
        loss: Callable[[int], np.ndarray] | None = None,
        norm: float = 0.5,
        labels: list[str] | None = None,
        member: str = "m-s0",
    ) -> None:
        """Write what a run leaves of a member, in the tables of the real stages; healthy where nothing is given.

        ``loss`` makes the losses of a fold's steps.
        """
        names = labels or LABELS
        results, made = self.root / "results", Plan.from_raw(copy.deepcopy(self.raw), self.root)
        text = [LABELS[code] for code in self.target]
        rows = self.rows.assign(target=pd.Series(text, dtype="str"))
        write_table(rows, results / "ingest/t/train.parquet")
        write_json(LABELS, results / "ingest/t/labels.json")
        dealt = pd.DataFrame({"id": rows["id"], "fold": self.folds, "cluster": np.arange(ROWS)})
        write_table(dealt, results / "folds/t/folds.parquet")
        found = self.healthy() if proba is None else proba
        for fold in range(FOLDS):
            folder = results / f"train/t/{member}/round0/fold{fold}"
            block = made.train(member, 0, fold)
            kept = self.folds != fold
            card = train.card(
                kind=block["kind"],
                options=block["options"],
                seed=block["seed"],
                fold=fold,
                round=0,
                table=pd.DataFrame({"made_by": ["train"] * int(kept.sum())}),
                labels=names,
                target=to_array(rows["target"][kept], LABELS, "single_label"),
            )
            write_json(card, folder / "card.json")
            out = self.folds == fold
            write_table(predict.to_table(rows["id"][out], found[out], LABELS), folder / "oof.parquet")
            if block["kind"] in ("transformer", "textcnn"):
                losses = healthy_loss(fold) if loss is None else loss(fold)
                steps = pd.DataFrame({"step": range(len(losses)), "loss": losses, "norm": norm})
                write_csv(steps, results / f"logs/train/t/{member}/round0/fold{fold}.steps.csv")

    def examined(self) -> Diagnosis:
        """The diagnosis of the model's first member."""
        found = diagnose.diagnose(load(copy.deepcopy(self.raw)), root=self.root, member="m-s0")
        assert diagnose.text(found)
        return found[0]

    def causes(self) -> dict[str, Finding]:
        """What is found, by cause."""
        return {finding.cause: finding for finding in self.examined().findings}


def healthy_loss(fold: int, *, steps: int = STEPS, first: float = 1.1, last: float = 0.06) -> np.ndarray:
    """Losses of a training that learns and is done."""
    random = np.random.default_rng(fold)
    curve = last + (first - last) * np.exp(-np.arange(steps) / (steps / 12))
    return curve * random.uniform(0.8, 1.2, steps)
