"""Rows of files beside train and test: checked like those, with their labels in the task's own words."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from podium import ingest_targets
from podium.errors import UserError, brief, hint
from podium.ingest import column_mistakes, id_mistakes, needed, read_part, renamed
from podium.ingest_targets import labels_of, names_of
from podium.tables import columns_of
from podium.targets import TaskType, to_text

_SHOWN = 3
log = logging.getLogger(__name__)


def id_column(present: Iterable[str], id: str | None, task_id: str | None) -> str | None:
    """Column of a file's ids: the one named, else the task's where the file has it; None numbers the rows."""
    return task_id if id is None and task_id in set(present) else id


def read(
    path: Path,
    *,
    id: str | None,
    task_id: str | None,
    text: Sequence[str | list[str]],
    target: str | list[str] | None,
    encoding: str | None,
    separator: str | None,
    columns: list[str] | None,
) -> tuple[pd.DataFrame, str | None]:
    """Read a file's rows as text, and its column of ids (``id_column``).

    ``target`` is None without labels, ``columns`` where the file has a header line.
    """
    present = columns_of(path, encoding=encoding, separator=separator, names=columns)
    own = id_column(present, id, task_id)
    wanted = needed(id=own, text=text, target=target, group=None)
    return read_part(path, wanted, encoding=encoding, separator=separator, columns=columns), own


def unlabelled_table(
    where: str, rows: pd.DataFrame, *, id: str | None, text: Sequence[str | list[str]]
) -> pd.DataFrame:
    """Check rows and return ``id``, ``text_a``, [``text_b``]; raise ``UserError`` with every mistake."""
    _refuse(row_mistakes(where, rows, id=id, text=text, target=None))
    return renamed(rows, id=id, text=text)


def external_table(
    where: str,
    rows: pd.DataFrame,
    *,
    id: str | None,
    text: Sequence[str | list[str]],
    type: TaskType,
    target: str | list[str],
    label_separator: str | None,
    label_map: Mapping[str, str | None],
    labels: Sequence[str],
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Check labelled rows and bring them into the pipeline's form.

    Parameters
    ----------
    where
        The config's key of the file, for messages.
    rows
        The file's rows as text.
    id, text
        Columns; ``id`` None numbers the rows.
    type, target, label_separator
        How the file tells its labels or values (``podium.ingest.ingest``).
    label_map
        Their label: the task's, or None to leave it out.
    labels
        Class names of the task, or names of its value columns.

    Returns
    -------
    ``id``, ``text_a``, [``text_b``], ``target`` in the words of ``labels``, rows in the file's order, and how many rows
    had each label that was left out: of a single-label task these rows are gone, of a multi-label task the label is.

    Raises
    ------
    UserError
        All mistakes in one line, unknown labels with the closest of the task's.
    """
    found = row_mistakes(where, rows, id=id, text=text, target=target)
    found += target_mistakes(
        where,
        rows,
        type=type,
        target=target,
        label_separator=label_separator,
        label_map=label_map,
        labels=labels,
    )
    _refuse(found)
    table = renamed(rows, id=id, text=text)
    if type == "regression":
        values = ingest_targets.parse(rows, target, type=type, separator=None)[1]
        return table.assign(target=_strings(to_text(values, labels))), {}
    if type == "single_label":
        theirs = rows[names_of(target)[0]].reset_index(drop=True)
        dropped = theirs.isin([label for label, ours in label_map.items() if ours is None])
        counts = theirs[dropped].value_counts(sort=False)
        mapped = theirs.map({label: label_map.get(label, label) for label in theirs.unique()})
        if dropped.all():
            raise UserError(
                f"{where}.labels: every row has a label that is mapped to null; take the file out"
            )
        kept = table.assign(target=mapped)[~dropped].astype({"target": "str"}).reset_index(drop=True)
        return kept, _counted(counts)
    names, flags = ingest_targets.parse(rows, target, type=type, separator=label_separator)
    missing = set(labels) - {label_map.get(name, name) for name in names}
    if missing and not isinstance(target, str):
        log.warning("%s has no column for %s: no row of it has these labels", where, sorted(missing))
    ours = np.zeros((len(flags), len(labels)), dtype=np.float32)
    position = {label: k for k, label in enumerate(labels)}
    counts = {}
    for name, column in zip(names, flags.T, strict=True):
        label = label_map.get(name, name)
        if label is None:
            counts[name] = int(column.sum())
        else:
            ours[:, position[label]] = np.maximum(ours[:, position[label]], column)
    return table.assign(target=_strings(to_text(ours, labels))), _counted(counts)


def row_mistakes(
    where: str,
    rows: pd.DataFrame,
    *,
    id: str | None,
    text: Sequence[str | list[str]],
    target: str | list[str] | None,
) -> list[str]:
    """What is wrong with a file's columns and ids, a clause each."""
    wanted = needed(id=id, text=text, target=target, group=None)
    return column_mistakes(where, rows, wanted) + id_mistakes(where, rows, id)


def target_mistakes(
    where: str,
    rows: pd.DataFrame,
    *,
    type: TaskType,
    target: str | list[str],
    label_separator: str | None,
    label_map: Mapping[str, str | None],
    labels: Sequence[str],
) -> list[str]:
    """What is wrong with a file's targets and its label map, a clause each; a missing column is skipped."""
    if rows.empty or not set(names_of(target)) <= set(rows.columns):
        return []
    if type != "single_label":
        found = ingest_targets.mistakes(
            where, rows, target, type=type, separator=label_separator, varied=False
        )
        if found or type == "regression":
            return found
    counts = label_counts(rows, type=type, target=target, separator=label_separator)
    return [*_map_mistakes(where, label_map, labels), *_unknown(where, counts, label_map, labels)]


def label_counts(
    rows: pd.DataFrame, *, type: TaskType, target: str | list[str], separator: str | None
) -> dict[str, int]:
    """How many rows have each label, in the order of first rows; of a list of columns these are the labels."""
    if not isinstance(target, str):
        return dict.fromkeys(target, len(rows))
    texts = rows[target].value_counts(sort=False)
    if type == "single_label":
        return _counted(texts)
    counts: dict[str, int] = {}
    for text, times in texts.items():
        for label in labels_of(str(text), separator):
            counts[label] = counts.get(label, 0) + int(times)
    return counts


def _map_mistakes(where: str, label_map: Mapping[str, str | None], labels: Sequence[str]) -> Iterator[str]:
    for theirs, ours in label_map.items():
        if ours is not None and ours not in labels:
            close = hint(ours, labels)
            yield f"{where}.labels: '{theirs}' is mapped to '{ours}', which is no label of the task; {close}"


def _unknown(
    where: str, counts: dict[str, int], label_map: Mapping[str, str | None], labels: Sequence[str]
) -> Iterator[str]:
    """Labels that are neither in the map nor the task's: a clause for each of the first few."""
    known = {*label_map, *labels}
    unknown = {label: rows for label, rows in counts.items() if label not in known}
    for label, rows in list(unknown.items())[:_SHOWN]:
        if label.strip():
            yield f"{where}: '{brief(label)}' ({rows} rows) is no label of the task ({hint(label, labels)})"
        else:
            yield f"{where}: {rows} rows have an empty label"
    more = f"{len(unknown) - _SHOWN} more labels are unknown; " if len(unknown) > _SHOWN else ""
    if unknown:
        yield f"{more}name them in {where}.labels, with the task's label or null to leave them out"


def _counted(counts: Mapping[str, int] | pd.Series) -> dict[str, int]:
    return {str(label): int(rows) for label, rows in counts.items()}


def _strings(values: list[str]) -> pd.Series:
    return pd.Series(values, dtype="str")


def _refuse(mistakes: list[str]) -> None:
    if mistakes:
        raise UserError("; ".join(mistakes))
