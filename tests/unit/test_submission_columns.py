"""Submissions of multi-label tasks and regressions have exactly the sample's form, and are scored as what they are."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from podium import metrics
from podium.check_holdout import compare_columns, render
from podium.errors import UserError
from podium.predict import to_table
from podium.submission import rehearse, write_submission
from podium.submission_columns import Form
from podium.tables import read_rows

IDS = ["001", "2", "03"]
LABELS = ["neg", "pos", "10"]
FLAGS = pd.DataFrame({"id": IDS, "label": ["pos\x1f10", "", "neg"]}, dtype="str")
PROBA = to_table(IDS, [[0.25, 0.75, 0.5], [0.9, 0.1, 0.0], [0.5, 0.6, 1.0]], LABELS, "multi_label")
VALUES = pd.DataFrame(
    {"id": IDS, "label": ["0.1\x1f1e+22", "-2.5\x1f3.0", "1.0\x1f0.30000000000000004"]}, dtype="str"
)
NUMBERS = to_table(IDS, [[0.1, 1e22], [-2.5, 3.0], [1.0, 0.1 + 0.2]], ["x", "y"], "regression")


def form(**changes: Any) -> Form:
    plain = {
        "id": "key",
        "type": "multi_label",
        "target": LABELS,
        "label_separator": None,
        "probabilities": False,
    }
    return Form(**{**plain, **changes})


REGRESSION = form(type="regression", target=["x", "y"])
JOINED = form(target="tags", label_separator=" ")
SOFT = form(probabilities=True)


def submit(folder: Path, sample: str | None, given: Form) -> str:
    path = None
    if sample is not None:
        path = folder / "sample.csv"
        path.write_text(sample, encoding="utf-8")
    predicted, proba = (VALUES, NUMBERS) if given.type == "regression" else (FLAGS, PROBA)
    write_submission(predicted, path, folder / "out.csv", form=given, proba=proba)
    return (folder / "out.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("sample", "given", "expected"),
    [
        # a column for each class: probabilities, or 0 and 1, by the metric; other columns and orders are kept
        (
            "key,pos,10,neg\n03,0,0,0\n001,0,0,0\n2,0,0,0\n",
            SOFT,
            "key,pos,10,neg\n03,0.6,1.0,0.5\n001,0.75,0.5,0.25\n2,0.1,0.0,0.9\n",
        ),
        (
            "neg,key,pos,10\n0.5,2,,\n0.5,03,,\n0.5,001,,\n",
            form(),
            "neg,key,pos,10\n0,2,0,0\n1,03,0,0\n0,001,1,1\n",
        ),
        # one column of joined labels, under the target's name or another
        ("key,tags\n2,x\n03,x\n001,x\n", JOINED, "key,tags\n2,\n03,neg\n001,pos 10\n"),
        ("key,answer\n2,x\n03,x\n001,x\n", form(label_separator=";"), "key,answer\n2,\n03,neg\n001,pos;10\n"),
        # no sample
        (None, SOFT, "key,neg,pos,10\n001,0.25,0.75,0.5\n2,0.9,0.1,0.0\n03,0.5,0.6,1.0\n"),
        (None, JOINED, "key,tags\n001,pos 10\n2,\n03,neg\n"),
        # values to the last digit
        (
            "key,y,x\n2,0,0\n001,0,0\n03,0,0\n",
            REGRESSION,
            "key,y,x\n2,3.0,-2.5\n001,1e+22,0.1\n03,0.30000000000000004,1.0\n",
        ),
        (None, REGRESSION, "key,x,y\n001,0.1,1e+22\n2,-2.5,3.0\n03,1.0,0.30000000000000004\n"),
    ],
)
def test_form_of_the_sample_is_kept(tmp_path: Path, sample: str | None, given: Form, expected: str) -> None:
    assert submit(tmp_path, sample, given) == expected


def test_one_value_goes_into_the_one_column_and_rows_may_be_numbered(tmp_path: Path) -> None:
    predicted = pd.DataFrame({"id": ["0", "1"], "label": ["0.5", "7.0"]}, dtype="str")
    (tmp_path / "sample.csv").write_text("score\n0\n0\n")
    given = form(id=None, type="regression", target="y")
    write_submission(predicted, tmp_path / "sample.csv", tmp_path / "out.csv", form=given, proba=None)
    assert (tmp_path / "out.csv").read_text() == "score\n0.5\n7.0\n"


@pytest.mark.parametrize(
    ("sample", "given", "told"),
    [
        ("key,answer\n2,x\n03,x\n001,x\n", form(), "'answer' takes all labels of a row: say what joins them"),
        ("key,pos,ngg,10\n2,,,\n03,,,\n001,,,\n", form(), "'ngg' is none; did you mean 'neg'"),
        (
            "key,a,b\n2,,\n03,,\n001,,\n",
            JOINED,
            "no column is named like a class, and there is not one alone",
        ),
        ("key,x,z\n2,,\n03,,\n001,,\n", REGRESSION, "no column 'y'"),
    ],
)
def test_what_does_not_fit_is_refused_before_and_after(
    tmp_path: Path, sample: str, given: Form, told: str
) -> None:
    with pytest.raises(UserError, match=told):
        submit(tmp_path, sample, given)
    names = LABELS if given.type == "multi_label" else ["x", "y"]
    with pytest.raises(UserError, match=told):
        rehearse(tmp_path / "sample.csv", names, form=given)


# ---- hold-out


TRUTH = pd.DataFrame(
    {"key": ["2", "03", "001"], "neg": ["0", "1", "0"], "pos": ["0", "1", "1"], "10": ["0", "0", "1"]}
)


def check(folder: Path, given: Form, truth: pd.DataFrame, metric: str, proba: Any = None) -> dict[str, Any]:
    submit(folder, None, given)
    rows = read_rows(folder / "out.csv", columns=None, encoding=None, separator=None)
    names = LABELS if given.type == "multi_label" else ["x", "y"]
    scored = {"metric": metric, "reported_cv": 0.75, "reported_se": 0.1}
    return compare_columns(rows, truth.astype("str"), form=given, names=names, proba=proba, **scored)


def test_labels_and_probabilities_of_a_submission_are_scored(tmp_path: Path) -> None:
    truth = TRUTH[LABELS].to_numpy().astype(np.float32)
    proba = PROBA.set_index("id").loc[TRUTH["key"]].to_numpy(dtype=float)
    found = check(tmp_path, SOFT, TRUTH, "roc_auc")
    assert found["true_score"] == pytest.approx(metrics.value("roc_auc", truth, None, proba, classes=3))
    assert (found["n"], "accuracy" in found) == (3, False)
    assert found["difference"] == pytest.approx(0.75 - found["true_score"])
    assert len(render(found).splitlines()) == 4
    flags = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 1]], dtype=np.float32)
    expected = metrics.value("micro_f1", truth, flags, None, classes=3)
    assert check(tmp_path, form(), TRUTH, "micro_f1")["true_score"] == pytest.approx(expected)
    joined = pd.DataFrame({"key": TRUTH["key"], "tags": ["", "neg pos", "10 pos"]})
    assert check(tmp_path, JOINED, joined, "micro_f1")["true_score"] == pytest.approx(expected)
    # joined labels do not hold what a metric of probabilities reads
    hard = form(target="tags", label_separator=" ", probabilities=True)
    found = check(tmp_path, hard, joined, "roc_auc", proba=lambda: proba)
    assert found["true_score"] == pytest.approx(metrics.value("roc_auc", truth, None, proba, classes=3))


def test_a_label_that_train_lacks_is_a_miss(tmp_path: Path) -> None:
    joined = pd.DataFrame({"key": TRUTH["key"], "tags": ["new", "neg", "pos 10"]})
    assert check(tmp_path, JOINED, joined, "micro_f1")["true_score"] == pytest.approx(2 * 3 / (4 + 3))


def test_values_of_a_submission_are_scored(tmp_path: Path) -> None:
    truth = pd.DataFrame({"key": ["2", "03", "001"], "y": ["3", "0", "1e22"], "x": ["-1.5", "1", "0.1"]})
    found = check(tmp_path, REGRESSION, truth, "mae")
    assert found["true_score"] == pytest.approx((1 + 0.1 + 0.2) / 6)


@pytest.mark.parametrize(
    ("truth", "told"),
    [
        (TRUTH.head(2), "the truth lacks 1 ids"),
        (TRUTH.assign(neg="x"), "the truth has 3 rows whose 'neg' is neither 0 nor 1"),
        (TRUTH.drop(columns="neg"), "the truth has no column 'neg'"),
    ],
)
def test_truths_that_do_not_fit_are_refused(tmp_path: Path, truth: pd.DataFrame, told: str) -> None:
    with pytest.raises(UserError, match=told):
        check(tmp_path, form(), truth, "micro_f1")
