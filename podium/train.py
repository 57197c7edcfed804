"""Train one member on one fold and predict the rows it was held out from."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium.errors import UserError
from podium.models import Classifier
from podium.predict import columns
from podium.soft import trimmed
from podium.targets import TaskType, to_array, type_of


def texts_of(table: pd.DataFrame, views: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Text columns of the rows of a training table, in its order.

    ``views`` maps ``part`` ("train", "test", the name of an augmentation or of a user's file) to a table of ``id``
    and text columns. Ids are looked up in their own part, since train and test may use the same ids.
    """
    parts = []
    for part, rows in table.groupby("part", sort=False):
        view = views[str(part)].set_index("id").drop(columns="same_as", errors="ignore")
        missing = ~rows["id"].isin(view.index)
        if missing.any():
            raise ValueError(f"{int(missing.sum())} rows of {part} have no text")
        parts.append(view.loc[rows["id"]].set_index(rows.index))
    return pd.concat(parts).loc[table.index].reset_index(drop=True)


@dataclasses.dataclass(frozen=True, slots=True)
class FoldData:
    """What one fold's model is trained on and predicts: rows with text, targets (``podium.targets``), weights.

    ``soft`` (N, K) float32 are the class probabilities of each row where some labels are soft (``podium.soft``), of
    rows with a hard label 0 and 1; None where all are hard. ``target`` is then the label that the voters chose.
    ``rows`` also has ``id``, ``cluster``, the number of the near-duplicates that a row, or its source, belongs to,
    ``real``, whether it is one of the competition's own, ``draw`` and ``draws`` (``podium.lineage``).
    """

    rows: pd.DataFrame
    target: np.ndarray
    weight: np.ndarray
    held_out: pd.DataFrame
    table: pd.DataFrame
    soft: np.ndarray | None = None


def fold_data(
    table: pd.DataFrame,
    views: dict[str, pd.DataFrame],
    folds: pd.DataFrame,
    fold: int,
    labels: list[str],
    type: TaskType,
    *,
    epochs: bool,
) -> FoldData:
    """Join a training table (``podium.lineage.training_table``) with texts; add the held-out rows.

    ``epochs`` says whether the kind of model trains in epochs; others get the first draw of each augmentation alone.
    Raises ``UserError`` when no row is left to train on.
    """
    if not epochs:
        table = table[table["draw"] == 0].reset_index(drop=True)
    if table.empty:
        raise UserError(f"train: fold {fold} has no rows to train on; use fewer folds or prune less")
    held_ids = folds.loc[folds["fold"] == fold, "id"]
    target = to_array(table["target"], labels, type)
    return FoldData(
        rows=texts_of(table, views).assign(
            id=table["id"].to_numpy(),
            cluster=clusters_of(table, folds),
            real=(table["made_by"] == "train").to_numpy(),
            draw=table["draw"].to_numpy(),
            draws=table["draws"].to_numpy(),
        ),
        target=target,
        weight=table["weight"].to_numpy(dtype=np.float64, copy=True),
        held_out=views["train"].set_index("id").loc[held_ids].reset_index(),
        table=table,
        soft=_soft(table, target, labels),
    )


def _soft(table: pd.DataFrame, target: np.ndarray, labels: list[str]) -> np.ndarray | None:
    """Class probabilities (N, K) of the rows of a training table with soft labels."""
    names = columns(labels)
    if not set(names) <= set(table.columns):
        return None
    proba = table[names].to_numpy(dtype=np.float32, copy=True)
    hard = np.isnan(proba).any(axis=1)
    proba[hard] = 0
    proba[hard, target[hard]] = 1
    return trimmed(proba)


def clusters_of(table: pd.DataFrame, folds: pd.DataFrame) -> np.ndarray:
    """Cluster of each row of a training table (N,); rows of other files, which no fold knows, have one each."""
    ours = (table["source_id"] != table["id"]) | (table["part"] == "train")
    known = table["source_id"].map(folds.set_index("id")["cluster"]).where(ours)
    own = int(folds["cluster"].max()) + 1 + np.arange(len(table))
    return np.where(known.isna(), own, known.fillna(0)).astype(np.int64)


def fit_and_predict(
    model: Classifier, data: FoldData, scratch: Path | None = None, teacher: Classifier | None = None
) -> np.ndarray:
    """Fit on the fold's training rows; return predictions (V, K) for its held-out rows.

    ``scratch`` is a folder for checkpoints (``Classifier.fit``). ``teacher`` is a model of the same fold, which has not
    seen the held-out rows either; its predictions for the training rows are taught beside their labels.
    """
    more = {} if teacher is None else {"teacher": teacher.predict(data.rows)}
    more |= {} if data.soft is None else {"soft": data.soft}
    model.fit(data.rows, data.target, data.weight, scratch=scratch, **more)
    return model.predict(data.held_out)


def card(
    *,
    kind: str,
    options: dict[str, Any],
    seed: int,
    fold: int,
    round: int,
    table: pd.DataFrame,
    labels: list[str],
    target: np.ndarray,
) -> dict[str, Any]:
    """The model card: what was trained, on which rows (``table`` and their ``target``), for which classes or values."""
    made_by = table["made_by"].value_counts(sort=False)
    facts = {
        "kind": kind,
        "options": options,
        "seed": seed,
        "fold": fold,
        "round": round,
        "labels": labels,
        "training_rows": {str(name): int(count) for name, count in made_by.items()},
    }
    if type_of(target) == "regression":
        return {**facts, "training_mean": dict(zip(labels, target.mean(axis=0).tolist(), strict=True))}
    single = type_of(target) == "single_label"
    rows = np.bincount(target, minlength=len(labels)) if single else target.sum(axis=0, dtype=np.int64)
    return {**facts, "training_rows_per_class": dict(zip(labels, rows.tolist(), strict=True))}


def held_out_facts(truth: np.ndarray, proba: np.ndarray) -> dict[str, float]:
    """Fixed figures of V held-out rows for the card; ``truth`` as in ``podium.targets``, ``proba`` (V, K).

    Those of the config's metric stand in the table of scores, so that another metric does not retrain.
    """
    if not len(truth):
        return {}
    if type_of(truth) == "regression":
        return {
            "rmse": float(np.sqrt(((truth - proba) ** 2).mean())),
            "mae": float(np.abs(truth - proba).mean()),
        }
    if type_of(truth) == "multi_label":
        right = np.clip(np.where(truth > 0, proba, 1 - proba), np.finfo(np.float64).eps, 1)
        wrong = (proba > 0.5) != (truth > 0)
        return {"hamming_loss": float(wrong.mean()), "log_loss": float(-np.log(right).mean())}
    picked = np.clip(proba[np.arange(len(truth)), truth], np.finfo(np.float64).eps, 1)
    return {
        "accuracy": float((proba.argmax(axis=1) == truth).mean()),
        "log_loss": float(-np.log(picked).mean()),
    }
