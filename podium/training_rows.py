"""The rows of one fold's training job, joined from the tables that its rule names."""

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd

from podium import train
from podium.augment import KEPT
from podium.augment.selection import select
from podium.files import read_table
from podium.lineage import Action, Select, training_table
from podium.models import KINDS
from podium.targets import TaskType
from podium.train import FoldData


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Inputs of the rules that train; lists are in the order of the names in ``Settings``."""

    rows: Path
    texts: Path
    folds: Path
    noise: Path | None = None
    overrides: Path | None = None
    augmented: list[Path] = dataclasses.field(default_factory=list)
    augmented_texts: list[Path] = dataclasses.field(default_factory=list)
    verdicts: list[Path] = dataclasses.field(default_factory=list)
    external: list[Path] = dataclasses.field(default_factory=list)
    external_texts: list[Path] = dataclasses.field(default_factory=list)
    pseudo: Path | None = None
    test_texts: Path | None = None
    unlabelled_texts: list[Path] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What of the config decides which rows are trained on.

    ``action``: what noise verdicts do. ``augment``: how made rows are chosen (``podium.augment.selection.select``), by
    augmentation; ``judged``: those with verdicts of the fold. ``external``, ``unlabelled``: names of the user's files.
    """

    action: Action | None
    augment: dict[str, dict[str, Any]]
    judged: list[str]
    external: list[str]
    unlabelled: list[str]
    pseudo_weight: float


def table_of(
    inputs: Inputs, settings: Settings, folds: pd.DataFrame, fold: int | None, *, same_as: pd.Series | None
) -> pd.DataFrame:
    """Return the training table of ``fold`` (``podium.lineage.training_table``)."""
    verdicts = dict(zip(settings.judged, inputs.verdicts, strict=True))
    augmented = [
        (_kept(read_table(path), verdicts.get(name)), _selector(settings.augment[name]))
        for name, path in zip(settings.augment, inputs.augmented, strict=True)
    ]
    external = {name: read_table(path) for name, path in zip(settings.external, inputs.external, strict=True)}
    return training_table(
        read_table(inputs.rows, columns=["id", "target"]),
        folds,
        fold,
        noise=None if inputs.noise is None else read_table(inputs.noise),
        action=settings.action or "prune",
        overrides=None if inputs.overrides is None else read_table(inputs.overrides),
        same_as=same_as,
        augmented=augmented,
        external=external,
        pseudo=None if inputs.pseudo is None else read_table(inputs.pseudo),
        pseudo_weight=settings.pseudo_weight,
    )


def fold_data(
    inputs: dict[str, Any],
    settings: dict[str, Any],
    fold: int,
    labels: list[str],
    type: TaskType,
    *,
    kind: str,
    hold_out: bool = True,
) -> FoldData:
    """What a model of ``kind`` is trained on and predicts; the fields of ``Inputs`` and ``Settings`` as mappings.

    Raises ``UserError`` when no row is left to train on.
    """
    files, chosen = Inputs(**inputs), Settings(**settings)
    folds, texts = read_table(files.folds), views(files, chosen)
    same_as = _same_as(texts["train"])
    table = table_of(files, chosen, folds, fold if hold_out else None, same_as=same_as)
    return train.fold_data(table, texts, folds, fold, labels, type, epochs=KINDS[kind].epochs)


def views(inputs: Inputs, settings: Settings) -> dict[str, pd.DataFrame]:
    """Tables of texts, or of token ids, by the ``part`` of a training table."""
    paths = {"train": inputs.texts}
    paths |= zip(settings.augment, inputs.augmented_texts, strict=True)
    paths |= zip(settings.external, inputs.external_texts, strict=True)
    if inputs.test_texts is not None:
        paths["test"] = inputs.test_texts
        paths |= zip(settings.unlabelled, inputs.unlabelled_texts, strict=True)
    return {part: read_table(path) for part, path in paths.items()}


def _kept(made: pd.DataFrame, verdicts: Path | None) -> pd.DataFrame:
    """Made rows that no filter dropped, in this fold neither; what is made of a held-out source has no verdict."""
    kept = made[made["verdict"] == KEPT]
    if verdicts is None:
        return kept
    judged = read_table(verdicts)
    return kept[~kept["id"].isin(judged.loc[judged["verdict"] != KEPT, "id"])]


def _selector(settings: dict[str, Any]) -> Select:
    return lambda made, target: select(made, target, **settings)


def _same_as(texts: pd.DataFrame) -> pd.Series | None:
    return texts.set_index("id")["same_as"] if "same_as" in texts.columns else None
