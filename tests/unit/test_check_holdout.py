"""The comparison of the reported score with the true one."""

import math

import pandas as pd
import pytest

from podium.check_holdout import by_seen, compare, expected, render
from podium.errors import UserError


def accuracy(true: list[str], predicted: list[str]) -> tuple[float, float]:
    share = sum(a == b for a, b in zip(true, predicted, strict=True)) / len(true)
    return share, math.sqrt(share * (1 - share) / len(true))


def table(ids: list[str], labels: list[str], target: str = "label") -> pd.DataFrame:
    return pd.DataFrame({"id": ids, target: labels}, dtype="str")


TRUTH = table(["1", "2", "3", "4"], ["a", "b", "a", "b"])


def run(
    submission: pd.DataFrame, truth: pd.DataFrame = TRUTH, id: str | None = "id", se: float = 0.1
) -> dict:
    return compare(
        submission,
        truth,
        id=id,
        target="label",
        metric="accuracy",
        metric_value=accuracy,
        reported_cv=0.8,
        reported_se=se,
    )


def test_rows_are_joined_by_id_and_the_difference_is_in_standard_errors() -> None:
    result = run(table(["4", "3", "2", "1"], ["b", "a", "b", "x"], target="class"))
    assert result["true_score"] == result["accuracy"] == 0.75
    assert result["n"] == 4
    assert result["difference"] == pytest.approx(0.05)
    assert result["standard_errors"] == pytest.approx(0.05 / math.sqrt(0.01 + 0.75 * 0.25 / 4))
    lines = render(result).splitlines()
    assert lines[0] == "accuracy on 4 held-out rows"
    assert "+0.0500" in lines[3]
    assert "(+0.21 standard errors)" in lines[3]


@pytest.mark.parametrize(("high", "inside"), [(0.75, "inside"), (0.74, "outside")])
def test_the_true_score_is_set_beside_where_it_was_said_to_lie(high: float, inside: str) -> None:
    result = run(TRUTH.assign(label=["a", "b", "b", "b"]))
    result |= expected(result["true_score"], 0.5, high)
    assert result["inside"] == (inside == "inside")
    assert f"expected in 9 of 10 cases     0.5000 to {high:.4f}: {inside}" in render(result)


def test_rows_that_stand_in_train_are_scored_apart() -> None:
    given = TRUTH.assign(label=["a", "a", "b", "b"]).iloc[::-1]
    seen = pd.Series([False, True, True, True], index=["4", "3", "2", "1"])
    how = {"id": "id", "target": "label", "metric_value": accuracy}
    parts = by_seen(given, TRUTH, seen, **how)
    assert (parts["seen"]["n"], parts["unseen"]["n"]) == (3, 1)
    assert (parts["seen"]["true_score"], parts["unseen"]["true_score"]) == (pytest.approx(1 / 3), 1.0)
    shown = render(run(given) | parts)
    assert "3 rows, text stands in train  0.3333 +- " in shown
    assert "1 rows, text does not         1.0000 +- " in shown
    assert by_seen(given, TRUTH, seen & False, **how) == by_seen(given, TRUTH, seen | True, **how) == {}
    numbered = pd.Series([True, False, False, False])
    assert by_seen(TRUTH[["label"]], TRUTH[["label"]], numbered, **{**how, "id": None})["seen"]["n"] == 1


def test_no_spread_gives_no_standard_errors() -> None:
    result = run(TRUTH, se=0.0)
    assert (result["true_score"], result["standard_errors"]) == (1.0, None)
    assert "standard errors" not in render(result)


def test_numbered_rows_are_compared_in_order() -> None:
    assert run(TRUTH[["label"]], TRUTH[["label"]], id=None)["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("submission", "told"),
    [
        (table(["1", "2", "3"], ["a"] * 3), r"submission lacks 1 ids \(first '4'\)"),
        (table(["1", "2", "3", "4", "5"], ["a"] * 5), "the truth lacks 1 ids"),
        (table(["1", "2", "3", "3"], ["a"] * 4), "1 ids more than once"),
        (TRUTH.rename(columns={"id": "idd"}), "no column 'id'; did you mean 'idd'"),
        (TRUTH.rename(columns={"label": "lable"}).assign(x="1"), "no column 'label'; did you mean 'lable'"),
        (TRUTH.head(0), "has no rows"),
    ],
)
def test_what_cannot_be_joined_is_refused(submission: pd.DataFrame, told: str) -> None:
    with pytest.raises(UserError, match=told):
        run(submission)
