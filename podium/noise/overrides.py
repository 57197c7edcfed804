"""A person's word on single rows: ``data/overrides.csv``, read and applied."""

import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from podium.errors import UserError, brief, hint
from podium.ingest_targets import number_of
from podium.tables import read_rows
from podium.targets import JOINT, TaskType, encode

log = logging.getLogger(__name__)

DROP = "drop"


def read_overrides(
    path: Path,
    ids: pd.Series,
    labels: list[str],
    *,
    type: TaskType,
    separator: str,
    task: str | None,
    tasks: Sequence[str] = (),
) -> pd.DataFrame:
    """Read ``id``, ``label`` of a person's table; return ``id``, ``drop`` (bool), ``label`` (as ``target``, or null).

    ``label`` is a class name, or the word drop. Several labels, or values of a regression, are joined by
    ``separator``; an empty cell of a multi-label task is a row without labels. In a task with a class named drop, the
    word is the class. Of several ``tasks`` the column ``task`` tells whose row it is; those of ``task`` are taken.

    Raises ``UserError``, one line, for the first of: a column that is not there, a name that is none of ``tasks``, an
    id twice or not among ``ids`` (N,), a label that is no class.
    """
    wanted = ["id", "label"] if task is None else ["id", "label", "task"]
    given = read_rows(path, columns=wanted, encoding=None, separator=None)
    if task is not None:
        _check_tasks(path, given, tasks)
        given = given[given["task"] == task]
    known = set(ids)
    twice = given["id"].duplicated()
    parse = _parser(labels, type, separator)
    found: list[str | None] = []
    for row, name, label, again in zip(given.index, given["id"], given["label"], twice, strict=True):
        where = f"{path}: row {row + 1} (id '{brief(name)}')"
        if name not in known:
            raise UserError(f"{where}: no training row has this id; write it as in the training file")
        if again:
            raise UserError(f"{where}: this id stands there more than once; keep one line of it")
        dropped = label.strip() == DROP and DROP not in labels
        try:
            found.append(None if dropped else parse(label))
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
    if DROP in labels:
        log.warning("%s: the task has a class named drop; the word means this class, no row is dropped", path)
    drop = pd.Series([label is None for label in found], dtype=bool)
    log.info("%s: %d rows dropped, %d rows given a label", path, drop.sum(), (~drop).sum())
    ids = given["id"].reset_index(drop=True)
    return pd.DataFrame({"id": ids, "drop": drop, "label": pd.Series(found, dtype="str")})


def _check_tasks(path: Path, given: pd.DataFrame, tasks: Sequence[str]) -> None:
    """Raise ``UserError`` for the first row whose ``task`` is none of ``tasks``: nobody else would miss it."""
    for row in given.index[~given["task"].isin(tasks)][:1]:
        name, task = given.at[row, "id"], given.at[row, "task"]
        raise UserError(
            f"{path}: row {row + 1} (id '{brief(name)}'): '{brief(task)}' is no task whose rows have labels; "
            f"{hint(task, tasks)}"
        )


def _parser(labels: list[str], type: TaskType, separator: str) -> Callable[[str], str]:
    """What turns one cell into a target text (``podium.targets``)."""

    def name(text: str) -> str:
        if text not in labels:
            offer = hint(text, [*labels, DROP])
            raise UserError(f"'{brief(text)}' is neither a class nor the word drop; {offer}")
        return text

    def names(text: str) -> str:
        parts = {name(part.strip()) for part in text.split(separator) if part.strip()}
        order = encode(sorted(parts), labels)
        return JOINT.join(labels[position] for position in sorted(order.tolist()))

    def values(text: str) -> str:
        parts = text.split(separator)
        numbers = [number_of(part) for part in parts]
        if len(numbers) != len(labels) or any(map(math.isnan, numbers)):
            raise UserError(
                f"'{brief(text)}' is neither the word drop nor {len(labels)} numbers joined by {separator}"
            )
        return JOINT.join(map(repr, numbers))

    if type == "regression":
        return values
    return names if type == "multi_label" else lambda text: text if text in labels else name(text.strip())


def apply(rows: pd.DataFrame, overrides: pd.DataFrame | None) -> pd.DataFrame:
    """Return ``rows`` (id, target, ...) with the labels that a person gave, without those that a person dropped."""
    if overrides is None:
        return rows
    kept = rows[~rows["id"].isin(overrides.loc[overrides["drop"], "id"])].reset_index(drop=True)
    given = overrides[~overrides["drop"]].set_index("id")["label"]
    return kept.assign(target=kept["id"].map(given).astype("str").fillna(kept["target"]))
