"""The table of predictions keeps order, names and values, and refuses what is no distribution."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from podium.predict import to_array, to_table

PROBA = np.array([[0.25, 0.75], [1.0, 0.0]])


@given(
    hnp.arrays(float, st.tuples(st.integers(0, 5), st.integers(1, 4)), elements=st.floats(0.01, 1)),
    st.randoms(),
)
def test_probabilities_come_back_in_any_order_of_classes(values: np.ndarray, random: Random) -> None:
    proba = values / values.sum(axis=1, keepdims=True)
    labels = [f"class {number}" for number in range(proba.shape[1])]
    table = to_table([f"0{number}" for number in range(len(proba))], proba, labels)
    assert list(table["id"]) == [f"0{number}" for number in range(len(proba))]
    order = list(range(len(labels)))
    random.shuffle(order)
    back = to_array(table, [labels[k] for k in order])
    np.testing.assert_array_equal(back, proba[:, order].astype(np.float32).astype(float))


def test_classes_named_like_other_columns_do_not_meet_them() -> None:
    table = to_table(["a", "b"], PROBA, ["id", "fold"])
    assert list(table.columns) == ["id", "p:id", "p:fold"]
    np.testing.assert_array_equal(to_array(table, ["fold", "id"]), PROBA[:, ::-1])


@pytest.mark.parametrize(
    ("proba", "labels", "message"),
    [
        (PROBA, ["x"], "shape"),
        (PROBA[:1], ["x", "y"], "shape"),
        (np.array([[0.5, 0.4], [0.5, 0.5]]), ["x", "y"], "sum to 1"),
        (np.array([[1.5, -0.5], [0.5, 0.5]]), ["x", "y"], "negative"),
        (np.array([[np.nan, 1.0], [0.5, 0.5]]), ["x", "y"], "NaN"),
        (np.array([[np.inf, 0.0], [0.5, 0.5]]), ["x", "y"], "infinity"),
    ],
)
def test_what_is_no_distribution_is_refused(proba: np.ndarray, labels: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_table(["a", "b"], proba, labels)


def test_a_class_that_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match="p:z"):
        to_array(to_table(["a", "b"], PROBA, ["x", "y"]), ["x", "z"])


def test_labels_need_no_sum_but_stay_between_0_and_1() -> None:
    proba = np.array([[0.9, 0.8], [0.0, 1.0]])
    table = to_table(["a", "b"], proba, ["x", "y"], "multi_label")
    assert list(table.columns) == ["id", "p:x", "p:y"]
    np.testing.assert_array_equal(
        to_array(table, ["y", "x"], "multi_label"), proba[:, ::-1].astype(np.float32)
    )
    for wrong in (-0.1, 1.1):
        with pytest.raises(ValueError, match="below 0 or above 1"):
            to_table(["a", "b"], np.where(proba == 0.8, wrong, proba), ["x", "y"], "multi_label")
    with pytest.raises(ValueError, match="sum to 1"):
        to_table(["a", "b"], proba, ["x", "y"])


def test_values_keep_every_digit() -> None:
    values = np.array([[1e9 + 1 / 3], [-2.5]])
    table = to_table(["a", "b"], values, ["price"], "regression")
    assert list(table.columns) == ["id", "v:price"]
    np.testing.assert_array_equal(to_array(table, ["price"], "regression"), values)
    with pytest.raises(ValueError, match="values hold NaN"):
        to_table(["a", "b"], values * np.nan, ["price"], "regression")
