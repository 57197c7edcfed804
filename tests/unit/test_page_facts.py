"""Figures of the page against other implementations."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from page_samples import figures
from sklearn import metrics

from podium.files import write_json, write_table
from podium.page import (
    facts_labels,
    facts_rows,
    facts_spans,
    facts_stages,
    facts_values,
    section_labels,
    section_time,
    times,
)
from podium.page.facts_stages import ensemble
from podium.span.answers import Answer

NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(3)


def test_scores_by_class_are_scikit_learns(random: np.random.Generator) -> None:
    truth, said = random.integers(0, 3, 200), random.integers(0, 3, 200)
    found = pd.DataFrame(facts_labels.by_class(truth, said, NAMES[:3]))
    wanted = metrics.precision_recall_fscore_support(truth, said)
    for name, values in zip(["precision", "recall", "f1", "rows"], wanted, strict=True):
        np.testing.assert_allclose(found[name], values)
    flags, given = random.random((90, 4)) < 0.4, random.random((90, 4)) < 0.4
    found = pd.DataFrame(facts_labels.by_class(flags.astype("f4"), given.astype("f4"), NAMES))
    np.testing.assert_allclose(found["f1"], metrics.f1_score(flags, given, average=None))


def test_a_class_that_is_never_said_has_no_precision() -> None:
    found = facts_labels.by_class(np.array([0, 1]), np.array([0, 0]), ["a", "b", "c"])
    assert [each["precision"] for each in found] == [0.5, None, None]
    assert [each["recall"] for each in found] == [1.0, 0.0, None]
    assert [each["f1"] for each in found] == [2 / 3, 0.0, None]


def test_confusion_is_scikit_learns_in_the_order_of_size(random: np.random.Generator) -> None:
    truth, said = random.choice(4, 300, p=[0.1, 0.2, 0.3, 0.4]), random.integers(0, 4, 300)
    found = facts_labels.confusion(truth, said, NAMES)
    order = [NAMES.index(name) for name in found["names"]]
    wanted = metrics.confusion_matrix(truth, said, labels=order)
    table = np.zeros((4, 4), dtype=int)
    for row, column, count in found["cells"]:
        table[row, column] = count
    np.testing.assert_array_equal(table, wanted)
    assert found["rows"] == sorted(found["rows"], reverse=True)
    assert [cell[2] for cell in found["worst"]] == sorted(
        (wanted - np.diag(np.diag(wanted)))[~np.eye(4, dtype=bool)], reverse=True
    )


def test_the_squares_of_a_thousand_classes_are_bounded(random: np.random.Generator) -> None:
    names = [f"c{number}" for number in range(1000)]
    truth, said = random.integers(0, 1000, 50_000), random.integers(0, 1000, 50_000)
    found = facts_labels.confusion(truth, said, names)
    assert len(found["cells"]) == facts_labels.CELLS
    assert sum(cell[2] for cell in found["cells"]) + found["left_out"] == 50_000
    assert sum(cell[2] for cell in found["cells"] if cell[0] == cell[1]) == (truth == said).sum()
    assert len(str(section_labels._confusion(found, "key"))) < 2_000_000


def test_calibration_error_row_by_row(random: np.random.Generator) -> None:
    chances = np.append(random.random(500), [0.0, 1.0])
    right = random.random(502) < chances
    found = facts_labels.reliability(chances, right)
    gap = 0.0
    for k in range(10):
        inside = (chances >= k / 10) & ((chances < (k + 1) / 10) | (k == 9))
        gap += abs(chances[inside].mean() - right[inside].mean()) * inside.sum() / 502
        assert found["bins"][k]["rows"] == inside.sum()
    assert found["ece"] == pytest.approx(gap)
    assert facts_labels.reliability(np.full(10, 0.8), np.arange(10) < 8)["ece"] == pytest.approx(0)


def test_values_are_scikit_learns(random: np.random.Generator) -> None:
    truth = random.normal(size=(300, 1))
    given = truth + random.normal(size=(300, 1))
    found = facts_values.of_values(truth, given, ["v"])[0]
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, given))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, given))
    assert sum(found["spread"]["counts"]) == 300
    assert sum(part["rows"] for part in found["tenths"]) == 300


def test_answers_are_counted_by_what_the_question_has() -> None:
    gold = [[], [Answer(0, 4, "blue")], [Answer(0, 3, "red")], []]
    found = facts_spans.of_answers(gold, ["", "blue", "", "red"], "exact")
    by_name = {each["name"]: each for each in found["groups"]}
    assert by_name["all questions"]["exact"] == 0.5
    assert by_name["with an answer"]["exact"] == 0.5
    assert by_name["without an answer"]["exact"] == 0.5
    assert sorted(map(tuple, found["answered"]["cells"])) == [(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1)]


def test_what_a_maximal_length_cuts(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": list("abcd"), "tokens_a": [[1] * n for n in (2, 5, 8, 20)]})
    write_table(table, tmp_path / "tokens.parquet")
    lengths = facts_rows.token_lengths(tmp_path / "tokens.parquet")
    assert lengths.to_dict() == {"a": 2, "b": 5, "c": 8, "d": 20}
    facts = {
        "max_length": 10,
        "template": {"single": {"ids": [101, -1, 102]}},
        "options": {"long_texts": "cut"},
    }
    write_json(facts, tmp_path / "transformer.json")
    room = facts_rows.room_of(tmp_path, pairs=False)
    assert room == (10, 8)
    rights = pd.Series([1.0, 1.0, 0.0, 0.0], index=list("abcd"))
    found = facts_rows.cut(lengths, (10, 8), rights)
    assert found == {
        "max_length": 10,
        "rows_cut": 0.25,
        "tokens_cut": 12 / 35,
        "right_cut": 0.0,
        "right_whole": 2 / 3,
    }
    parts = facts_rows.by_length(lengths, {"m": rights})
    assert [part["right"]["m"] for part in parts] == [1, 1, 0, 0]


def test_members_that_err_alike_are_correlated_as_numpy_says(random: np.random.Generator) -> None:
    missed = {name: random.random(50) for name in "abc"} | {"flat": np.ones(50)}
    found = facts_rows.alike(missed)
    assert found is not None
    np.testing.assert_allclose(
        np.array(found["cells"], dtype=float)[:3, :3], np.corrcoef([missed[name] for name in "abc"])
    )
    assert found["cells"][3] == [None] * 4
    assert facts_rows.alike({"a": np.ones(3)}) is None


def test_points_of_a_curve_are_means_of_their_steps(tmp_path: Path) -> None:
    steps = pd.DataFrame({"step": np.arange(960), "loss": np.arange(960.0), "rate": 1.0})
    steps.to_csv(tmp_path / "curve.csv", index=False)
    found = facts_stages.curve(tmp_path)
    assert found is not None
    assert found["loss"] == found["at"]
    assert len(found["at"]) == facts_stages.POINTS
    assert np.mean(found["loss"]) == pytest.approx(479.5)
    assert facts_stages.curve(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("params", "kind", "wanted"),
    [
        ({"weights": [1.0, 3.0]}, "weights", [0.25, 0.75]),
        ({"coef": [[1.0, -1.0, 0.0, 2.0], [1.0, 1.0, -2.0, 0.0]]}, "coefficients", [0.5, 0.5]),
        ({"boosters": []}, "none", None),
    ],
    ids=["blend", "stack", "trees"],
)
def test_weights_of_ensembles(
    tmp_path: Path, params: dict[str, list[float]], kind: str, wanted: list[float]
) -> None:
    fit = {"method": "x", "members": ["a", "b"], "params": params, "fold_params": [params] * 3}
    write_json(fit, tmp_path / "x/fit.json")
    found = ensemble(tmp_path / "x/fit.json")
    assert (found["kind"], found["all"]) == (kind, wanted)


def test_stages_are_compared_where_both_sides_were_run(tmp_path: Path) -> None:
    found = figures(tmp_path, names=NAMES)["scores"]
    rows = {(row["name"], row["round"]): row["cv"] for row in found["rows"]}
    stages = {each["stage"]: each for each in found["stages"]}
    assert set(stages) == {"noise", "pseudo", "ensemble"}  # a plain decision is no stage
    assert stages["pseudo"]["difference"] == pytest.approx(rows["a-s0", "1"] - rows["a-s0", "0"], abs=1e-5)
    assert stages["noise"]["difference"] == pytest.approx(rows["b-s0", "0"] - rows["a-s0", "0"], abs=1e-5)
    assert 0 < stages["noise"]["se"] < 0.2


def test_a_tuned_decision_is_compared_with_the_plain_one(tmp_path: Path) -> None:
    found = figures(tmp_path, "multi_label", names=NAMES)["scores"]
    cv = {row["what"]: row["cv"] for row in found["rows"]}
    decision = next(each for each in found["stages"] if each["stage"] == "decision")
    assert decision["difference"] == pytest.approx(cv["submitted"] - cv["ensemble"], abs=1e-5)
    assert decision["difference"] != 0


def test_a_check_of_another_score_is_not_shown(tmp_path: Path) -> None:
    write_json(CHECKED, tmp_path / "check_holdout/report.json")
    assert times.holdout(tmp_path, "", 0.5) == CHECKED
    assert times.holdout(tmp_path, "", 0.51) is None
    assert times.holdout(tmp_path, "other", 0.5) is None


CHECKED = {
    "reported_cv": 0.5, "true_score": 0.4, "true_se": 0.1, "n": 9, "difference": 0.1, "standard_errors": None,
    "expected_low": 0.3, "expected_high": 0.6, "inside": True,
}  # fmt: skip


@pytest.mark.parametrize("key", CHECKED)
@pytest.mark.parametrize("value", ["text", [], None, "nothing"])
def test_a_check_of_another_form_is_not_shown(tmp_path: Path, key: str, value: Any) -> None:
    odd = {name: each for name, each in CHECKED.items() if name != key} | (
        {} if value == "nothing" else {key: value}
    )
    write_json(odd, tmp_path / "check_holdout/report.json")
    found = times.holdout(tmp_path, "", 0.5)
    assert (found is None) == (odd != CHECKED)
    section_time.holdout(found)


@pytest.mark.parametrize(
    "odd",
    [{}, {"operations_per_second": 5.0}, {"device": "CPU"}, {"operations_per_second": 0, "device": "CPU"},
     {"operations_per_second": "fast", "device": "CPU"}, {"operations_per_second": 5.0, "device": None}],
)  # fmt: skip
def test_a_peak_of_another_form_is_not_shown(tmp_path: Path, odd: dict[str, Any]) -> None:
    write_json(odd, tmp_path / "benchmarks/peak.json")
    assert times.peak(tmp_path) is None
    write_json({"operations_per_second": 5e9, "device": "CPU"}, tmp_path / "benchmarks/peak.json")
    assert times.peak(tmp_path) is not None
