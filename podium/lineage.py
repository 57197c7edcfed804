"""Which rows a fold's model is trained on: the rules of lineage, as one pure function.

Rules (docs/design.md, "Honest scores"): near-duplicates stay in one fold (the folds stage sees to it);
a validation row is never pruned, relabelled or augmented, and what was made from row i is trained on
only where i itself could be; pruning verdicts come from outside the fold's validation rows; pseudo-labels
come from models of the same fold.
"""

import pandas as pd

COLUMNS = ["id", "source_id", "made_by", "target", "weight"]


def training_table(
    train: pd.DataFrame,
    folds: pd.DataFrame,
    fold: int | None,
    *,
    noise: pd.DataFrame | None = None,
    augmented: list[pd.DataFrame] | None = None,
    pseudo: pd.DataFrame | None = None,
    pseudo_weight: float = 1.0,
) -> pd.DataFrame:
    """Return the rows that the model of ``fold`` is trained on; None holds no fold out, for a model without a score.

    Parameters
    ----------
    train
        ``id``, ``target``.
    folds
        ``id``, ``fold`` of every train row.
    noise
        The noise stage's table of this fold: ``id``, ``pruned``; it may hold no row of the fold itself.
    augmented
        Tables of made rows: ``id``, ``source_id``, ``made_by``.
    pseudo
        Pseudo-labels made by this fold's models: ``id``, ``label``, ``accepted``.
    pseudo_weight
        Weight of a pseudo-labelled row; all other rows weigh 1.

    Returns
    -------
    Columns ``id``, ``source_id`` (the row it was made from, itself for a real row), ``made_by``
    ("train", the name of an augmentation, "pseudo"), ``target``, ``weight``; in the order of ``train``, then
    of ``augmented``, then of ``pseudo``.

    Raises
    ------
    ValueError
        When a table breaks the contract: a train row without a fold, a verdict on a validation row, a made
        row without a source.
    """
    fold_of = folds.set_index("id")["fold"]
    if not fold_of.index.is_unique or not train["id"].isin(fold_of.index).all():
        raise ValueError("folds must hold every train id exactly once")
    outside = train if fold is None else train[train["id"].map(fold_of).ne(fold)]
    if noise is not None:
        if not noise["id"].isin(outside["id"]).all():
            raise ValueError(f"the noise table of fold {fold} judges rows that it may not see")
        outside = outside[~outside["id"].isin(noise.loc[noise["pruned"], "id"])]
    parts = [_rows(outside["id"], outside["id"], "train", outside["target"], 1.0)]
    target_of = train.set_index("id")["target"]
    for table in augmented or []:
        if not table["source_id"].isin(target_of.index).all():
            raise ValueError("an augmented row has a source that is not in train")
        made = table[table["source_id"].isin(outside["id"])]
        parts.append(
            _rows(made["id"], made["source_id"], made["made_by"], made["source_id"].map(target_of), 1.0)
        )
    if pseudo is not None:
        taken = pseudo[pseudo["accepted"]]
        parts.append(_rows(taken["id"], taken["id"], "pseudo", taken["label"], pseudo_weight))
    return pd.concat(parts, ignore_index=True)


def _rows(
    ids: pd.Series, sources: pd.Series, made_by: pd.Series | str, target: pd.Series, weight: float
) -> pd.DataFrame:
    columns = {"id": ids, "source_id": sources, "made_by": made_by, "target": target, "weight": weight}
    return pd.DataFrame(columns, columns=COLUMNS).astype({"made_by": "str", "weight": "float64"})
