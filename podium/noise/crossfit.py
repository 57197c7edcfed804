"""Out-of-sample probabilities of the rows that are judged, by cross-validation among these alone (lineage rule 4)."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium import models, train
from podium.errors import UserError
from podium.folds import make_folds
from podium.lineage import training_table
from podium.predict import to_table
from podium.seeds import derive
from podium.targets import TaskType, to_array

log = logging.getLogger(__name__)


def inner_folds(
    rows: pd.DataFrame, folds: pd.DataFrame, fold: int, *, n: int, seed: int, type: TaskType
) -> pd.DataFrame:
    """Deal the rows outside ``fold`` to ``n`` folds of their own: ``id``, ``fold``, ``cluster``.

    ``rows`` (id, target) may lack rows of ``folds`` (id, fold, cluster): those that a person dropped. Clusters of
    near-duplicates and groups stay together, as in the run's folds. Raises ``UserError`` where there are too few.
    """
    part = rows.merge(folds[folds["fold"] != fold], on="id", how="inner")
    clusters = part["cluster"].to_numpy()
    count = len(np.unique(clusters))
    if count < n:
        raise UserError(
            f"noise.inner_folds: {n} folds cannot be made of the {count} independent groups of rows outside "
            "one fold; lower it"
        )
    dealt = make_folds(
        part["target"].tolist(), None, clusters, n=n, seed=derive(seed, "noise", fold), type=type
    )
    return part[["id", "cluster"]].assign(fold=dealt)


def cross_fit(
    rows: pd.DataFrame,
    texts: pd.DataFrame,
    folds: pd.DataFrame,
    labels: list[str],
    *,
    type: TaskType,
    kind: str,
    options: dict[str, Any],
    seed: int,
    device: str,
    threads: int,
    scratch: Path,
) -> pd.DataFrame:
    """Predict each fold's rows with a model of ``kind`` that was trained on the other folds'.

    Training is as in stage train, on the given labels and without augmentations.

    Parameters
    ----------
    rows, texts
        ``id``, ``target``; ``id`` and texts or token ids. They may hold more rows than ``folds``; these take no part.
    folds
        ``id``, ``fold``, ``cluster`` of the rows that take part.
    scratch
        A folder for checkpoints; what is in it when a job starts again is gone on with.

    Returns
    -------
    A predictions table (``podium.predict``) in the order of ``rows``. A row with a class that no row of the other folds
    has is left out: no model can judge it.
    """
    rows = rows[rows["id"].isin(folds["id"])].reset_index(drop=True)
    texts = texts[texts["id"].isin(folds["id"])].reset_index(drop=True)
    same_as = texts.set_index("id")["same_as"] if "same_as" in texts.columns else None
    target = pd.Series(range(len(rows)), index=rows["id"])
    given = to_array(rows["target"], labels, type)
    proba = np.zeros((len(rows), len(labels)))
    known = np.zeros(len(rows), dtype=bool)
    for fold in sorted(folds["fold"].unique().tolist()):
        data = train.fold_data(
            training_table(rows, folds, fold, same_as=same_as),
            {"train": texts},
            folds,
            fold,
            labels,
            type,
            epochs=models.KINDS[kind].epochs,
        )
        model = models.make(
            kind,
            options,
            classes=len(labels),
            seed=derive(seed, kind, "noise", fold),
            device=device,
            threads=threads,
        )
        held = target[data.held_out["id"]].to_numpy()
        proba[held] = train.fit_and_predict(model, data, scratch / f"inner{fold}")
        known[held] = _known(given[held], data.target)
        log.info("%s: predicted %d rows, trained on %d", kind, len(held), len(data.target))
    if not known.all():
        log.info("%d rows have a class of their own among these folds; they are not judged", (~known).sum())
    return to_table(rows["id"][known], proba[known], labels, type)


def _known(given: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Say of held-out targets whether every class of theirs is among the ``seen`` ones (N,) bool."""
    if given.ndim == 1:
        return np.isin(given, seen)
    return np.asarray((given[:, ~seen.any(axis=0)] == 0).all(axis=1))
