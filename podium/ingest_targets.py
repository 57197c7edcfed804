"""Multi-label and regression targets of a user's file: what is wrong with them, their names and their texts."""

import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from podium.errors import brief
from podium.targets import JOINT, TaskType, sort_labels

_SHOWN = 3
LARGEST = 1e100  # the squares of larger numbers, and their sums, are soon infinite
_FLAGS = {"0": 0.0, "0.0": 0.0, "false": 0.0, "1": 1.0, "1.0": 1.0, "true": 1.0}
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def names_of(target: str | Sequence[str] | None) -> list[str]:
    """Return the target's columns as a list; None has none."""
    if target is None:
        return []
    return [target] if isinstance(target, str) else list(target)


def mistakes(
    where: str,
    table: pd.DataFrame,
    target: str | Sequence[str],
    *,
    type: TaskType,
    separator: str | None,
    varied: bool,
) -> list[str]:
    """What is wrong with the target columns of ``table`` (N rows), a clause each; a missing column is skipped.

    With ``varied`` it is wrong, too, if there is nothing to learn, since all rows have the same target.
    """
    columns = [name for name in names_of(target) if name in table]
    if table.empty or not columns:
        return []
    found = [
        f"{where}: the name '{name}' holds U+001F, which joins labels" for name in columns if JOINT in name
    ]
    if _is_joined(target, type):
        holds = table[columns[0]].str.contains(JOINT, regex=False)
        if holds.any():
            found.append(
                f"{where} has {int(holds.sum())} rows whose '{columns[0]}' holds U+001F, which joins labels"
            )
        return found if found or not varied else _constant(where, table, columns[0], separator)
    what, read = ("no number", number_of) if type == "regression" else ("neither 0 nor 1", _flag)
    for name in columns:
        values = _read(table[name], read)
        bad = table[name][np.isnan(values)]
        if len(bad):
            far = type == "regression" and all(_NUMBER.fullmatch(text.strip()) for text in bad.unique())
            told = f"beyond {LARGEST:g}" if far else what
            found.append(f"{where} has {len(bad)} rows whose '{name}' is {told}{_first(bad)}")
        elif type == "regression" and varied and (values == values[0]).all():
            found.append(f"'{name}' is the same number in every row of {where}")
    if type == "multi_label" and varied and not found and all(table[name].nunique() == 1 for name in columns):
        found.append(f"none of {', '.join(map(repr, columns[:_SHOWN]))} differs between the rows of {where}")
    return found


def parse(
    table: pd.DataFrame,
    target: str | Sequence[str],
    *,
    type: TaskType,
    separator: str | None,
    known: Sequence[str] = (),
) -> tuple[list[str], np.ndarray]:
    """Return names and target array (``podium.targets``) of a table without mistakes.

    Names are the class names (``known`` ones first, of joined labels sorted) or the value columns.
    """
    columns = names_of(target)
    if _is_joined(target, type):
        sets = [labels_of(text, separator) for text in table[columns[0]]]
        new = {label for labels in sets for label in labels} - set(known)
        names = [*known, *sort_labels(new)]
        position = {name: k for k, name in enumerate(names)}
        flags = np.zeros((len(sets), len(names)), dtype=np.float32)
        for row, labels in zip(flags, sets, strict=True):
            row[[position[label] for label in labels]] = 1
        return names, flags
    read, width = (number_of, np.float64) if type == "regression" else (_flag, np.float32)
    return columns, np.column_stack([_read(table[name], read) for name in columns]).astype(width)


def labels_of(text: str, separator: str | None) -> list[str]:
    """Return the labels of a joined text, without spaces around them, each once."""
    return list(dict.fromkeys(part.strip() for part in text.split(separator) if part.strip()))


def _is_joined(target: str | Sequence[str], type: TaskType) -> bool:
    return type == "multi_label" and isinstance(target, str)


def _constant(where: str, table: pd.DataFrame, target: str, separator: str | None) -> list[str]:
    names, flags = parse(table, target, type="multi_label", separator=separator)
    if len(names) < 2:
        return [f"'{target}' has fewer than two labels in {where}; is label_separator {separator!r} right?"]
    if (flags == flags[0]).all():
        return [f"'{target}' has the same labels in every row of {where}"]
    return []


def _read(column: pd.Series, read: Callable[[str], float]) -> np.ndarray:
    """Return the numbers (N,) of a column of text, each distinct text read once; NaN for what cannot be read."""
    codes, unique = pd.factorize(column)
    return np.array([read(text) for text in unique], dtype=np.float64)[codes]


def _flag(text: str) -> float:
    return _FLAGS.get(text.strip().lower(), np.nan)


def number_of(text: str) -> float:
    """Return the number that a text is: NaN for what is none, or is beyond ``LARGEST``."""
    value = float(text) if _NUMBER.fullmatch(text.strip()) else np.nan
    return value if abs(value) <= LARGEST else np.nan


def _first(values: pd.Series) -> str:
    """The first few distinct values, to name them in a message."""
    unique = values.unique()
    shown = ", ".join(f"'{brief(value)}'" for value in unique[:_SHOWN])
    return f" ({shown}{', ...' if len(unique) > _SHOWN else ''})"
