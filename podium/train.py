"""Train one member on one fold and predict the rows it was held out from."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium.errors import UserError
from podium.models import Classifier


def texts_of(table: pd.DataFrame, views: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Text columns of the rows of a training table, in its order.

    ``views`` maps ``made_by`` ("train", "pseudo", the name of an augmentation) to a table of ``id`` and text
    columns. Ids are looked up in their own part, since train and test may use the same ids.
    """
    parts = []
    for made_by, rows in table.groupby("made_by", sort=False):
        view = views[str(made_by)].set_index("id")
        missing = ~rows["id"].isin(view.index)
        if missing.any():
            raise ValueError(f"{int(missing.sum())} rows made by {made_by} have no text")
        parts.append(view.loc[rows["id"]].set_index(rows.index))
    return pd.concat(parts).loc[table.index].reset_index(drop=True)


@dataclasses.dataclass(frozen=True, slots=True)
class FoldData:
    """What one fold's model is trained on and predicts: rows with text, class indices, weights."""

    rows: pd.DataFrame
    target: np.ndarray
    weight: np.ndarray
    held_out: pd.DataFrame


def fold_data(
    table: pd.DataFrame,
    views: dict[str, pd.DataFrame],
    folds: pd.DataFrame,
    fold: int,
    labels: list[str],
) -> FoldData:
    """Join a training table (``podium.lineage.training_table``) with texts; add the held-out rows.

    Raises ``UserError`` when no row is left to train on.
    """
    if table.empty:
        raise UserError(f"train: fold {fold} has no rows to train on; use fewer folds or prune less")
    code = {label: index for index, label in enumerate(labels)}
    held_ids = folds.loc[folds["fold"] == fold, "id"]
    return FoldData(
        rows=texts_of(table, views),
        target=table["target"].map(code).to_numpy(dtype=np.int64),
        weight=table["weight"].to_numpy(dtype=np.float64),
        held_out=views["train"].set_index("id").loc[held_ids].reset_index(),
    )


def fit_and_predict(model: Classifier, data: FoldData, scratch: Path | None = None) -> np.ndarray:
    """Fit on the fold's training rows; return probabilities (V, K) of its held-out rows.

    ``scratch`` is a folder for checkpoints (``Classifier.fit``).
    """
    model.fit(data.rows, data.target, data.weight, scratch=scratch)
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
) -> dict[str, Any]:
    """The model card: what was trained, on which rows, for which classes."""
    made_by = table["made_by"].value_counts(sort=False)
    per_class = table["target"].value_counts()
    return {
        "kind": kind,
        "options": options,
        "seed": seed,
        "fold": fold,
        "round": round,
        "labels": labels,
        "training_rows": {str(name): int(count) for name, count in made_by.items()},
        "training_rows_per_class": {label: int(per_class.get(label, 0)) for label in labels},
    }


def held_out_facts(truth: np.ndarray, proba: np.ndarray) -> dict[str, float]:
    """Accuracy and log loss of held-out rows; ``truth`` (V,) class indices, ``proba`` (V, K).

    Fixed figures for the card: those of the config's metric stand in the table of scores, so that another metric does
    not retrain.
    """
    if not len(truth):
        return {}
    picked = np.clip(proba[np.arange(len(truth)), truth], np.finfo(np.float64).eps, 1)
    return {
        "accuracy": float((proba.argmax(axis=1) == truth).mean()),
        "log_loss": float(-np.log(picked).mean()),
    }
