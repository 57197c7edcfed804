"""Tables with something changed in them, and what is looked at in what came of them."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from fuzz_cases import TEST, TRAIN, table

HEADER = ["id", "text", "label"]
WITH_SAMPLE = {"tasks/t/sample": "data/sample.csv"}
IDS, TEST_IDS = [row[0] for row in TRAIN], [row[0] for row in TEST]


def train(rows: Sequence[Sequence[object]], header: Sequence[str] = HEADER, **form: Any) -> dict[str, str]:
    return {"data/train.csv": table(header, rows, **form)}


def changed(
    column: int, values: dict[int, object], rows: Sequence[Sequence[object]] = TRAIN
) -> list[list[object]]:
    """Rows with other values in a column at some places."""
    return [
        [values.get(number, cell) if place == column else cell for place, cell in enumerate(row)]
        for number, row in enumerate(rows)
    ]


def texts(values: dict[int, object]) -> dict[str, str]:
    return train(changed(1, values))


def labelled(neg: str, pos: str) -> list[list[str]]:
    return [[id, text, {"neg": neg, "pos": pos}[label]] for id, text, label in TRAIN]


def same(result: Any) -> None:
    """The rows are those of the right files."""
    assert result.train["t"]["id"].tolist() == IDS
    assert result.train["t"]["text_a"].tolist() == [row[1] for row in TRAIN]
    assert result.train["t"]["target"].tolist() == [row[2] for row in TRAIN]
    assert result.test["t"]["id"].tolist() == TEST_IDS
    assert result.labels["t"] == ["neg", "pos"]
    if result.submission is None:
        return
    written = pd.read_csv(
        io.StringIO(result.submission, newline=""), dtype="str", keep_default_na=False, lineterminator="\n"
    )
    assert written["id"].tolist() == TEST_IDS
    assert set(written["label"]) <= {"neg", "pos"}


def holds(text: str, row: int = 0) -> Callable[[Any], None]:
    """A row of train has this text."""

    def check(result: Any) -> None:
        assert result.train["t"]["text_a"][row] == text

    return check


def has_labels(*labels: str) -> Callable[[Any], None]:
    def check(result: Any) -> None:
        assert result.labels["t"] == list(labels)
        if result.submission is None:
            return
        written = pd.read_csv(
            io.StringIO(result.submission, newline=""),
            dtype="str",
            keep_default_na=False,
            lineterminator="\n",
        )
        assert set(written.iloc[:, 1]) <= set(labels)

    return check


def has_ids(*ids: str) -> Callable[[Any], None]:
    """The first ids of train, as they stand in the file."""

    def check(result: Any) -> None:
        assert result.train["t"]["id"].tolist()[: len(ids)] == list(ids)

    return check
