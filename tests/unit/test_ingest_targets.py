"""Multi-label and regression targets are read exactly, and every mistake in them is told."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from podium.errors import UserError
from podium.ingest import Ingested, ingest
from podium.ingest_profile import profile
from podium.targets import to_array


def frame(**columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in columns.items()})


TRAIN = frame(
    id=["a", "b", "c", "d"],
    text=["one", "two", "ONE", "four"],
    toxic=["0", "1", "1.0", " 0 "],
    insult=["False", "TRUE", "0.0", "1"],
    tags=["x; y", "", "y;x; y ;", "10"],
    size=["1e3", "-.5", " 2 ", "0.1"],
    price=["1", "2", "3", "4"],
)
TEST = frame(id=["a"], text=["five"])


def run(train: pd.DataFrame = TRAIN, **settings: Any) -> Ingested:
    form = {"id": "id", "text": ["text"], "label_separator": None, "group": None, "sample": None}
    return ingest(train, TEST, **{**form, **settings})


def test_columns_of_flags_become_labels_in_the_order_of_the_config() -> None:
    found = run(type="multi_label", target=["toxic", "insult"])
    assert found.labels == ["toxic", "insult"]
    assert found.train["target"].tolist() == ["", "toxic\x1finsult", "toxic", "insult"]
    assert list(found.train.columns) == ["id", "text_a", "target"]
    assert set(found.train.dtypes.astype(str)) == {"str"}
    array = to_array(found.train["target"], found.labels, "multi_label")
    assert array.tolist() == [[0, 0], [1, 1], [1, 0], [0, 1]]


def test_joined_labels_are_split_without_spaces_and_sorted() -> None:
    found = run(type="multi_label", target="tags", label_separator=";")
    assert found.labels == ["10", "x", "y"]
    assert found.train["target"].tolist() == ["x\x1fy", "", "x\x1fy", "10"]
    assert run(
        TRAIN.assign(tags=["2 10", "10", "", "2"]), type="multi_label", target="tags", label_separator=" "
    ).labels == [
        "2",
        "10",
    ]


def test_numbers_are_read_exactly() -> None:
    found = run(type="regression", target=["size", "price"])
    assert found.labels == ["size", "price"]
    assert found.train["target"].tolist() == ["1000.0\x1f1.0", "-0.5\x1f2.0", "2.0\x1f3.0", "0.1\x1f4.0"]
    assert run(type="regression", target="size").train["target"].tolist() == ["1000.0", "-0.5", "2.0", "0.1"]


@pytest.mark.parametrize(
    ("changes", "settings", "told"),
    [
        (
            {"toxic": ["0", "2", "", "1"]},
            {"type": "multi_label", "target": ["toxic", "insult"]},
            "train has 2 rows whose 'toxic' is neither 0 nor 1 ('2', '')",
        ),
        (
            {"toxic": ["1"] * 4, "insult": ["0"] * 4},
            {"type": "multi_label", "target": ["toxic", "insult"]},
            "none of 'toxic', 'insult' differs between the rows of train",
        ),
        (
            {"tags": ["x y", "x y", "x y", ""]},
            {"type": "multi_label", "target": "tags", "label_separator": ";"},
            "'tags' has fewer than two labels in train; is label_separator ';' right?",
        ),
        (
            {"tags": ["x;y"] * 4},
            {"type": "multi_label", "target": "tags", "label_separator": ";"},
            "'tags' has the same labels in every row of train",
        ),
        (
            {"tags": ["x;y", "x\x1fy", "x", "y"]},
            {"type": "multi_label", "target": "tags", "label_separator": ";"},
            "train has 1 rows whose 'tags' holds U+001F",
        ),
        (
            {"size": ["1", "1_0", "nan", "1e999"]},
            {"type": "regression", "target": ["size", "price"]},
            "train has 3 rows whose 'size' is no number ('1_0', 'nan', '1e999')",
        ),
        (
            {"price": ["7", "7.0", "7", "7"]},
            {"type": "regression", "target": ["size", "price"]},
            "'price' is the same number in every row of train",
        ),
        (
            {},
            {"type": "regression", "target": ["size", "prise"]},
            "train has no column 'prise' (did you mean 'price'?)",
        ),
    ],
)
def test_mistakes_are_told(changes: dict[str, list[str]], settings: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as caught:
        run(TRAIN.assign(**changes), **settings)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_profile_of_labels() -> None:
    facts = profile(
        run(type="multi_label", target="tags", label_separator=";"), max_lengths=[], tokenizer=None
    )
    assert facts["classes"] == {
        "10": {"rows": 1, "share": 0.25},
        "x": {"rows": 2, "share": 0.5},
        "y": {"rows": 2, "share": 0.5},
    }
    assert facts["labels_per_row"]["mean"] == 1.25
    assert "train: 1 rows have no label" in facts["warnings"]
    repeated = run(TRAIN.assign(text="one"), type="multi_label", target="tags", label_separator=";")
    examples = profile(repeated, max_lengths=[], tokenizer=None)["duplicates"]["examples"]
    assert examples[0]["labels"] == ["x, y", "", "x, y", "10"]
    unused = run(TRAIN.assign(insult="1"), type="multi_label", target=["toxic", "insult"])
    warnings = profile(unused, max_lengths=[], tokenizer=None)["warnings"]
    assert "classes that all training rows have, or none: 'insult'" in warnings


def test_profile_of_values() -> None:
    facts = profile(run(type="regression", target=["size", "price"]), max_lengths=[], tokenizer=None)
    assert "classes" not in facts
    assert facts["values"]["price"] == {
        "mean": 2.5,
        "deviation": float(np.std([1, 2, 3, 4])),
        "min": 1.0,
        "p25": 1.75,
        "median": 2.5,
        "p75": 3.25,
        "max": 4.0,
    }
    assert "1 texts stand in train with more than one value" in facts["warnings"]
