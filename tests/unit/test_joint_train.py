"""Training data of several tasks as those of one."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from model_samples import rows_of
from multitask_samples import make

from podium import tokens
from podium.engine.multitask.forms import pairs
from podium.joint_train import join, rows_per_class, split, union_labels
from podium.train import FoldData, fit_and_predict

CLUSTERS = (np.array([0, 1, 1, 7, 9, 9, 8] * 4)[:26], np.array([0, 5, 6, 6, 7, 1] * 4)[:20])
HIGHEST = (7, 5)


def part(number: int, encoder: Path | None) -> FoldData:
    """A task's data: single texts of three classes, or pairs of two."""
    classes, count = (3, 26) if number == 0 else (2, 20)
    target = np.arange(count) % classes
    tables = [rows_of(np.arange(size) % classes, seed=number + size, pair=number == 1) for size in (count, 6)]
    if encoder is not None:
        tables = [tokens.tokenise(encoder, table) for table in tables]
    rows = tables[0].assign(cluster=CLUSTERS[number], real=True, draw=0, draws=1)
    return FoldData(
        rows, target, np.linspace(0.5, 1, count), tables[1], tables[0][["id"]].assign(part="train")
    )


@pytest.mark.parametrize("tokenised", [False, True])
def test_joined_data_train_a_joint_model(encoder: Path, tokenised: bool) -> None:
    """Texts and token ids give the same model; every row keeps its own."""
    parts = [part(number, encoder if tokenised else None) for number in range(2)]
    data = join(parts, (3, 2), HIGHEST)
    assert data.rows["task"].tolist() == [0] * 26 + [1] * 20
    assert data.held_out["task"].tolist() == [0] * 6 + [1] * 6
    assert pairs(data.rows).tolist() == [False] * 26 + [True] * 20
    assert data.target.tolist() == [*(np.arange(26) % 3), *(3 + np.arange(20) % 2)]
    assert len(data.table) == 46
    model = make(encoder, epochs=1)
    proba = fit_and_predict(model, data)
    found = split(proba, data.held_out["task"].to_numpy(), (3, 2))
    texts = join([part(number, None) for number in range(2)], (3, 2), HIGHEST)
    same = make(encoder, epochs=1)
    np.testing.assert_array_equal(fit_and_predict(same, texts), proba)
    for number, own in enumerate(found):
        alone = model.predict(parts[number].held_out, task=number)
        np.testing.assert_allclose(own, alone, atol=1e-6)
        np.testing.assert_allclose(own.sum(axis=1), 1)


def test_soft_labels_of_one_task_leave_the_other_tasks_hard(encoder: Path) -> None:
    """Soft labels that are sure train the model of the hard ones."""
    parts = [part(number, None) for number in range(2)]
    sure = dataclasses.replace(parts[1], soft=np.eye(2, dtype=np.float32)[parts[1].target])
    hard, soft = (join(given, (3, 2), HIGHEST) for given in (parts, [parts[0], sure]))
    assert hard.soft is None
    assert soft.soft is not None
    np.testing.assert_array_equal(soft.soft, np.eye(5, dtype=np.float32)[hard.target])
    proba = [fit_and_predict(make(encoder, epochs=1), data) for data in (hard, soft)]
    np.testing.assert_allclose(proba[0], proba[1], atol=1e-6)


def test_clusters_that_no_fold_knows_are_apart_between_tasks() -> None:
    data = join([part(number, None) for number in range(2)], (3, 2), HIGHEST)
    joined = data.rows["cluster"].to_numpy()
    old = np.concatenate(CLUSTERS)
    task = data.rows["task"].to_numpy()
    top = np.array(HIGHEST)[task]
    for i in range(46):
        for j in range(46):
            known = old[i] <= top[i] and old[j] <= top[j]
            same = old[i] == old[j] and (known or (task[i] == task[j]))
            assert (joined[i] == joined[j]) == same


def test_labels_of_the_union() -> None:
    assert union_labels({"b": ["y", "x"], "a": ["0"]}) == ["b/y", "b/x", "a/0"]


def test_rows_of_each_label_of_each_task() -> None:
    labels = {"kind": ["a", "b", "c"], "side": ["a", "b"]}
    counted = rows_per_class(np.array([0, 4, 2, 0, 4, 4]), labels)
    assert counted == {"kind": {"a": 2, "b": 0, "c": 1}, "side": {"a": 0, "b": 3}}
