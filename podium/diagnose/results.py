"""What a run left of a member: learning curves, cards, held-out predictions. N rows, K classes or values."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium import metrics, predict
from podium.alignment import fold_numbers
from podium.diagnose.member import Member
from podium.files import read_json, read_table
from podium.targets import TaskType, to_array

MORE = 0.05
"""By how much accuracy must exceed the share of the greatest class so that differences between rows say something."""
_NOT_FINITE = re.compile(r"at step (\d+) \(epoch .*\), and the step is not taken")


@dataclasses.dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FoldRun:
    """One fold's training: its ``card`` (None where it did not end), its ``steps`` (None where the kind has none).

    Steps of a member of several tasks are those with rows of the task, and ``loss`` is the task's own, unweighted.
    ``not_finite`` is the step at which the loss was no number any more.
    """

    fold: int
    card: dict[str, Any] | None
    steps: pd.DataFrame | None
    not_finite: int | None

    @property
    def plain(self) -> bool:
        """Whether it was trained on the competition's own rows alone."""
        return self.card is not None and set(self.card["training_rows"]) == {"train"}


@dataclasses.dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HeldOut:
    """Predictions of the N training rows by models that never saw them.

    ``truth`` is an array of ``podium.targets``, ``proba`` (N, K), ``folds`` (N,) int; ``labels`` name K classes or
    values.
    """

    ids: np.ndarray
    truth: np.ndarray
    proba: np.ndarray
    folds: np.ndarray
    labels: list[str]
    type: TaskType

    def score(self, metric: str) -> float:
        """The value of the task's metric."""
        return metrics.value(metric, self.truth, None, self.proba, classes=len(self.labels))

    def rights(self) -> np.ndarray:
        """How right each row is (N,), greater is better: 0 or 1, a share of its labels, minus its error."""
        if self.type == "single_label":
            return (self.proba.argmax(axis=1) == self.truth).astype(np.float64)
        if self.type == "multi_label":
            return ((self.proba > 0.5) == (self.truth > 0.5)).mean(axis=1)
        scale = np.maximum(self.truth.std(axis=0), 1e-12)
        return -(np.abs(self.proba - self.truth) / scale).mean(axis=1)

    def learned(self) -> bool:
        """Whether the predictions tell more than the greatest class does; of other types than single labels always."""
        if self.type != "single_label":
            return True
        greatest = float(np.bincount(self.truth).max()) / len(self.truth)
        return float(self.rights().mean()) > greatest + MORE

    @property
    def measure(self) -> str:
        """What ``rights`` means, in words."""
        names = {"single_label": "accuracy", "multi_label": "share of right labels"}
        return names.get(self.type, "minus error in deviations")

    def log_loss(self) -> float | None:
        """Mean loss of the true classes, as the training loss counts it; None for a regression."""
        tiny = np.finfo(np.float64).tiny
        if self.type == "single_label":
            picked = self.proba[np.arange(len(self.truth)), self.truth]
            return float(-np.log(np.maximum(picked, tiny)).mean())
        if self.type == "multi_label":
            right = np.where(self.truth > 0.5, self.proba, 1 - self.proba)
            return float(-np.log(np.maximum(right, 1e-7)).mean())
        return None


def last_round(member: Member) -> int:
    """The last round of which a training ended; 0 where there is none."""
    there = [number for number in range(member.last_round + 1) if runs_of(member, number)]
    return max(there, default=0)


def runs_of(member: Member, number: int) -> list[FoldRun]:
    """The trainings of a round of which there is a card, a log or a learning curve."""
    found = []
    for fold in range(member.folds):
        card = _folder(member, number, fold) / "card.json"
        logs = member.root / "results/logs" / member.trained.relative_to("results") / f"round{number}"
        run = FoldRun(
            fold=fold,
            card=read_json(card) if card.is_file() else None,
            steps=_steps(logs / f"fold{fold}.steps.csv", member) if card.is_file() else None,
            not_finite=_step_of_failure(logs / f"fold{fold}.log"),
        )
        if run.card is not None or run.not_finite is not None:
            found.append(run)
    return found


def changed_options(member: Member, runs: list[FoldRun]) -> list[str]:
    """What the config says otherwise than when the runs were made, a clause each."""
    now = json.loads(json.dumps(member.options))
    for run in runs:
        if run.card is None:
            continue
        then = run.card["options"]
        fused = str(then.get("encoder", "")).endswith("/fused")  # the mean of other members' encoders
        keys = [
            key
            for key in {**then, **now}
            if then.get(key) != now.get(key) and not (fused and key == "encoder")
        ]
        if keys:
            return [f"{key} was {then.get(key)}, is {now.get(key)}" for key in keys]
    return []


def held_out(member: Member, number: int, runs: list[FoldRun]) -> HeldOut | None:
    """The held-out predictions of a round: all that there are; None of a span task, which has no classes."""
    if member.type == "span":
        return None
    table = _predictions(member, number, runs)
    places = [
        member.made("ingest") / "train.parquet",
        member.made("ingest") / "labels.json",
        member.made("folds") / "folds.parquet",
    ]
    if table is None or not all(path.is_file() for path in places):
        return None
    rows, labels, folds = read_table(places[0], columns=["id", "target"]), read_json(places[1]), places[2]
    rows = rows[rows["id"].isin(table["id"])].reset_index(drop=True)
    if not set(predict.columns(labels, member.type)) <= set(table.columns) or rows.empty:
        return None
    dealt = read_table(folds, columns=["id", "fold"])
    ordered = table.set_index("id").loc[rows["id"]].reset_index()
    return HeldOut(
        ids=rows["id"].to_numpy(),
        truth=to_array(rows["target"], labels, member.type),
        proba=predict.to_array(ordered, labels, member.type),
        folds=fold_numbers(dealt[dealt["id"].isin(rows["id"])], rows["id"]),
        labels=labels,
        type=member.type,
    )


def _folder(member: Member, number: int, fold: int) -> Path:
    return member.root / member.trained / f"round{number}" / f"fold{fold}"


def _predictions(member: Member, number: int, runs: list[FoldRun]) -> pd.DataFrame | None:
    """The table of the round, or those of the folds that are done."""
    whole = member.made("predict") / member.name / f"round{number}" / "oof.parquet"
    if whole.is_file():
        return read_table(whole)
    if member.joint:  # their own tables hold all tasks
        return None
    parts = [_folder(member, number, run.fold) / "oof.parquet" for run in runs]
    tables = [read_table(path) for path in parts if path.is_file()]
    return pd.concat(tables, ignore_index=True) if tables else None


def _steps(path: Path, member: Member) -> pd.DataFrame | None:
    """A learning curve; None where the kind of model has none."""
    if not path.is_file() or not path.stat().st_size:
        return None
    table = pd.read_csv(path)
    own = f"loss:{member.task}"
    if member.joint and own in table:
        table = table.assign(loss=table[own]).dropna(subset="loss")
    return table if len(table) and {"loss", "norm"} <= set(table.columns) else None


def _step_of_failure(log: Path) -> int | None:
    """The step at which a job gave up, as the loss was no number any more; a later success writes a new log."""
    if not log.is_file():
        return None
    found = _NOT_FINITE.search(log.read_text(encoding="utf-8", errors="replace"))
    return int(found[1]) if found else None
