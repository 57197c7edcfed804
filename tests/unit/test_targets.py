"""A target is one text a row, whatever the type of task, and comes back as the array it was."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from podium.errors import UserError
from podium.targets import encode, sort_labels, to_array, to_text, type_of

NAMES = ["toxic", "10", " ", "a;b"]


@given(hnp.arrays(np.float32, st.tuples(st.integers(0, 6), st.just(4)), elements=st.sampled_from([0, 1])))
def test_labels_come_back(flags: np.ndarray) -> None:
    texts = to_text(flags, NAMES)
    found = to_array(pd.Series(texts, dtype="str"), NAMES, "multi_label")
    assert (found.dtype, type_of(found)) == (np.float32, "multi_label")
    np.testing.assert_array_equal(found, flags)


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(0, 6), st.integers(1, 3)),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_values_come_back_to_the_last_bit(values: np.ndarray) -> None:
    names = NAMES[: values.shape[1]]
    found = to_array(to_text(values, names), names, "regression")
    assert (found.shape, type_of(found)) == (values.shape, "regression")
    np.testing.assert_array_equal(found.view(np.int64), values.view(np.int64))


def test_single_labels_are_positions() -> None:
    found = to_array(pd.Series(["10", "toxic", "10"]), NAMES, "single_label")
    assert (found.tolist(), type_of(found)) == ([1, 0, 1], "single_label")
    assert to_text(found, NAMES) == ["10", "toxic", "10"]


def test_labels_become_positions() -> None:
    assert encode(pd.Series(["b", "a", "b"]), ["a", "b"]).tolist() == [1, 0, 1]
    with pytest.raises(UserError, match=r"'B' \(row 2 of 2\) is no class: did you mean 'b'"):
        encode(["a", "B"], ["a", "b"])
    with pytest.raises(UserError, match="'toxix'"):
        to_array(["toxic", "toxic\x1ftoxix"], NAMES, "multi_label")


@pytest.mark.parametrize("other", [np.zeros(3), np.zeros((3, 2), dtype=int), np.zeros((3, 2, 1))])
def test_other_arrays_are_no_targets(other: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a target is no"):
        type_of(other)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "9", "-1", "9"], ["-1", "9", "10"]),
        (["10", "9", "a"], ["10", "9", "a"]),
        (["01", "1"], ["01", "1"]),
    ],
)
def test_labels_are_sorted_by_number_if_all_are(labels: list[str], expected: list[str]) -> None:
    assert sort_labels(labels) == expected
