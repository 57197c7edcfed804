"""A person's table is read exactly, and every mistake in it is told in one line."""

from pathlib import Path

import pandas as pd
import pytest

from podium.errors import UserError
from podium.noise.overrides import apply, read_overrides
from podium.targets import TaskType

IDS = pd.Series(["0042", "7", "x y", "8", "9"], dtype="str")
LABELS = ["acq", "crude", "earn"]


def read(
    folder: Path, text: str, labels: list[str] = LABELS, type: TaskType = "single_label", separator: str = "|"
) -> list[tuple[str, bool, str | None]]:
    path = folder / "overrides.csv"
    path.write_text(text, encoding="utf-8")
    table = read_overrides(path, IDS, labels, type=type, separator=separator, task=None)
    assert list(table.columns) == ["id", "drop", "label"]
    assert [str(kind) for kind in table.dtypes] == ["str", "bool", "str"]
    label = [None if pd.isna(value) else value for value in table["label"]]
    return list(zip(table["id"], table["drop"].tolist(), label, strict=True))


def test_labels_and_drops(tmp_path: Path) -> None:
    text = 'id,label\n0042,earn\n7,drop\n"x y", acq \n'
    assert read(tmp_path, text) == [("0042", False, "earn"), ("7", True, None), ("x y", False, "acq")]
    assert read(tmp_path, "id;label;why\n7;drop;spam\n8;earn;seen\n") == [
        ("7", True, None),
        ("8", False, "earn"),
    ]


def test_several_labels_and_values(tmp_path: Path) -> None:
    text = "id,label\n7,earn|acq\n8,\n9,drop\n"
    expected = [("7", False, "acq\x1fearn"), ("8", False, ""), ("9", True, None)]
    assert read(tmp_path, text, type="multi_label") == expected
    text = "id,label\n7,earn; acq\n8,\n9,drop\n"
    assert read(tmp_path, text, type="multi_label", separator=";") == expected
    values = read(tmp_path, "id,label\n7,1|2.50\n8,drop\n", ["u", "v"], "regression")
    assert values == [("7", False, "1.0\x1f2.5"), ("8", True, None)]


def test_a_class_named_drop_is_the_class(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read(tmp_path, "id,label\n7,drop\n8,keep\n", ["drop", "keep"]) == [
        ("7", False, "drop"),
        ("8", False, "keep"),
    ]
    assert "the word means this class" in caplog.text


@pytest.mark.parametrize(
    ("text", "type", "told"),
    [
        ("id,label\n42,earn\n7,earn\n", "single_label", "row 1 (id '42'): no training row has this id"),
        ("id,label\n7,earn\n7,earn\n", "single_label", "row 2 (id '7'): this id stands there more than once"),
        (
            "id,label\n8,acq\n7,eran\n",
            "single_label",
            "row 2 (id '7'): 'eran' is neither a class nor the word drop; did",
        ),
        (
            "id,label\n8,acq\n7,\n",
            "single_label",
            "row 2 (id '7'): '' is neither a class nor the word drop; valid",
        ),
        (
            "id,label\n7,acq|cruede\n8,acq\n",
            "multi_label",
            "'cruede' is neither a class nor the word drop; did you mean",
        ),
        (
            "id,label\n7,1|2\n8,drop\n",
            "regression",
            "'1|2' is neither the word drop nor 3 numbers joined by |",
        ),
        ("id,label\n7,1|2|nan\n8,drop\n", "regression", "is neither the word drop nor 3 numbers"),
        ("id,lable\n7,acq\n8,acq\n", "single_label", "did you mean 'lable'"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, text: str, type: TaskType, told: str) -> None:
    with pytest.raises(UserError) as error:
        read(tmp_path, text, type=type)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert "overrides.csv" in str(error.value)


def test_they_are_applied_to_rows() -> None:
    rows = pd.DataFrame({"id": IDS, "target": ["a", "b", "c", "", "e"]}, dtype="str")
    word = pd.DataFrame(
        {
            "id": ["8", "0042", "9"],
            "drop": [False, True, False],
            "label": pd.Series(["z", None, ""], dtype="str"),
        }
    )
    found = apply(rows, word)
    assert found.values.tolist() == [["7", "b"], ["x y", "c"], ["8", "z"], ["9", ""]]
    assert found["target"].dtype == rows["target"].dtype
    assert apply(rows, None) is rows
    assert apply(rows, word.iloc[:0]).equals(rows)


def test_several_tasks_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "overrides.csv"
    path.write_text("task,id,label\nnews,1,x\nmood,1,drop\nnews,7,y\nmood,2,x\n")
    settings = {"type": "single_label", "separator": "|", "tasks": ["news", "mood"]}
    mood = read_overrides(path, pd.Series(["1", "2"]), ["x", "y"], task="mood", **settings)
    assert mood["id"].tolist() == ["1", "2"]
    assert mood["drop"].tolist() == [True, False]
    with pytest.raises(UserError, match=r"row 3 \(id '7'\): no training row"):
        read_overrides(path, pd.Series(["1", "2"]), ["x", "y"], task="news", **settings)
    path.write_text("id,label\n1,x\n")
    with pytest.raises(UserError, match="no column 'task'"):
        read_overrides(path, pd.Series(["1"]), ["x"], task="news", **settings)
    path.write_text("task,id,label\nmood,1,drop\nnewz,7,y\n")
    for task in settings["tasks"]:
        with pytest.raises(
            UserError,
            match=r"row 2 \(id '7'\): 'newz' is no task whose rows have labels; did you mean 'news'\?",
        ):
            read_overrides(path, pd.Series(["1", "7"]), ["x", "y"], task=task, **settings)
