"""One fold's training data of several tasks as those of one: tables below each other, classes side by side.

Shapes: N rows of all tasks, T tasks, K classes of the union, K_t classes of task t.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from podium import predict
from podium.predict import PREFIX
from podium.train import FoldData


def union_labels(labels: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the K class names of the union, ``task/label``: tasks in their order, each task's classes in theirs."""
    return [f"{task}/{label}" for task, names in labels.items() for label in names]


def join(parts: Sequence[FoldData], classes: Sequence[int], highest: Sequence[int]) -> FoldData:
    """Return the training data of all tasks for one fold, for a model of kind ``multitask``.

    Parameters
    ----------
    parts
        What ``podium.train.fold_data`` makes of each task for the same fold number, single-label, with folds that were
        dealt jointly (``podium.joint_folds``).
    classes
        K_t of each task.
    highest
        Highest number in the column ``cluster`` of each task's folds table. Greater numbers in ``parts`` are those of
        rows that no fold knows (the user's other files): each gets a number of its own among all tasks.

    Returns
    -------
    ``rows``, ``held_out`` and ``table`` have the column ``task`` (int64, 0 to T - 1), and a row of a single text has a
    null ``text_b`` (or ``tokens_b``) where another task has pairs; ``target`` (N,) are classes of the union.
    """
    before = np.cumsum([0, *classes])
    clusters = [part.rows["cluster"].to_numpy() for part in parts]
    free, numbers = 1 + max(highest), []
    for cluster, top in zip(clusters, highest, strict=True):
        own = np.unique(cluster[cluster > top], return_inverse=True)[1]
        number = cluster.copy()
        number[cluster > top] = free + own
        free += int(own.max(initial=-1)) + 1
        numbers.append(number)
    return FoldData(
        rows=_below([part.rows for part in parts]).assign(cluster=np.concatenate(numbers)),
        target=np.concatenate([part.target + first for part, first in zip(parts, before, strict=False)]),
        weight=np.concatenate([part.weight for part in parts]),
        held_out=_below([part.held_out for part in parts]),
        table=_below([part.table for part in parts]),
        soft=_soft(parts, before),
    )


def _soft(parts: Sequence[FoldData], before: np.ndarray) -> np.ndarray | None:
    """Class probabilities (N, K) of the union, where a task has soft labels; the other tasks' rows have one class."""
    if all(part.soft is None for part in parts):
        return None
    wide = np.zeros((sum(len(part.target) for part in parts), before[-1]), dtype=np.float32)
    row = 0
    for part, first, end in zip(parts, before, before[1:], strict=False):
        size = len(part.target)
        sure = np.eye(end - first, dtype=np.float32)[part.target]
        wide[row : row + size, first:end] = sure if part.soft is None else part.soft
        row += size
    return wide


def rows_per_class(target: np.ndarray, labels: Mapping[str, Sequence[str]]) -> dict[str, dict[str, int]]:
    """Return how many of the rows, whose ``target`` (N,) are classes of the union, have each label of each task."""
    counts = np.bincount(target, minlength=sum(map(len, labels.values())))
    ends = np.cumsum([0, *map(len, labels.values())])
    return {
        task: dict(zip(names, counts[first:].tolist(), strict=False))
        for (task, names), first in zip(labels.items(), ends, strict=False)
    }


def split(proba: np.ndarray, task: np.ndarray, classes: Sequence[int]) -> list[np.ndarray]:
    """Return each task's own predictions (N_t, K_t), in the order of its rows, of those (N, K) of a joint table."""
    ends = np.cumsum(classes)
    return [
        proba[task == number][:, end - size : end]
        for number, (size, end) in enumerate(zip(classes, ends, strict=True))
    ]


def to_table(rows: pd.DataFrame, proba: np.ndarray, labels: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return a table of predictions (N, K) for ``rows`` with ``id`` and ``task`` (number).

    Columns: ``task`` (name), ``id``, then ``p:task/label`` for each class of the union, zero outside the row's task.
    """
    table = predict.to_table(rows["id"], proba, union_labels(labels))
    names = np.array(list(labels))[rows["task"].to_numpy()]
    table.insert(0, "task", pd.Series(names, dtype="str"))
    return table


def own(table: pd.DataFrame, task: str, labels: Sequence[str]) -> pd.DataFrame:
    """Return the predictions table (``podium.predict``) of one task, of what ``to_table`` made."""
    rows = table[table["task"] == task].reset_index(drop=True)
    given = {f"{PREFIX}{task}/{label}": f"{PREFIX}{label}" for label in labels}
    return rows[["id", *given]].rename(columns=given)


def _below(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the tables below each other; what one of them lacks is null."""
    columns = list(dict.fromkeys(name for table in tables for name in table.columns))
    filled = []
    for number, table in enumerate(tables):
        plain = table.reset_index(drop=True).assign(task=np.int64(number))
        for name in columns:
            if name not in plain.columns:
                like = next(other[name] for other in tables if name in other.columns)
                plain[name] = pd.Series([None] * len(plain), dtype=like.dtype)
        filled.append(plain[[*columns, "task"]])
    return pd.concat(filled, ignore_index=True)
