"""What is predicted, by type of task: as text in tables, as arrays for models, metrics and ensembles.

=============  ==============================================  ==============================
type           text in the column ``target``                   array
=============  ==============================================  ==============================
single_label   the class name                                  int64 (N,), positions in names
multi_label    the row's class names, joined; may be empty     float32 (N, K), 0 or 1
regression     one number for each value column, joined        float64 (N, T)
=============  ==============================================  ==============================

Text joins with U+001F, which no name may hold, in the order of ``labels.json``; a number is the shortest text that
reads back as the same float64. So a target is one string a row whatever the type, and lineage moves it without knowing.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from podium.errors import UserError, brief, hint

TaskType = Literal["single_label", "multi_label", "regression"]
AnyType = TaskType | Literal["span"]
"""The type of any task; the targets of span tasks are those of ``podium.span.answers``."""

JOINT = "\x1f"
_TURNED = str.maketrans("0123456789", "9876543210")


def to_array(texts: Sequence[str] | pd.Series, names: Sequence[str], type: TaskType) -> np.ndarray:
    """Return the array of N target texts; ``names`` are the K class names or T value columns.

    Raises ``UserError`` for a class that is not among ``names``.
    """
    if type == "single_label":
        return encode(texts, names)
    codes, unique = pd.factorize(np.asarray(texts, dtype=object))
    if type == "regression":
        values = [[float(part) for part in split(text)] for text in unique]
        return np.array(values, dtype=np.float64).reshape(len(unique), len(names))[codes]
    parts = [split(text) for text in unique]
    flags = np.zeros((len(unique), len(names)), dtype=np.float32)
    rows = np.repeat(np.arange(len(unique)), [len(labels) for labels in parts])
    flags[rows, encode([label for labels in parts for label in labels], names)] = 1
    return flags[codes]


def to_text(array: np.ndarray, names: Sequence[str]) -> list[str]:
    """Return the N target texts of an array; the inverse of :func:`to_array`."""
    if type_of(array) == "single_label":
        return [names[position] for position in array.tolist()]
    if type_of(array) == "regression":
        return [JOINT.join(map(repr, row)) for row in array.tolist()]
    return [JOINT.join(names[k] for k in np.flatnonzero(row).tolist()) for row in array]


def type_of(array: np.ndarray) -> TaskType:
    """Return the type of task that an array of targets belongs to, by its shape and dtype."""
    if array.ndim == 1 and array.dtype.kind in "iu":
        return "single_label"
    if array.ndim == 2 and array.dtype == np.float32:
        return "multi_label"
    if array.ndim == 2 and array.dtype == np.float64:
        return "regression"
    raise ValueError(f"a target is no {array.dtype} array with {array.ndim} dimensions")


def encode(values: Sequence[str] | pd.Series, labels: Sequence[str]) -> np.ndarray:
    """Return the position in ``labels`` of each value, (N,) int; an unknown value raises ``UserError``."""
    codes = pd.Index(labels).get_indexer(pd.Index(values))
    unknown = np.flatnonzero(codes < 0)
    if len(unknown):
        name = brief(list(values)[unknown[0]])
        where = f"row {unknown[0] + 1} of {len(codes)}"
        raise UserError(f"labels: '{name}' ({where}) is no class: {hint(name, labels)}")
    return codes


def sort_labels(labels: Iterable[str]) -> list[str]:
    """Class names, each once: by value if all are whole numbers, else by text."""
    unique = set(labels)
    return sorted(
        unique, key=_by_value if all(re.fullmatch(r"-?[0-9]+", label) for label in unique) else None
    )


def _by_value(digits: str) -> tuple[int, str, str]:
    """Key that sorts whole numbers by value; Python makes no number of more than some thousands of digits."""
    size = digits.lstrip("-").lstrip("0")
    if not digits.startswith("-") or not size:
        return len(size), size, digits
    return -len(size), size.translate(_TURNED), digits


def split(text: str) -> list[str]:
    """Return the parts of a joined text; an empty text has none."""
    return text.split(JOINT) if text else []
