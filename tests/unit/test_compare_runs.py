"""Two runs' results set side by side: differences and their paired errors by brute force, what is told of the rest."""

import copy
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from compare_samples import CONFIG, LABELS, results
from hypothesis import given
from hypothesis import strategies as st

from podium import compare as comparing
from podium.compare import Comparison, configs, files
from podium.compare.rows_of import _together
from podium.errors import UserError
from podium.explain.words import WIDTH, columns
from podium.files import write_json, write_table, write_text

ROWS, FOLDS = 600, 3
TRUTH = np.arange(ROWS) % 2
CLUSTERS = np.arange(ROWS) // 4
DEALT = CLUSTERS % FOLDS


def answers(seed: int, wrong: list[float]) -> np.ndarray:
    """Classes that are wrong with a probability of each fold's own, all rows of a cluster of four together."""
    random = np.random.default_rng(seed).random(ROWS // 4)[CLUSTERS]
    return np.where(random < np.array(wrong)[DEALT], 1 - TRUTH, TRUTH)


A, B = answers(1, [0.2, 0.2, 0.2]), answers(2, [0.1, 0.16, 0.22])


def pair(tmp_path: Path, *, folds: np.ndarray = DEALT) -> tuple[Path, Path]:
    changed = copy.deepcopy(CONFIG)
    changed["models"]["linear"]["c"] = 2.0
    one = results(tmp_path / "a", TRUTH, {"linear-s0": A, "other-s0": A}, DEALT, CLUSTERS, config=CONFIG)
    other = results(tmp_path / "b", TRUTH, {"linear-s0": B, "other-s0": A}, folds, CLUSTERS, config=changed)
    return one, other


def bootstrap(strata: np.ndarray) -> float:
    """Variance of the difference where clusters are drawn in each stratum; unbiased, by drawing rows themselves."""
    random = np.random.default_rng(7)
    apart = ((B == TRUTH).astype(float) - (A == TRUTH))[::4]  # the four rows of a cluster are alike
    groups = [apart[strata[::4] == number] for number in np.unique(strata)]
    draws = [sum(random.choice(group, len(group)).sum() for group in groups) for _ in range(8000)]
    return float(np.var(draws)) / (ROWS / 4) ** 2 * (ROWS / 4) / (ROWS / 4 - len(groups))


def fold_variance() -> float:
    """By how much folds differ beyond their rows, over the number of folds (folds are of one size here)."""
    apart = ((B == TRUTH).astype(float) - (A == TRUTH))[::4]
    parts = [apart[DEALT[::4] == fold] for fold in range(FOLDS)]
    between = np.var([part.mean() for part in parts], ddof=1)
    within = np.mean([part.var(ddof=1) / len(part) for part in parts])
    return max(0.0, float(between - within)) / FOLDS


@pytest.mark.parametrize("same", [True, False], ids=["same folds", "different folds"])
def test_a_difference_and_its_paired_error_are_those_of_brute_force(tmp_path: Path, same: bool) -> None:
    folds = DEALT if same else (DEALT + CLUSTERS // 3) % FOLDS
    found = comparing.compare(*pair(tmp_path, folds=folds)).tasks[0]
    assert found.same_folds is same
    assert any("different folds" in note for note in found.notes) is not same
    assert found.scores is not None
    one = {(row.what, row.name): row for row in found.scores.differences}
    expected = (B == TRUTH).mean() - (A == TRUTH).mean()
    variance = bootstrap(DEALT if same else np.zeros(ROWS)) + (fold_variance() if same else 0.0)
    for key in (("member", "linear-s0"), ("ensemble", "mean"), ("submitted", "")):
        assert one[key].difference == pytest.approx(expected, abs=1e-12)
        assert one[key].se == pytest.approx(variance**0.5, rel=0.06)
        assert one[key].better == ("b" if expected > 0 else "a")
    assert one["member", "other-s0"].same
    assert one["member", "other-s0"].se == 0
    if same:
        assert fold_variance() > 0, "folds differ, so that leaving their effect out would be seen"


def test_what_changed_is_counted_and_listed(tmp_path: Path) -> None:
    found = comparing.compare(*pair(tmp_path))
    assert found.config is not None
    assert [dataclasses.astuple(one) for one in found.config] == [("models.linear.c", "both", 1.0, 2.0)]
    train, test = found.tasks[0].decisions
    changed = np.flatnonzero(A != B)
    assert {row.id for row in train.rows} == {f"r{number}" for number in changed}
    assert train.count == {
        who: count
        for who, count in (
            ("a", (A[changed] == TRUTH[changed]).sum()),
            ("b", (B[changed] == TRUTH[changed]).sum()),
        )
        if count
    }
    for row in train.rows:
        number = int(row.id[1:])
        assert (row.a, row.b, row.label) == tuple(LABELS[k[number]] for k in (A, B, TRUTH))
        assert row.right == ("a" if A[number] == TRUTH[number] else "b")
        assert row.moved == pytest.approx(0.8, abs=1e-6)
    assert len(test.rows) == (A[:20] != B[:20]).sum()
    assert {row.right for row in test.rows} <= {"unknown"}


def test_results_compared_with_themselves_differ_in_nothing(tmp_path: Path) -> None:
    one, _ = pair(tmp_path)
    found = comparing.compare(one, one)
    assert found.config == []
    assert found.notes == []
    assert found.tasks[0].scores is not None
    assert all(row.same for row in found.tasks[0].scores.differences)
    assert all(part.rows == [] for part in found.tasks[0].decisions)
    assert found.only_a == found.only_b == []
    assert "config: no key differs" in comparing.text(found, rows=5)


def test_other_rows_labels_tasks_and_competitions_are_said(tmp_path: Path) -> None:
    one, _ = pair(tmp_path)
    ids = [f"r{number}" for number in range(100, 100 + ROWS)]
    moved = {"linear-s0": B}
    config = {
        **CONFIG,
        "competition": "elsewhere",
        "tasks": {"topic": {**CONFIG["tasks"]["topic"], "metric": "mcc"}},
    }
    truth = np.roll(TRUTH, -100).copy()
    truth[0] = 1 - truth[0]
    other = results(tmp_path / "c", truth, moved, DEALT, CLUSTERS, config=config, ids=ids)
    write_text("{}", other / "ingest/second/labels.json")
    found = comparing.compare(one, other)
    task = found.tasks[0]
    said = " ".join([*found.notes, *task.notes])
    for words in (
        "different competitions: a is hand, b is elsewhere",
        "b alone has the task second",
        "a has 600 training rows, b 600; scores here are of the 499 that both have with the same label",
        "1 others have another label",
        "different metrics: a has accuracy, b mcc",
    ):
        assert words in said
    assert task.scores is not None
    assert task.scores.only_a == ["member other-s0 round 0"]
    row = next(row for row in task.scores.differences if row.what == "member")
    kept = np.arange(101, ROWS)
    assert row.a == pytest.approx((A[kept] == TRUTH[kept]).mean())
    assert row.b == pytest.approx((B[kept - 100] == TRUTH[kept]).mean())
    assert all(columns(line) <= WIDTH for line in comparing.text(found, rows=20).splitlines())


def test_a_folder_without_results_is_a_user_s_mistake(tmp_path: Path) -> None:
    one, _ = pair(tmp_path)
    with pytest.raises(UserError, match="holds no results"):
        comparing.compare(one, tmp_path / "nowhere")


def test_results_without_scores_or_config_are_compared_as_far_as_they_go(tmp_path: Path) -> None:
    one, other = pair(tmp_path)
    (other / "scores.json").unlink()
    (other / "config.yaml").unlink()
    found: Comparison = comparing.compare(one, other)
    assert found.config is None
    assert found.tasks[0].scores is None
    assert "no scores.json" in " ".join(found.tasks[0].notes)
    assert found.tasks[0].decisions[0].rows
    write_json({}, other / "scores.json")
    assert comparing.compare(one, other).tasks[0].scores is None


def test_a_run_that_is_not_at_its_end_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    """Rows, folds, predictions and decisions of different times: what cannot be scored is said, the rest is told."""
    one, other = pair(tmp_path)
    train = pd.read_parquet(other / "ingest/topic/train.parquet")
    write_table(
        pd.concat([train, train.head(1).assign(id="new")]), other / "ingest/topic/train.parquet"
    )  # ingested again, not yet dealt
    test = pd.read_parquet(other / "ingest/topic/test.parquet")
    write_table(test.iloc[15:], other / "ingest/topic/test.parquet")
    found = comparing.compare(other, one)
    assert found.tasks[0].rows == ROWS
    assert found.tasks[0].scores is not None
    gone = set(test["id"].iloc[:15])
    texts = {row.id: row.text for row in found.tasks[0].decisions[1].rows}
    assert texts == {id: "" if id in gone else f"text {id}" for id in texts}
    assert gone & set(texts)
    for lost, words in (
        ("predict/topic/linear-s0/round0/oof.parquet", "oof.parquet is not there"),
        ("decision/topic/oof.parquet", "is of other rows than stage ingest has now"),
    ):
        if "not there" in words:
            (other / lost).unlink()
        else:
            results(tmp_path / "b", TRUTH, {"linear-s0": B, "other-s0": A}, DEALT, CLUSTERS, config=CONFIG)
            write_table(pd.read_parquet(other / lost).iloc[5:], other / lost)
        for order in ((one, other), (other, one)):
            task = comparing.compare(*order).tasks[0]
            assert task.scores is None
            assert words in " ".join(task.notes)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["x", "y"]) | st.lists(st.integers(0, 2)),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abc"), VALUES), st.dictionaries(st.sampled_from("abc"), VALUES))
def test_config_differences_lead_from_one_config_to_the_other(
    one: dict[str, object], other: dict[str, object]
) -> None:
    made = copy.deepcopy(one)
    for difference in configs.differences(one, other):
        node: dict[str, object] = made
        *path, last = difference.key.split(".")
        for key in path:
            node = node[key]  # type: ignore[assignment]
        assert (last in node) is (difference.where != "b")
        if difference.where == "a":
            del node[last]
        else:
            node[last] = difference.b
    assert repr(_sorted(made)) == repr(_sorted(other))
    assert configs.differences(one, copy.deepcopy(one)) == []


def _sorted(value: object) -> object:
    return {key: _sorted(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


def test_clusters_of_two_runs_tie_what_either_ties() -> None:
    found = _together(np.array([0, 0, 1, 2, 3, 3]), np.array([5, 6, 6, 7, 8, 8]))
    assert found[0] == found[1] == found[2]
    assert found[4] == found[5]
    assert len({found[0], found[3], found[4]}) == 3


def test_files_of_one_run_and_times(tmp_path: Path) -> None:
    one, other = tmp_path / "a", tmp_path / "b"
    for name in ("x/1.json", "x/new/2.json", "x/new/deep/3.json", "y.json", "logs/z.log"):
        write_text("{}", one / name)
    write_text("{}", other / "x/1.json")
    only = files.only(one, other)
    assert [(part.path, part.files) for part in only[0]] == [("x/new/", 2), ("y.json", 1)]
    assert only[1] == []
    for seconds, name in ((1.5, "train/f0"), (2.0, "train/f1"), (0.5, "fetch")):
        table = pd.DataFrame({"s": [seconds], "max_rss": ["-"]})
        (one / f"benchmarks/{name}").parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(one / f"benchmarks/{name}.tsv", sep="\t", index=False)
    found = {stage.stage: stage for stage in files.stages(one, other)}
    assert (found["train"].seconds_a, found["train"].jobs_a, found["train"].seconds_b) == (3.5, 2, None)
    assert found["fetch"].seconds_a == 0.5
