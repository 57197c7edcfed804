"""Which rows a fold's model is trained on: the rules of lineage, as one pure function.

Rules (docs/design.md, "Honest scores"): near-duplicates stay in one fold (the folds stage sees to it);
a validation row is never pruned, relabelled or augmented, and what was made from row i is trained on
only where i itself could be; verdicts on labels come from outside the fold's validation rows; pseudo-labels
come from models of the same fold; rows from other files are left out where they resemble a validation row.
"""

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from podium.predict import PREFIX

COLUMNS = ["id", "source_id", "made_by", "part", "target", "weight", "draw", "draws"]
Action = Literal["prune", "relabel", "weight"]

#: Chooses among the rows that an augmentation made (first argument) of rows whose labels, by id, the second has.
Select = Callable[[pd.DataFrame, pd.Series], pd.DataFrame]


def training_table(
    train: pd.DataFrame,
    folds: pd.DataFrame,
    fold: int | None,
    *,
    noise: pd.DataFrame | None = None,
    action: Action = "prune",
    overrides: pd.DataFrame | None = None,
    same_as: pd.Series | None = None,
    augmented: list[tuple[pd.DataFrame, Select]] | None = None,
    external: dict[str, pd.DataFrame] | None = None,
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
        The noise stage's table of this fold: ``id``, ``pruned``, ``relabelled``, ``suggested``, ``quality``; it may
        hold no row of the fold itself.
    action
        What its verdicts do: leave rows out, give them the suggested label, or weigh every row by its quality as a
        multiple of the mean of its label's rows (else rare labels, of which models are less sure, would count less).
    overrides
        A person's word: ``id``, ``drop``, ``label``. It stands above the noise stage's.
    same_as
        For each train row, by id, the first row of equal text: of rows of equal text and label one is kept.
    augmented
        Tables of made rows, ``id``, ``source_id``, ``made_by`` (``draw`` where each epoch has its own), and what
        chooses among those whose source is trained on.
    external
        Rows of other files by the file's name: ``id``, ``target``, ``weight``, ``twins`` (folds with a near-duplicate).
    pseudo
        Pseudo-labels made by this fold's models: ``id``, ``label``, ``accepted``, ``part`` (``test`` where not given),
        and ``p:CLASS`` for each class where they are soft.
    pseudo_weight
        Weight of a pseudo-labelled row.

    Returns
    -------
    ``id``, ``source_id`` (the row it was made from, itself for a real row), ``made_by`` ("train", the name of an
    augmentation or of an external file, "pseudo"), ``part`` (the table that has its text), ``target``, ``weight`` (a
    made row has its source's), ``draw`` and ``draws`` (a row is trained on in the epochs e with e mod draws = draw),
    and with soft pseudo-labels ``p:CLASS``, empty for rows whose label is hard; in the order of ``train``, then of
    ``augmented``, ``external``, ``pseudo``.

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
    outside = outside[["id", "target"]].assign(weight=1.0)
    if noise is not None and not noise["id"].isin(outside["id"]).all():
        raise ValueError(f"the noise table of fold {fold} judges rows that it may not see")
    if overrides is not None:
        outside = _overridden(outside, overrides)
        noise = None if noise is None else noise[~noise["id"].isin(overrides["id"])]
    if noise is not None:
        outside = _cleaned(outside, noise, action)
    if same_as is not None:
        outside = _single(outside, same_as)
    parts = [_rows(outside["id"], outside["id"], "train", "train", outside["target"], outside["weight"])]
    for made, select in augmented or []:
        parts.append(_augmented(made, select, outside, train))
    for name, table in (external or {}).items():
        near = np.array([fold in set(twins) for twins in table["twins"]], dtype=bool)
        kept = table[~near]
        parts.append(_rows(kept["id"], kept["id"], name, name, kept["target"], kept["weight"]))
    if pseudo is not None:
        taken = pseudo[pseudo["accepted"]]
        part = taken["part"] if "part" in taken.columns else "test"
        rows = _rows(taken["id"], taken["id"], "pseudo", part, taken["label"], pseudo_weight)
        soft = [column for column in taken.columns if column.startswith(PREFIX)]
        parts.append(pd.concat([rows, taken[soft]], axis=1) if soft else rows)
    return pd.concat(parts, ignore_index=True)


def _overridden(rows: pd.DataFrame, overrides: pd.DataFrame) -> pd.DataFrame:
    """Rows with the labels that a person gave, without those that a person dropped."""
    word = overrides.set_index("id")
    rows = rows[~rows["id"].isin(word.index[word["drop"]])]
    return _with_labels(rows, word.loc[~word["drop"], "label"])


def _cleaned(rows: pd.DataFrame, noise: pd.DataFrame, action: Action) -> pd.DataFrame:
    """Rows after the verdicts of the noise stage."""
    if action == "prune":
        return rows[~rows["id"].isin(noise.loc[noise["pruned"], "id"])]
    verdicts = noise.set_index("id")
    if action == "relabel":
        return _with_labels(rows, verdicts.loc[verdicts["relabelled"], "suggested"])
    if action == "weight":  # a row that could not be judged counts in full, and so does each label as a whole
        quality = rows["id"].map(verdicts["quality"]).astype("float64")
        usual = quality.groupby(rows["target"]).transform("mean")
        return rows.assign(weight=(quality / usual).fillna(1.0))
    raise ValueError(f"action {action!r} is none of {get_args(Action)}")


def _with_labels(rows: pd.DataFrame, label_of: pd.Series) -> pd.DataFrame:
    """Rows with the labels of ``label_of`` (by id) where it has one."""
    named = rows["id"].isin(label_of.index)
    target = rows["target"].astype("object")
    target[named] = label_of.reindex(rows.loc[named, "id"]).to_numpy(dtype=object)
    return rows.assign(target=target.astype(rows["target"].dtype))


def _single(rows: pd.DataFrame, same_as: pd.Series) -> pd.DataFrame:
    """The first of the rows of equal text and label."""
    keys = pd.DataFrame({"text": rows["id"].map(same_as), "label": rows["target"]})
    return rows[~keys.duplicated()]


def _augmented(
    made: pd.DataFrame, select: Select, outside: pd.DataFrame, train: pd.DataFrame
) -> pd.DataFrame:
    """What one augmentation made of the rows outside the fold."""
    if not made["source_id"].isin(train["id"]).all():
        raise ValueError("an augmented row has a source that is not in train")
    source = outside.set_index("id")
    taken = select(made[made["source_id"].isin(source.index)], source["target"])
    draw = taken["draw"] if "draw" in taken.columns else 0
    draws = int(made["draw"].max()) + 1 if "draw" in made.columns and len(made) else 1
    target, weight = (taken["source_id"].map(source[column]) for column in ("target", "weight"))
    return (
        _rows(taken["id"], taken["source_id"], taken["made_by"], taken["made_by"], target, weight)
        .assign(draw=draw, draws=draws)
        .astype({"draw": "int32", "draws": "int32"})
    )


def _rows(
    ids: pd.Series,
    sources: pd.Series,
    made_by: pd.Series | str,
    part: pd.Series | str,
    target: pd.Series,
    weight: pd.Series | float,
) -> pd.DataFrame:
    columns: dict[str, Any] = {"id": ids, "source_id": sources, "made_by": made_by, "part": part}
    columns |= {"target": target, "weight": weight, "draw": 0, "draws": 1}
    types = {"made_by": "str", "part": "str", "weight": "float64", "draw": "int32", "draws": "int32"}
    return pd.DataFrame(columns, columns=COLUMNS).astype(types)
