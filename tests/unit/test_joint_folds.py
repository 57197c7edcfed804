"""Folds of several tasks: no row of one resembles a row of another fold, by brute force over all pairs."""

import itertools
import re

import numpy as np
import pytest

from podium.errors import UserError
from podium.folds import make_folds
from podium.joint_folds import TaskRows, joint_folds, joint_units

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def text(random: np.random.Generator, words: int = 12) -> str:
    return " ".join("".join(random.choice(list(LETTERS), 4)) for _ in range(words))


def nearly(random: np.random.Generator, original: str) -> str:
    """The same text with its last word changed, or in capitals with other punctuation."""
    if random.random() < 0.5:
        return original.upper().replace(" ", ", ")
    return " ".join([*original.split()[:-1], text(random, 1)])


def planted(seed: int) -> list[TaskRows]:
    """A task of single texts, one of pairs and one of texts in groups, that share texts in every way."""
    random = np.random.default_rng(seed)
    base = [text(random) for _ in range(25)]

    def some() -> str:
        original = base[random.integers(len(base))]
        kind = random.random()
        return original if kind < 0.15 else nearly(random, original) if kind < 0.3 else text(random)

    single = [some() for _ in range(60)]
    premises = [some() for _ in range(20)]
    first = [premises[i] for i in random.integers(0, 20, 50)]
    second = [some() if random.random() < 0.3 else text(random, 5) for _ in range(50)]
    grouped = [some() for _ in range(40)]
    groups = [str(group) if group < 8 else "" for group in random.integers(0, 16, 40)]
    return [
        TaskRows(segments=[single], targets=[str(i % 3) for i in range(60)]),
        TaskRows(segments=[first, second], targets=[str(i % 2) for i in range(50)]),
        TaskRows(segments=[grouped], targets=[str(i % 4) for i in range(40)], groups=groups),
    ]


def shingles(segments: list[str]) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", "\0".join(segments).casefold())
    return {tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))}


def alike(one: list[str], other: list[str]) -> bool:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b) >= 0.8


@pytest.mark.parametrize("seed", range(3))
def test_no_pair_of_rows_that_belong_together_is_parted(seed: int) -> None:
    tasks = planted(seed)
    sets = joint_units(tasks, near_duplicates=0.8, seed=seed)
    folds = joint_folds(tasks, sets, n=3, seed=seed)
    rows = [(t, i) for t, task in enumerate(tasks) for i in range(len(task.targets))]
    ties = {"near": 0, "across": 0, "segment": 0, "group": 0, "premise": 0}
    together = set()
    for (t, i), (u, j) in itertools.combinations(rows, 2):
        one, other = ([column[k] for column in tasks[task].segments] for task, k in ((t, i), (u, j)))
        found = []
        if alike(one, other):
            found.append("across" if t != u else "near")
        if t != u and any(alike([a], [b]) for a in one for b in other):
            found.append("segment")
        if (
            t == u
            and tasks[t].groups is not None
            and tasks[t].groups[i]
            and tasks[t].groups[i] == tasks[t].groups[j]
        ):
            found.append("group")
        if t == u == 1 and one[0].casefold() == other[0].casefold():
            found.append("premise")
        for name in found:
            ties[name] += 1
        if found:
            together.add(((t, i), (u, j)))
            assert sets[t][i] == sets[u][j]
            assert folds[t][i] == folds[u][j]
    assert all(ties.values()), ties
    _assert_finest(rows, together, sets)
    for fold, task in zip(folds, tasks, strict=True):
        assert len(fold) == len(task.targets)
        assert set(fold) == {0, 1, 2}


def _assert_finest(rows: list, together: set, sets: list[np.ndarray]) -> None:
    """Nothing is tied that no chain of ties explains (segments of one task that resemble another task's one apart)."""
    parent = {row: row for row in rows}

    def root(row: tuple[int, int]) -> tuple[int, int]:
        while parent[row] != row:
            row = parent[row]
        return row

    for one, other in together:
        parent[root(one)] = root(other)
    for one, other in itertools.combinations(rows, 2):
        if sets[one[0]][one[1]] == sets[other[0]][other[1]]:
            assert root(one) == root(other)


def test_tasks_and_classes_are_stratified() -> None:
    random = np.random.default_rng(0)
    tasks = [
        TaskRows(
            segments=[[text(random) for _ in range(count)]],
            targets=[str(label) for label in random.integers(0, classes, count)],
        )
        for count, classes in ((200, 4), (90, 2))
    ]
    sets = joint_units(tasks, near_duplicates=0.8, seed=0)
    for task, folds in zip(tasks, joint_folds(tasks, sets, n=5, seed=0), strict=True):
        for label in set(task.targets):
            counts = np.bincount(folds[np.array(task.targets) == label], minlength=5)
            assert np.ptp(counts) <= 1


def test_one_task_alone_has_the_folds_it_always_had() -> None:
    """Without pairs of one first text the sets are those of ``scripts/folds.py``."""
    task = planted(5)[2]
    sets = joint_units([task], near_duplicates=0.8, seed=1)
    mine = make_folds(task.targets, None, sets[0], n=4, seed=1)
    np.testing.assert_array_equal(joint_folds([task], sets, n=4, seed=1)[0], mine)


def test_types_may_differ_and_without_near_duplicates_only_groups_count() -> None:
    random = np.random.default_rng(0)
    values = TaskRows(
        segments=[["same text"] * 30], targets=[str(v) for v in random.random(30)], type="regression"
    )
    labels = TaskRows(segments=[["same text"] * 20], targets=["a\x1fb", "", "b", "a"] * 5, type="multi_label")
    tasks = [values, labels]
    sets = joint_units(tasks, near_duplicates=None, seed=0)
    assert len(np.unique(np.concatenate(sets))) == 50
    folds = joint_folds(tasks, sets, n=5, seed=0)
    assert [np.ptp(np.bincount(fold)) <= 2 for fold in folds] == [True, True]
    with pytest.raises(UserError, match="5 folds cannot be made of 1 independent"):
        joint_folds(tasks, joint_units(tasks, near_duplicates=0.8, seed=0), n=5, seed=0)


def test_a_task_with_too_few_rows_for_the_folds_is_told() -> None:
    """A fold without a row of a task has nothing of it to score."""
    random = np.random.default_rng(0)
    large = TaskRows(segments=[[text(random) for _ in range(60)]], targets=["a", "b", "c"] * 20)
    small = TaskRows(
        segments=[["one", "two", "three", "four"]], targets=["x", "y"] * 2, groups=["g", "g", "", "h"]
    )
    sets = joint_units([large, small], near_duplicates=0.8, seed=0)
    with pytest.raises(UserError) as error:
        joint_folds([large, small], sets, n=4, seed=0, names=["large", "small"])
    assert str(error.value) == (
        "folds.n: 4 folds leave one without a row of task small, which has 3 independent groups of rows; choose fewer "
        "folds, or check the group column and folds.near_duplicates"
    )
    folds = joint_folds([large, small], sets, n=3, seed=0, names=["large", "small"])
    assert [set(fold) for fold in folds] == [{0, 1, 2}] * 2
