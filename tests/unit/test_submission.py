"""The submission has exactly the sample's form."""

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.errors import UserError
from podium.predict import to_table
from podium.submission import write_submission
from podium.submission_columns import Form

PREDICTED = pd.DataFrame({"id": ["001", "2", "03"], "label": ["pos", "neg", "neg"]}, dtype="str")
PROBA = to_table(["001", "2", "03"], [[0.25, 0.75], [0.9, 0.1], [0.5, 0.5]], ["neg", "pos"])


def form(**changes: Any) -> Form:
    """What the config says of a single-label submission, but for some changes."""
    plain = {
        "id": "key",
        "type": "single_label",
        "target": "label",
        "label_separator": None,
        "probabilities": False,
    }
    return Form(**{**plain, **changes})


def submit(
    folder: Path,
    sample: str | None,
    predicted: pd.DataFrame = PREDICTED,
    id: str | None = "key",
    name: str = "sample.csv",
) -> str:
    path = None
    if sample is not None:
        path = folder / name
        path.write_bytes(sample.encode("utf-8"))
    write_submission(predicted, path, folder / "out.csv", form=form(id=id), proba=PROBA)
    return (folder / "out.csv").read_bytes().decode("utf-8")


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        # row order and leading zeros
        ("key,label\n03,pos\n001,pos\n2,pos\n", "key,label\n03,neg\n001,pos\n2,neg\n"),
        # separator, column order, a column of its own
        (
            "label\tpart\tkey\nneg\tb\t2\nneg\ta\t001\nneg\t\t03\n",
            "label\tpart\tkey\nneg\tb\t2\npos\ta\t001\nneg\t\t03\n",
        ),
        # the one other column has a name of its own; a byte order mark is no part of the first name
        ("\ufeffkey;class\r\n03;\r\n001;\r\n2;\r\n", "key;class\n03;neg\n001;pos\n2;neg\n"),
        # a column for each class, in its own order
        ("key,pos,neg\n2,0,0\n03,0,0\n001,0,0\n", "key,pos,neg\n2,0.1,0.9\n03,0.5,0.5\n001,0.75,0.25\n"),
        ("pos,key\n0.5,03\n0.5,001\n0.5,2\n", "pos,key\n0.5,03\n0.75,001\n0.1,2\n"),
        (None, "key,label\n001,pos\n2,neg\n03,neg\n"),
    ],
)
def test_form_of_the_sample_is_kept(tmp_path: Path, sample: str | None, expected: str) -> None:
    assert submit(tmp_path, sample) == expected


def test_numbered_rows_follow_the_order_of_test(tmp_path: Path) -> None:
    assert submit(tmp_path, "label\nneg\nneg\nneg\n", id=None) == "label\npos\nneg\nneg\n"
    assert submit(tmp_path, "no,label\na,\nb,\nc,\n", id=None) == "no,label\na,pos\nb,neg\nc,neg\n"
    with pytest.raises(UserError, match="2 rows, but test has 3"):
        submit(tmp_path, "label\nneg\nneg\n", id=None)


@pytest.mark.parametrize("sample", ["key,label\n2,0\n001,0\n03,0\n", "key,target\n2,0.5\n001,\n03,0\n"])
def test_one_column_of_numbers_gets_the_probability_of_the_last_class(tmp_path: Path, sample: str) -> None:
    """Where the metric reads probabilities, as in competitions of ROC areas."""
    (tmp_path / "sample.csv").write_text(sample)
    for wanted, values in ((True, ["0.1", "0.75", "0.5"]), (False, ["0", "1", "0"])):
        write_submission(
            PREDICTED.assign(label=["1", "0", "0"]),
            tmp_path / "sample.csv",
            tmp_path / "out.csv",
            form=form(probabilities=wanted),
            proba=PROBA,
        )
        assert pd.read_csv(tmp_path / "out.csv", dtype="str").iloc[:, 1].tolist() == values
    assert "2,neg" in submit(tmp_path, "key,label\n2,pos\n001,pos\n03,pos\n")


def test_json_lines_sample(tmp_path: Path) -> None:
    sample = '{"key": "2", "label": ""}\n{"key": "001", "label": ""}\n{"key": "03", "label": ""}\n'
    assert submit(tmp_path, sample, name="sample.jsonl") == "key,label\n2,neg\n001,pos\n03,neg\n"


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        ("key,label\n001,a\n2,a\n", r"1 ids of test are lacking \(first '03'\)"),
        ("key,label\n001,a\n2,a\n3,a\n", r"1 ids are not in test.*'3'.*1 ids of test are lacking"),
        ("key,label\n001,a\n2,a\n2,a\n03,a\n", "1 ids are there more than once"),
        ("kei,label\n001,a\n2,a\n03,a\n", "no column 'key'; did you mean 'kei'"),
        ("key,x,y\n001,,\n2,,\n03,,\n", "no column 'label' .* not named like the classes"),
        ("key,pos,negg\n001,,\n2,,\n03,,\n", "'negg' is none; did you mean 'neg'"),
        ("key,label\n001,0\n2,0\n03,1\n", "whole numbers such as '0', but train's labels are like 'pos'"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_written(tmp_path: Path, sample: str, told: str) -> None:
    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(UserError, match=told) as caught:
        submit(tmp_path, sample)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "sample.csv"]
    assert (tmp_path / "out.csv").read_text() == "old"


def test_a_decimal_placeholder_for_labels_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    predicted = PREDICTED.assign(label=["1", "0", "0"])
    submit(tmp_path, "key,label\n001,0.5\n2,0.5\n03,0.5\n", predicted)
    assert "'label' holds '0.5'" in caplog.text
    caplog.clear()
    assert "001,1" in submit(tmp_path, "key,label\n001,0\n2,0\n03,0\n", predicted)
    assert not caplog.records


def test_ids_predicted_twice_are_a_fault_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more than once"):
        submit(tmp_path, None, pd.concat([PREDICTED, PREDICTED]))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    ids=st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=6, unique=True),
    labels=st.lists(st.text(min_size=1, max_size=6), min_size=6, max_size=6),
    data=st.data(),
)
def test_any_ids_and_labels_read_back(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], labels: list[str], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("x")
    ids = list(dict.fromkeys(text.replace("\0", "0") for text in ids))
    predicted = pd.DataFrame({"id": ids, "label": labels[: len(ids)]}, dtype="str")
    order = data.draw(st.permutations(ids))
    with (folder / "sample.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([["key", "label"], *([id, "?"] for id in order)])
    write_submission(predicted, folder / "sample.csv", folder / "out.csv", form=form(), proba=None)
    with (folder / "out.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    label_of = dict(zip(ids, labels, strict=False))
    assert rows == [["key", "label"], *([id, label_of[id]] for id in order)]
