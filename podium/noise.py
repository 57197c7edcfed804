"""Label noise found by confident learning, nested inside the training part of one fold (lineage rule 4)."""

import logging

import numpy as np
import pandas as pd

from podium.errors import UserError
from podium.folds import make_folds
from podium.models import make
from podium.predict import check
from podium.seeds import derive
from podium.stopwatch import measure

log = logging.getLogger(__name__)

# A fast, well-calibrated text model: only its out-of-sample probabilities are used
LINEAR = {
    "tfidf": {"word_ngrams": [1, 2], "char_ngrams": None, "min_df": 2, "max_features": 100_000},
    "c": 10.0,
    "class_weight": None,
    "max_iter": 100,
}


def nested_probabilities(
    rows: pd.DataFrame,
    target: np.ndarray,
    clusters: np.ndarray,
    *,
    classes: int,
    inner_folds: int,
    seed: int,
    threads: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-sample probabilities (N, K) of ``rows`` (N) by cross-validation among these rows alone.

    The second array (N,) bool says which rows can be judged: those whose class the inner model saw at all.
    ``target`` (N,) class indices; ``clusters`` (N,) labels of near-duplicates and groups, which stay together.
    """
    count = len(np.unique(clusters))
    if count < inner_folds:
        raise UserError(
            f"noise.inner_folds: {inner_folds} folds cannot be made of the {count} independent groups of rows outside "
            "one fold; lower it"
        )
    inner = make_folds([str(label) for label in target], None, clusters, n=inner_folds, seed=seed)
    proba, known = np.zeros((len(rows), classes)), np.zeros(len(rows), dtype=bool)
    for fold in range(inner_folds):
        held = inner == fold
        model = make("linear", LINEAR, classes=classes, seed=seed, device="cpu", threads=threads)
        model.fit(rows[~held].reset_index(drop=True), target[~held], np.ones(int((~held).sum())))
        proba[held] = model.predict(rows[held].reset_index(drop=True))
        known[held] = np.isin(target[held], target[~held])
    return proba, known


def find(target: np.ndarray, proba: np.ndarray, *, filter_by: str, max_share: float) -> pd.DataFrame:
    """Judge given labels (N,) against out-of-sample probabilities (N, K).

    Confident learning (Northcutt, Jiang and Chuang 2021, arXiv 1911.00068, section 3) as cleanlab has it.

    Returns
    -------
    ``suggested`` (class index of the highest probability), ``quality`` (probability of the given label,
    cleanlab's self-confidence, 0 to 1), ``pruned``: the label issues, at most ``max_share`` of the rows, the
    lowest quality first. The last row of a class is never pruned.
    """
    check(proba)
    quality = proba[np.arange(len(target)), target]
    issues = _issues(target, proba, filter_by)
    worst = np.flatnonzero(issues)[np.argsort(quality[issues], kind="stable")]
    pruned = np.zeros(len(target), dtype=bool)
    pruned[worst[: int(max_share * len(target))]] = True
    for label in np.unique(target[pruned]):
        members = np.flatnonzero(target == label)
        if pruned[members].all():
            pruned[members[np.argmax(quality[members])]] = False
    return pd.DataFrame({"suggested": proba.argmax(axis=1), "quality": quality, "pruned": pruned})


def _issues(target: np.ndarray, proba: np.ndarray, filter_by: str) -> np.ndarray:
    """Cleanlab's verdict (N,) bool; classes without a row are left out, as cleanlab wants every class present."""
    with measure("imports"):
        from cleanlab.filter import find_label_issues  # a second: only where it is used

    present, encoded = np.unique(target, return_inverse=True)
    if len(present) < 2:
        return np.zeros(len(target), dtype=bool)
    seen = proba[:, present]
    seen = seen / seen.sum(axis=1, keepdims=True)
    return np.asarray(find_label_issues(encoded, seen, filter_by=filter_by, n_jobs=1), dtype=bool)


def judge(
    train: pd.DataFrame,
    texts: pd.DataFrame,
    folds: pd.DataFrame,
    labels: list[str],
    *,
    fold: int,
    filter_by: str,
    inner_folds: int,
    max_share: float,
    seed: int,
    threads: int,
) -> pd.DataFrame:
    """The noise table of one fold: ``id``, ``given``, ``suggested``, ``quality``, ``pruned``.

    A row of a class that no other group of rows has cannot be judged: its quality is NaN, and it is kept.
    ``train`` (id, target), ``texts`` (id, text_a[, text_b]) and ``folds`` (id, fold, cluster) are in the same row
    order. No row of ``fold`` takes part, neither its text nor its label.
    """
    if not (train["id"].equals(texts["id"]) and train["id"].equals(folds["id"])):
        raise ValueError("train, texts and folds must hold the same ids in the same order")
    keep = (folds["fold"] != fold).to_numpy()
    code = {label: index for index, label in enumerate(labels)}
    target = train.loc[keep, "target"].map(code).to_numpy(dtype=np.int64)
    proba, known = nested_probabilities(
        texts[keep].reset_index(drop=True),
        target,
        folds.loc[keep, "cluster"].to_numpy(),
        classes=len(labels),
        inner_folds=inner_folds,
        seed=derive(seed, "noise", fold),
        threads=threads,
    )
    found = pd.DataFrame({"suggested": target, "quality": np.nan, "pruned": False})
    if known.any():
        judged = find(target[known], proba[known], filter_by=filter_by, max_share=max_share)
        found[known] = judged.set_axis(np.flatnonzero(known))
    log.info("fold %d: %d of %d rows pruned", fold, int(found["pruned"].sum()), len(found))
    names = pd.Series(labels, dtype="str")
    return pd.DataFrame(
        {
            "id": train.loc[keep, "id"].to_numpy(),
            "given": train.loc[keep, "target"].to_numpy(),
            "suggested": names[found["suggested"]].to_numpy(),
            "quality": found["quality"].astype("float32"),
            "pruned": found["pruned"],
        }
    )


def _most_frequent(verdicts: pd.DataFrame) -> pd.Series:
    """The label that most folds suggest for each id; ties to the first by name."""
    counts = verdicts.groupby(["id", "suggested"]).size().rename("folds").reset_index()
    ordered = counts.sort_values(["id", "folds", "suggested"], ascending=[True, False, True])
    return ordered.drop_duplicates("id").set_index("id")["suggested"]


def review(train: pd.DataFrame, tables: list[pd.DataFrame]) -> pd.DataFrame:
    """One row for each train row, worst first: what the folds' noise tables say of it.

    Columns ``id``, ``given``, ``suggested`` (by most folds, ties to the first), ``quality`` (mean over the folds
    that judged it), ``judged_in``, ``pruned_in`` (folds, space-separated), and the text.
    """
    parts = [table.assign(fold=fold) for fold, table in enumerate(tables)]
    verdicts = pd.concat(parts, ignore_index=True)
    verdicts["text_fold"] = verdicts["fold"].astype("str")
    by_id = verdicts.groupby("id", sort=False)
    pruned = verdicts[verdicts["pruned"]].groupby("id", sort=False)["text_fold"].agg(" ".join)
    summary = pd.DataFrame(
        {
            "given": by_id["given"].first(),
            "suggested": _most_frequent(verdicts),
            "quality": by_id["quality"].mean(),
            "judged_in": by_id["text_fold"].agg(" ".join),
        }
    )
    summary["pruned_in"] = pruned.reindex(summary.index).fillna("")
    texts = train.set_index("id")[[column for column in ("text_a", "text_b") if column in train.columns]]
    joined = summary.join(texts).reindex(train["id"]).reset_index()
    return joined.sort_values(["quality", "id"], kind="stable", ignore_index=True)
