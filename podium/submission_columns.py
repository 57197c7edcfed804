"""The columns of a multi-label or regression submission."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from podium.errors import UserError, hint
from podium.ingest_targets import names_of
from podium.predict import PREFIX
from podium.targets import TaskType, split, to_array

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Form:
    """What the config says of a submission.

    ``id`` is the column of ids; None where rows are numbered: the sample's rows are then taken in test order.
    ``target`` names the column of labels, or those of classes or values. ``label_separator`` stands between the labels
    of one column; ``probabilities`` says whether the metric reads them: then columns named like the classes of a
    multi-label task do not hold 0 and 1, and the one column of a task of two classes may not hold labels. ``ranked`` is
    how many labels of each row the metric of a single_label task reads, best first. ``free``
    says that labels are texts of any form.
    """

    id: str | None
    type: TaskType
    target: str | list[str]
    label_separator: str | None
    probabilities: bool
    ranked: int | None = None
    free: bool = False


def columns_of(
    others: Sequence[str] | None,
    predictions: pd.DataFrame,
    proba: pd.DataFrame | None,
    where: str,
    *,
    form: Form,
) -> dict[str, list[str]]:
    """Return the text (N) of each column to fill, in the order of ``predictions`` (N rows: ``id``, ``label``).

    ``others`` are the sample's columns beside the id, None where there is no sample. ``proba`` is the predictions
    table in the same order. Raises ``UserError``, which names ``where``, when the columns do not tell what goes there.
    """
    if form.type == "regression":
        names = names_of(form.target)
        found = dict(zip(names, _named(names, others, where), strict=True))
        parts = [split(text) for text in predictions["label"]]
        return {found[name]: [row[k] for row in parts] for k, name in enumerate(names)}
    assert proba is not None
    classes = [name.removeprefix(PREFIX) for name in proba if name.startswith(PREFIX)]
    joined = isinstance(form.target, str) and (others is None or form.target in others)
    if others is None and not joined:
        others = classes
    if not joined and others is not None and set(others) & set(classes):
        check_class_columns(where, others, classes)
        return _by_class([name for name in others if name in classes], classes, predictions, proba, form)
    name = str(form.target) if joined else _only(others or [], where)
    if form.label_separator is None:
        raise UserError(f"{where}: '{name}' takes all labels of a row: say what joins them (label_separator)")
    return {name: [form.label_separator.join(split(text)) for text in predictions["label"]]}


def check_class_columns(where: object, others: Sequence[str], classes: Sequence[str]) -> None:
    """Raise ``UserError`` for columns that are not named like a class where others are; warn of absent classes."""
    strange = [column for column in others if column not in classes]
    if strange:
        raise UserError(
            f"{where}: some columns are named like classes, but '{strange[0]}' is none; {hint(strange[0], classes)}"
        )
    lacking = [label for label in classes if label not in others]
    if lacking:
        _log.warning("%s has no column for the classes %s; they are left out", where, ", ".join(lacking[:5]))


def _by_class(
    wanted: list[str], classes: list[str], predictions: pd.DataFrame, proba: pd.DataFrame, form: Form
) -> dict[str, list[str]]:
    if not form.probabilities:
        flags = to_array(predictions["label"], classes, "multi_label").astype(int)
        return {name: [str(flag) for flag in flags[:, classes.index(name)]] for name in wanted}
    # numpy's own float32 scalars write 0.1 as 0.1
    return {name: [str(value) for value in proba[f"{PREFIX}{name}"].to_numpy()] for name in wanted}


def _named(names: list[str], others: Sequence[str] | None, where: str) -> list[str]:
    """The sample's column of each value."""
    if others is None or set(names) <= set(others):
        return names
    if len(names) == len(others) == 1:
        return list(others)
    missing = next(name for name in names if name not in others)
    raise UserError(f"{where}: no column '{missing}'; {hint(missing, others)}")


def _only(others: Sequence[str], where: str) -> str:
    if len(others) != 1:
        raise UserError(
            f"{where}: no column is named like a class, and there is not one alone for all labels, but {len(others)}"
        )
    return others[0]
