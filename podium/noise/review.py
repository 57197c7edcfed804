"""What a person reads of the noise stage: every row, the most doubtful label first, and a summary."""

from typing import Any

import numpy as np
import pandas as pd

from podium.targets import JOINT

PAIRS = 20
"""Confused pairs of labels in the summary."""

MODES = {
    "nested": "The verdicts used in a fold come from models that saw none of its rows: scores of models trained on "
    "cleaned rows stay honest.",
    "plain": "The verdicts used in a fold come from models that were trained on its labels, too: scores of models "
    "trained on cleaned rows can be too good. Trust `mode: nested` for them.",
}


def review(
    train: pd.DataFrame, tables: list[pd.DataFrame], beside: pd.DataFrame, overrides: pd.DataFrame | None
) -> pd.DataFrame:
    """One row for each train row, worst first: what the folds' noise tables say of it.

    Parameters
    ----------
    train
        ``id``, ``target``, ``text_a``, ``text_b`` of pairs.
    tables
        The noise table of each fold.
    beside
        ``id``, ``clash``, ``near_clash``, ``outlier``, ``outlying``, for some rows.
    overrides
        ``id``, ``drop``, ``label``, or None.

    Returns
    -------
    ``id``, ``given`` (with a person's label, where there is one), ``suggested`` (by most folds, ties to the first by
    name), ``confidence`` (mean of the folds that suggest it) and ``quality`` (mean), ``judged_in`` and ``pruned_in``
    (folds, space-separated), the columns of ``beside``, ``override`` ("drop", "label" or empty), and the text. Rows
    that were not judged come last.
    """
    parts = [table.assign(fold=str(fold)) for fold, table in enumerate(tables)]
    verdicts = pd.concat(parts, ignore_index=True).astype({"fold": "str"})
    by_id = verdicts[verdicts["quality"].notna()].groupby("id", sort=False)
    pruned = verdicts[verdicts["pruned"]].groupby("id", sort=False)["fold"].agg(" ".join)
    suggested = _most_frequent(verdicts)
    word = pd.Series("", index=train["id"], dtype="str")
    if overrides is not None and len(overrides):
        word[overrides["id"]] = np.where(overrides["drop"], "drop", "label")
    found = pd.DataFrame(index=train["id"])
    found["given"] = verdicts.drop_duplicates("id").set_index("id")["given"]
    found["given"] = found["given"].fillna(train.set_index("id")["target"])
    found["suggested"] = suggested["suggested"].reindex(found.index).fillna(found["given"])
    found["confidence"] = suggested["confidence"]
    found["quality"] = by_id["quality"].mean()
    found["judged_in"] = by_id["fold"].agg(" ".join).reindex(found.index).fillna("")
    found["pruned_in"] = pruned.reindex(found.index).fillna("")
    found = found.join(beside.set_index("id")).assign(override=word)
    found = found.fillna({"clash": "", "near_clash": ""})
    found["outlying"] = found["outlying"].eq(True)
    texts = [column for column in ("text_a", "text_b") if column in train.columns]
    joined = found.join(train.set_index("id")[texts]).reset_index()
    return joined.sort_values(["quality", "id"], kind="stable", ignore_index=True)


def _most_frequent(verdicts: pd.DataFrame) -> pd.DataFrame:
    """The label that most folds suggest for each id, and their mean ``confidence``; ties to the first by name."""
    grouped = verdicts.groupby(["id", "suggested"])["confidence"].agg(["size", "mean"]).reset_index()
    ordered = grouped.sort_values(["id", "size", "suggested"], ascending=[True, False, True])
    first = ordered.drop_duplicates("id").set_index("id")
    return first.rename(columns={"mean": "confidence"})[["suggested", "confidence"]]


def readable(reviewed: pd.DataFrame, separator: str) -> pd.DataFrame:
    """Return the review with the labels of a row joined by ``separator``, as a person writes them."""
    joined = {name: reviewed[name].str.replace(JOINT, separator) for name in ("given", "suggested")}
    return reviewed.assign(**joined)


def summarise(
    reviewed: pd.DataFrame,
    tables: list[pd.DataFrame],
    facts: list[dict[str, Any]],
    *,
    mode: str,
    models: list[str],
    separator: str,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Figures of the stage; ``facts`` are those of each fold (``podium.noise.judge``), ``settings`` the config's.

    A row counts as flagged or pruned where any fold's verdict says so. ``noise_rate`` is the mean over the folds of
    cleanlab's estimate of wrong labels (``podium.noise.issues.Verdicts``) by judged rows.
    """
    flagged = _ids(tables, "issue")
    rows = reviewed.assign(
        flagged=reviewed["id"].isin(flagged),
        pruned=reviewed["pruned_in"] != "",
        relabelled=reviewed["id"].isin(_ids(tables, "relabelled")),
    )
    counts = {name: int(rows[name].sum()) for name in ("flagged", "pruned", "relabelled")}
    rates = [fold["noise_rate"] for fold in facts if fold["noise_rate"] is not None]
    return {
        "mode": mode,
        "honest": mode == "nested",
        "what_it_means": MODES[mode],
        "models": models,
        **settings,
        "rows": len(rows),
        "judged": int(rows["quality"].notna().sum()),
        **counts,
        "noise_rate": round(float(np.mean(rates)), 6) if rates else None,
        "clashes": int((rows["clash"] != "").sum()),
        "near_clashes": int((rows["near_clash"] != "").sum()),
        "outliers": int(rows["outlying"].sum()),
        "overrides": {word: int((rows["override"] == word).sum()) for word in ("drop", "label")},
        "folds": [{"fold": number, **fold} for number, fold in enumerate(facts)],
        "classes": _classes(rows),
        "confused": _confused(rows, separator),
    }


def _ids(tables: list[pd.DataFrame], column: str) -> set[str]:
    return {name for table in tables for name in table.loc[table[column], "id"]}


def _classes(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows, flagged and pruned ones, of each given label; a multi-label row counts in each of its labels."""
    parted = rows.assign(label=rows["given"].str.split(JOINT)).explode("label")
    grouped = parted[parted["label"] != ""].groupby("label")[["flagged", "pruned", "relabelled"]]
    table = grouped.sum().assign(rows=grouped.size()).astype(int).reset_index()
    return table[["label", "rows", "flagged", "pruned", "relabelled"]].to_dict("records")


def _confused(rows: pd.DataFrame, separator: str) -> list[dict[str, Any]]:
    """The most frequent pairs of a given and another suggested label among flagged rows."""
    wrong = readable(rows[rows["flagged"] & (rows["given"] != rows["suggested"])], separator)
    pairs = wrong.groupby(["given", "suggested"]).size().rename("rows").reset_index()
    ordered = pairs.sort_values(["rows", "given", "suggested"], ascending=[False, True, True])
    return ordered.head(PAIRS).to_dict("records")
