"""Made rows that look as if they had another label than their source: judged by models that may know.

Lineage: a verdict that fold k uses comes from models without any row of fold k, neither its text nor its label, and
the model that judges a made row was not trained on its source, nor on a near-duplicate of it.
"""

import logging

import numpy as np
import pandas as pd

from podium.augment import KEPT
from podium.errors import UserError
from podium.folds import make_folds
from podium.models import make
from podium.seeds import derive

log = logging.getLogger(__name__)

OTHER = "sure of another label"
#: The model that judges: fast, and its probabilities are well calibrated.
_LINEAR = {
    "tfidf": {"word_ngrams": [1, 2], "char_ngrams": None, "min_df": 2, "max_features": 100_000},
    "c": 10.0,
    "class_weight": None,
    "max_iter": 100,
}


def judge(
    made: pd.DataFrame,
    train: pd.DataFrame,
    folds: pd.DataFrame,
    labels: list[str],
    *,
    method: str,
    fold: int,
    bar: float,
    inner_folds: int,
    seed: int,
    threads: int,
) -> pd.DataFrame:
    """Judge the made rows whose source is outside one fold.

    Parameters
    ----------
    made
        Made rows with their first ``verdict``; only those that were kept are judged.
    train
        ``id``, ``target``, ``text_a`` and perhaps ``text_b`` of all training rows, in the order of ``folds``, with the
        labels that a person gave and without the rows that a person dropped.
    folds
        ``id``, ``fold``, ``cluster``. Clusters stay together in the inner folds.
    bar
        Probability from which another label than the source's drops a row.

    Returns
    -------
    ``id``, ``verdict`` ("kept" or "sure of another label"), in the order of ``made``. A row of a class that the judging
    model never saw is kept.

    Raises
    ------
    UserError
        Fewer clusters outside the fold than ``inner_folds``.
    """
    if not train["id"].equals(folds["id"]):
        raise ValueError("train and folds must hold the same ids in the same order")
    outside = (folds["fold"] != fold).to_numpy()
    rows, clusters = train[outside].reset_index(drop=True), folds.loc[outside, "cluster"].to_numpy()
    groups = len(np.unique(clusters))
    if groups < inner_folds:
        raise UserError(
            f"augment.{method}.filter.inner_folds: {inner_folds} folds cannot be made of the {groups} independent "
            "groups of rows outside one fold; lower it"
        )
    own = derive(seed, "augment", method, fold)
    inner = make_folds(rows["target"].tolist(), None, clusters, n=inner_folds, seed=own)
    asked = made[(made["verdict"] == KEPT) & made["source_id"].isin(rows["id"])]
    place = asked["source_id"].map(pd.Series(rows.index, index=rows["id"])).to_numpy(dtype=np.int64)
    code = {label: number for number, label in enumerate(labels)}
    target = rows["target"].map(code).to_numpy(dtype=np.int64)
    wrong = np.zeros(len(asked), dtype=bool)
    for part in np.unique(inner):
        held = inner[place] == part
        if held.any():
            known = inner != part
            model = make("linear", _LINEAR, classes=len(labels), seed=own, device="cpu", threads=threads)
            model.fit(rows[known].reset_index(drop=True), target[known], np.ones(int(known.sum())))
            proba = model.predict(asked[held].reset_index(drop=True))
            given = target[place[held]]
            sure = (proba.argmax(axis=1) != given) & (proba.max(axis=1) >= bar)
            wrong[held] = sure & np.isin(given, target[known])
    log.info("fold %d: %d of %d made rows look like another class", fold, int(wrong.sum()), len(wrong))
    verdict = np.where(wrong, OTHER, KEPT)
    return pd.DataFrame({"id": asked["id"].to_numpy(), "verdict": verdict}).astype("str")
