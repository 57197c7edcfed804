"""What one fold's model of a span task is trained on, by the rules of ``podium.lineage``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from podium import train
from podium.augment import KEPT
from podium.errors import UserError
from podium.files import read_table
from podium.lineage import training_table
from podium.span.answers import decode, trainable
from podium.train import FoldData


def fold_data(
    *,
    rows: Path,
    folds: Path,
    fold: int | None,
    rows_of: Mapping[str, Any],
    augmented: Sequence[Path] | None,
    pseudo: Path | None,
    test: Path | None,
) -> FoldData:
    """Join the rows of ``fold`` (None: of a model for which none is held out) with their texts and targets.

    ``rows_of`` has ``augment``, how many copies of each row are taken by the augmentation's name, and
    ``pseudo_weight``. ``augmented`` are the tables of made rows in that order, as ``podium.augment`` writes them, with
    a ``target`` where the answers have moved. ``pseudo`` and ``test`` are the answered test rows and their texts. Of
    the result ``target`` are target texts (``podium.span.answers``), ``held_out`` has no target. Raises ``UserError``
    when nothing can be learned from.
    """
    own, dealt = read_table(rows), read_table(folds)
    copies = zip(rows_of["augment"].items(), augmented or [], strict=True)
    made = {name: _kept(read_table(path), count) for (name, count), path in copies}
    table = training_table(
        own[["id", "target"]],
        dealt,
        fold,
        augmented=[(part, lambda given, target: given) for part in made.values()],
        pseudo=None if pseudo is None else read_table(pseudo),
        pseudo_weight=rows_of["pseudo_weight"],
    )
    for part in made.values():
        if "target" in part.columns:
            moved = part.set_index("id")["target"]
            ours = table["id"].isin(moved.index) & (table["made_by"] == part["made_by"].iloc[0])
            table.loc[ours, "target"] = moved.loc[table.loc[ours, "id"]].to_numpy()
    if not any(trainable(decode(target)) for target in table["target"]):
        raise UserError(f"train: fold {fold} has no question to learn from; use fewer folds")
    texts = {"train": own, **made} | ({} if test is None else {"test": read_table(test)})
    views = {name: part[["id", "text_a", "text_b"]] for name, part in texts.items()}
    held = dealt.loc[dealt["fold"] == fold, "id"]
    return FoldData(
        rows=train.texts_of(table, views).assign(
            cluster=train.clusters_of(table, dealt), real=(table["made_by"] == "train").to_numpy()
        ),
        target=table["target"].to_numpy(dtype=object),
        weight=table["weight"].to_numpy(dtype="float64", copy=True),
        held_out=views["train"].set_index("id").loc[held].reset_index(),
        table=table,
    )


def _kept(made: pd.DataFrame, copies: int) -> pd.DataFrame:
    return made[(made["verdict"] == KEPT) & (made["draw"] == 0) & (made["copy"] <= copies)]
