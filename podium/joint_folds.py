"""Folds of several tasks at once: no row of one task leaks through a duplicate in another.

A model of all tasks that is trained without fold k must not have seen what resembles a row of fold k, whatever task
that is of. So all tasks share one set of fold numbers, and rows that belong together do so across tasks. Shapes: N rows
of all tasks, N_t rows of task t.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from podium.duplicates import clusters, comparable, components, folded
from podium.errors import UserError
from podium.folds import classes_of, deal, units, with_equal_texts
from podium.span.answers import NONE
from podium.targets import AnyType, TaskType


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRows:
    """The training rows of one task.

    ``segments`` are one or two columns of N_t texts, ``targets`` N_t target texts (``podium.targets``), ``groups`` the
    user's (None, or an empty text, for none), which mean nothing to other tasks. ``by_first`` keeps pairs together
    whose first text is the same after case folding and collapsing of whitespace, such as the hypotheses of one premise.
    """

    segments: Sequence[Sequence[str]]
    targets: Sequence[str]
    type: TaskType = "single_label"
    groups: Sequence[str] | None = None
    by_first: bool = True


def rows_of(table: pd.DataFrame, type: AnyType) -> TaskRows:
    """Return the rows of a task's table.

    Of questions the contexts alone make rows alike, equal ones are a group, and whether there is an answer is all that
    can be spread.
    """
    names = [name for name in ("text_a", "text_b") if name in table]
    targets = table["target"].tolist()
    groups = table["group"].tolist() if "group" in table else None
    if type == "span":
        names, type = ["text_b"], "single_label"
        groups = with_equal_texts(groups, table["text_b"].tolist())
        targets = ["without" if target == NONE else "with" for target in targets]
    return TaskRows(
        segments=[table[name].tolist() for name in names], targets=targets, type=type, groups=groups
    )


def joint_units(tasks: Sequence[TaskRows], *, near_duplicates: float | None, seed: int) -> list[np.ndarray]:
    """Return for each task the label (N_t,) int of the set of rows that must share a fold, numbered across the tasks.

    Sets are the connected components of near-duplicates (``podium.duplicates.clusters``: Jaccard similarity at least
    ``near_duplicates``; None: none), in raw and canonical form, of the users' groups, and of pairs with one first text.
    A pair resembles another row by its whole text, as in the folds of one task; and each of its segments may resemble a
    text or a segment of *another* task. Within a task, segments that resemble each other tie nothing by themselves.
    """
    sizes = [len(task.targets) for task in tasks]
    ties = [np.arange(sum(sizes))]
    if near_duplicates is not None:
        for form in _wholes(tasks):
            ties.append(clusters(form, threshold=near_duplicates, seed=seed))
        ties += _segment_ties(tasks, threshold=near_duplicates, seed=seed)
    ties += [_groups(tasks), _first_texts(tasks)]
    united = components(*ties)
    return np.split(united, np.cumsum(sizes)[:-1])


def joint_folds(
    tasks: Sequence[TaskRows],
    sets: Sequence[np.ndarray],
    *,
    n: int,
    seed: int,
    names: Sequence[str] | None = None,
) -> list[np.ndarray]:
    """Return the fold (N_t,) int in 0..n-1 of each row of each task; ``sets`` are those of ``joint_units``.

    Stratified by task and class: as ``podium.folds.make_folds`` over all rows, whose classes are those of the tasks
    side by side, so that each task's classes, and each task's rows, are spread alike over the folds. ``names`` are the
    tasks', for messages. Raises ``UserError`` when there are fewer sets than folds, or a fold has no row of a task.
    """
    unit = units(None, np.concatenate(sets))
    rows, labels = [], []
    before = first = 0
    for task in tasks:
        row, label = classes_of(task.targets, n, task.type)
        rows.append(row + before)
        labels.append(label + first)
        before += len(task.targets)
        first += int(label.max(initial=-1)) + 1
    dealt = deal(np.concatenate(rows), np.concatenate(labels), unit, n=n, seed=seed)
    folds = np.split(dealt, np.cumsum([len(task.targets) for task in tasks])[:-1])
    for number, (fold, own) in enumerate(zip(folds, sets, strict=True)):
        if len(np.unique(fold)) < n:
            name = names[number] if names is not None else f"number {number + 1}"
            raise UserError(
                f"folds.n: {n} folds leave one without a row of task {name}, which has {len(np.unique(own))} "
                "independent groups of rows; choose fewer folds, or check the group column and folds.near_duplicates"
            )
    return folds


def _wholes(tasks: Sequence[TaskRows]) -> list[list[str]]:
    """Raw and canonical form (N each) of the whole text of every row."""
    forms = [comparable(task.segments) for task in tasks]
    return [[text for form in forms for text in form[kind]] for kind in range(2)]


def _segment_ties(tasks: Sequence[TaskRows], *, threshold: float, seed: int) -> list[np.ndarray]:
    """Labels (N,) that tie rows of different tasks one segment of which is alike; -1 where there is no such row."""
    if len(tasks) < 2 or all(len(task.segments) == 1 for task in tasks):
        return []
    row, owner, texts = _segments(tasks)
    size = int(row.max()) + 1
    ties = []
    for form in comparable([texts]):
        label = clusters(form, threshold=threshold, seed=seed)
        label = np.where(np.array([bool(text.strip()) for text in form]), label, -1)
        pairs = pd.DataFrame({"label": label, "task": owner}).drop_duplicates()
        counted = pairs["label"].value_counts()
        crossing = counted.index[counted > 1].to_numpy()
        label = np.where(np.isin(label, crossing), label, -1)
        # A row has one label for each of its segments; those of one row are united below
        for number in range(2):
            tie = np.full(size, -1)
            mine = _place_of(row) == number
            tie[row[mine]] = label[mine]
            ties.append(tie)
    return _united(ties)


def _segments(tasks: Sequence[TaskRows]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Row (M,), task (M,) and text (M) of each segment of every row, the segments of a row in their order."""
    rows, owners, texts = [], [], []
    before = 0
    for number, task in enumerate(tasks):
        count = len(task.targets)
        rows.append(np.repeat(before + np.arange(count), len(task.segments)))
        owners.append(np.full(len(rows[-1]), number))
        texts += [text for parts in zip(*task.segments, strict=True) for text in parts]
        before += count
    return np.concatenate(rows), np.concatenate(owners), texts


def _place_of(row: np.ndarray) -> np.ndarray:
    """Number (M,) of each segment within its row."""
    return np.r_[0, row[1:] == row[:-1]].astype(np.int64)


def _united(ties: list[np.ndarray]) -> list[np.ndarray]:
    """Ties of first and of second segments share labels: make labels (N,) that join a row's own."""
    united = []
    for first, second in zip(ties[::2], ties[1::2], strict=True):
        rows = np.arange(len(first))
        nodes = np.r_[rows, rows]
        label = np.r_[first, second]
        joined = components(nodes, label)[: len(rows)]
        touched = (first >= 0) | (second >= 0)
        united.append(np.where(touched, joined, -1))
    return united


def _groups(tasks: Sequence[TaskRows]) -> np.ndarray:
    """Labels (N,) of the users' groups, each task's apart; -1 for rows without one."""
    keys = [
        ("" if not group else f"{number}\0{group}")
        for number, task in enumerate(tasks)
        for group in (task.groups if task.groups is not None else [""] * len(task.targets))
    ]
    return _labels(keys)


def _first_texts(tasks: Sequence[TaskRows]) -> np.ndarray:
    """Labels (N,) of pairs of one task with the same first text; -1 for other rows."""
    keys = [
        (folded(text) if task.by_first and len(task.segments) == 2 else "")
        for task in tasks
        for text in task.segments[0]
    ]
    owner = np.repeat(np.arange(len(tasks)), [len(task.targets) for task in tasks])
    return _labels([f"{number}\0{key}" if key else "" for number, key in zip(owner, keys, strict=True)])


def _labels(keys: list[str]) -> np.ndarray:
    array = np.array(keys, dtype=object)
    return np.where(array == "", -1, pd.factorize(array)[0])
