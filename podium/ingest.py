"""From a competition's own tables to the pipeline's: checked, renamed, every mistake told at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from podium import ingest_targets
from podium.errors import UserError, brief, hint
from podium.tables import columns_of, read_rows
from podium.targets import TaskType, sort_labels, to_text

SEGMENTS = ("text_a", "text_b")
_SHOWN = 3


@dataclass(frozen=True)
class Ingested:
    """The pipeline's tables.

    Attributes
    ----------
    train
        ``id``, ``text_a``, [``text_b``], ``target``, [``group``], all ``str``, rows in the file's order.
    test
        ``id``, ``text_a``, [``text_b``].
    labels
        Class names in order (:func:`podium.targets.sort_labels`, or that of the config), or names of the value columns.
    missing
        For "train" and "test": empty values of each of the user's columns that were read.
    type
        Type of the task.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    labels: list[str]
    missing: dict[str, dict[str, int]]
    type: TaskType


def needed(
    *, id: str | None, text: Sequence[str | list[str]], target: str | list[str] | None, group: str | None
) -> list[str]:
    """Columns that a file must have, each once; ``target`` and ``group`` are None for test."""
    segments = ([segment] if isinstance(segment, str) else segment for segment in text)
    names = [id, *chain(*segments), *ingest_targets.names_of(target), group]
    return list(dict.fromkeys(name for name in names if name is not None))


def column_mistakes(where: str, columns: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """One clause for each wanted column that is missing, with the closest name there is."""
    present = list(columns)
    return [
        f"{where} has no column '{brief(name)}' ({hint(name, present)})"
        for name in wanted
        if name not in present
    ]


def from_files(
    train: Path,
    test: Path,
    sample: Path | None,
    *,
    id: str | None,
    text: Sequence[str | list[str]],
    type: TaskType,
    target: str | list[str],
    label_separator: str | None,
    group: str | None,
    encoding: str | None,
    separator: str | None,
    columns: list[str] | None,
) -> Ingested:
    """Read the user's files and :func:`ingest` them; the sample's form is found by itself."""
    form: dict[str, Any] = {"encoding": encoding, "separator": separator, "columns": columns}
    rows = read_part(train, needed(id=id, text=text, target=target, group=group), **form)
    tested = read_part(test, needed(id=id, text=text, target=None, group=None), **form)
    shown = read_sample(sample)
    try:
        return ingest(
            rows,
            tested,
            id=id,
            text=text,
            type=type,
            target=target,
            label_separator=label_separator,
            group=group,
            sample=shown,
        )
    except UserError as error:
        files = ", ".join(str(path) for path in (train, test, sample) if path)
        raise UserError(f"{files}: {error}") from error


def read_part(
    path: Path, wanted: list[str], *, encoding: str | None, separator: str | None, columns: list[str] | None
) -> pd.DataFrame:
    """Read the ``wanted`` columns of a user's file; all columns when one is missing, to tell what is there.

    ``columns`` are those of a file without a header line, None where it has one.
    """
    present = columns_of(path, encoding=encoding, separator=separator, names=columns)
    known = wanted if set(wanted) <= set(present) else None
    return read_rows(path, columns=known, encoding=encoding, separator=separator, names=columns)


def read_sample(sample: Path | None) -> pd.DataFrame | None:
    """Read the sample submission, whose form is found by itself."""
    return read_rows(sample, columns=None, encoding=None, separator=None) if sample else None


def ingest(
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    id: str | None,
    text: Sequence[str | list[str]],
    type: TaskType,
    target: str | list[str],
    label_separator: str | None,
    group: str | None,
    sample: pd.DataFrame | None,
) -> Ingested:
    """Check a task's tables and give them the pipeline's columns.

    Ids may stand in both files (many competitions number each from 0) but only once in either.

    Parameters
    ----------
    train, test
        The user's rows as text (:func:`podium.tables.read_rows`); test needs no target and no group.
    id
        Column of ids; None numbers the rows of each file "0", "1", ...
    text
        One or two segments; one that is a list of columns is joined by a space, empty values skipped.
    type, target, label_separator
        single_label: the column of labels. multi_label: columns of 0 and 1 (a list, their names are the labels), or
        one column of labels with ``label_separator`` between them, empty for none. regression: one or several columns
        of numbers.
    group
        Column of groups that must stay in one fold.
    sample
        Rows of the sample submission, if there is one: the same ids as test, in any order.

    Raises
    ------
    UserError
        All mistakes in one line: missing columns, no rows, empty or repeated ids, targets that are empty, unreadable
        or all the same, a sample whose ids are not those of test.
    """
    mistakes = train_mistakes(
        train, id=id, text=text, type=type, target=target, label_separator=label_separator, group=group
    )
    mistakes += test_mistakes(test, id=id, text=text, sample=sample)
    if mistakes:
        raise UserError("; ".join(mistakes))
    missing = {
        part: {name: int((table[name] == "").sum()) for name in names}
        for part, table, names in (
            ("train", train, needed(id=id, text=text, target=target, group=group)),
            ("test", test, needed(id=id, text=text, target=None, group=None)),
        )
    }
    table, labels = train_table(
        train, id=id, text=text, type=type, target=target, label_separator=label_separator, group=group
    )
    return Ingested(table, renamed(test, id=id, text=text), labels, missing, type)


def train_mistakes(
    train: pd.DataFrame,
    *,
    id: str | None,
    text: Sequence[str | list[str]],
    type: TaskType,
    target: str | list[str],
    label_separator: str | None,
    group: str | None,
) -> list[str]:
    """What is wrong with the training rows, a clause each."""
    if not 1 <= len(text) <= len(SEGMENTS):
        raise ValueError(f"text has {len(text)} segments, expected one or two")
    mistakes = column_mistakes("train", train, needed(id=id, text=text, target=target, group=group))
    mistakes += id_mistakes("train", train, id)
    if type == "single_label":
        return mistakes + _target_mistakes(train, id, _one(target))
    return mistakes + ingest_targets.mistakes(
        "train", train, target, type=type, separator=label_separator, varied=True
    )


def test_mistakes(
    test: pd.DataFrame, *, id: str | None, text: Sequence[str | list[str]], sample: pd.DataFrame | None
) -> list[str]:
    """What is wrong with the test rows and the sample submission, a clause each."""
    mistakes = column_mistakes("test", test, needed(id=id, text=text, target=None, group=None))
    mistakes += id_mistakes("test", test, id)
    return mistakes + (_sample_mistakes(sample, test, id) if sample is not None else [])


def check_test(
    rows: pd.DataFrame, test: Path, sample: Path | None, *, id: str | None, text: Sequence[str | list[str]]
) -> None:
    """Raise ``UserError`` with what is wrong with the rows of the file ``test``, or with the file ``sample``."""
    mistakes = test_mistakes(rows, id=id, text=text, sample=read_sample(sample))
    if mistakes:
        files = f"{test} and {sample}" if sample is not None else f"{test}"
        raise UserError(f"{files}: {'; '.join(mistakes)}")


def train_table(
    train: pd.DataFrame,
    *,
    id: str | None,
    text: Sequence[str | list[str]],
    type: TaskType,
    target: str | list[str],
    label_separator: str | None,
    group: str | None,
) -> tuple[pd.DataFrame, list[str]]:
    """Checked training rows in the pipeline's form, and the names of the classes or values.

    Columns: ``id``, ``text_a``, [``text_b``], ``target`` (text, see :mod:`podium.targets`), [``group``].
    """
    table = renamed(train, id=id, text=text)
    if type == "single_label":
        labels = sort_labels(train[_one(target)])
        table["target"] = train[_one(target)].to_numpy()
    else:
        labels, array = ingest_targets.parse(train, target, type=type, separator=label_separator)
        table["target"] = pd.Series(to_text(array, labels), dtype="str")
    if group is not None:
        table["group"] = train[group].to_numpy()
    return table, labels


def _one(target: str | list[str]) -> str:
    """The one target column of a single-label task."""
    (name,) = ingest_targets.names_of(target)
    return name


def _ids(table: pd.DataFrame, id: str | None) -> pd.Series:
    """Ids of a table whose id column is there."""
    if id is None:
        return pd.Series([str(row) for row in range(len(table))], dtype="str")
    return table[id].reset_index(drop=True)


def id_mistakes(part: str, table: pd.DataFrame, id: str | None) -> list[str]:
    """What is wrong with the rows' ids, a clause each; a missing column is skipped."""
    if table.empty:
        return [f"{part} has no rows"]
    if id is None or id not in table:
        return []
    ids = table[id]
    found = []
    if empty := int((ids.str.strip() == "").sum()):
        found.append(f"{part} has {empty} rows without an id in '{id}'")
    repeated = ids[ids.duplicated() & (ids.str.strip() != "")].drop_duplicates()
    if len(repeated):
        found.append(f"{part} has {len(repeated)} ids more than once in '{id}'{_first(repeated)}")
    return found


def _target_mistakes(train: pd.DataFrame, id: str | None, target: str) -> list[str]:
    if target not in train or train.empty:
        return []
    labels = train[target].reset_index(drop=True)
    empty = labels.str.strip() == ""
    found = []
    if empty.any():
        ids = _ids(train, id) if id is None or id in train else pd.Series(range(len(train))).astype("str")
        found.append(f"train has {int(empty.sum())} rows with an empty '{target}'{_first(ids[empty])}")
    classes = labels[~empty].unique()
    if len(classes) < 2:
        only = f" (all are '{brief(classes[0])}')" if len(classes) else ""
        found.append(f"'{target}' has fewer than two classes in train{only}")
    return found


def _sample_mistakes(sample: pd.DataFrame, test: pd.DataFrame, id: str | None) -> list[str]:
    if id is None:
        if len(sample) != len(test):
            return [f"the sample has {len(sample)} rows, test has {len(test)}"]
        return []
    if id not in sample:
        return column_mistakes("the sample", sample, [id])
    if id not in test:
        return []
    found = []
    repeated = sample[id][sample[id].duplicated()].drop_duplicates()
    if len(repeated):
        found.append(f"the sample has {len(repeated)} ids more than once{_first(repeated)}")
    lacking = test[id][~test[id].isin(sample[id])]
    if len(lacking):
        found.append(f"the sample lacks {len(lacking)} ids of test{_first(lacking)}")
    unknown = sample[id][~sample[id].isin(test[id])]
    if len(unknown):
        found.append(f"the sample has {len(unknown)} ids that test lacks{_first(unknown)}")
    return found


def _first(values: pd.Series) -> str:
    """The first few values, to name them in a message."""
    shown = ", ".join(f"'{brief(value)}'" for value in values.head(_SHOWN))
    return f" ({shown}{', ...' if len(values) > _SHOWN else ''})"


def renamed(table: pd.DataFrame, *, id: str | None, text: Sequence[str | list[str]]) -> pd.DataFrame:
    """The pipeline's columns of checked rows: ``id``, ``text_a``, [``text_b``]."""
    columns = {"id": _ids(table, id)}
    for name, segment in zip(SEGMENTS, text, strict=False):
        columns[name] = (
            table[segment].reset_index(drop=True) if isinstance(segment, str) else _joined(table, segment)
        )
    return pd.DataFrame(columns)


def _joined(table: pd.DataFrame, columns: list[str]) -> pd.Series:
    rows = zip(*(table[column] for column in columns), strict=True)
    return pd.Series([" ".join(value for value in row if value.strip()) for row in rows], dtype="str")
