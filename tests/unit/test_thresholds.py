"""Multi-label decisions: the search against brute force, and no look at the labels of the fold decided."""

import itertools

import numpy as np
import pandas as pd
import pytest
from decision_samples import cross_fit
from hypothesis import given, settings
from hypothesis import strategies as st

from podium import metrics
from podium.decision import Choice, Settings, apply, resolve
from podium.errors import UserError
from podium.files import read_json, read_table, write_json, write_table
from podium.predict import to_table
from podium.targets import to_array, to_text
from podium.thresholds import decide, fit_offsets, log_odds
from scripts import decision as script

LABEL_METRICS = [name for name, found in metrics.METRICS["multi_label"].items() if found.uses == "labels"]
LABEL_METRICS += ["macro_f2", "micro_f0.5", "samples_f2"]


def problem(seed: int, rows: int, classes: int, *, rounded: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Informative probabilities (N, K) of rare classes and their truth; ``rounded`` ones are often equal."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((rows, classes)) < rng.uniform(0.05, 0.5, classes)).astype(np.float32)
    proba = 1 / (1 + np.exp(1.5 - 1.5 * truth - rng.normal(size=truth.shape)))
    return (np.round(proba, 1) if rounded else proba), truth


def settings_of(metric: str, method: str, *, k: int | None = None) -> Settings:
    return Settings(method=method, metric=metric, sweeps=3, k=k, min_gain=1.0)


def utility(metric: str, truth: np.ndarray, labels: np.ndarray) -> float:
    return metrics.utility(metric, metrics.value(metric, truth, labels, None, classes=truth.shape[1]))


def thresholds(column: np.ndarray) -> list[float]:
    """A threshold in every gap between probabilities, and beyond both ends."""
    at = np.unique(column)
    return [-1.0, *((at[:-1] + at[1:]) / 2), 2.0]


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.booleans(), st.sampled_from(LABEL_METRICS))
def test_no_single_threshold_can_be_better(seed: int, rounded: bool, metric: str) -> None:
    proba, truth = problem(seed, 30, 3, rounded=rounded)
    offsets = fit_offsets(proba, truth, metric=metric, sweeps=50)
    labels = decide(proba, offsets)
    best = utility(metric, truth, labels)
    assert best >= utility(metric, truth, (proba > 0.5).astype(np.float32))
    for label in range(3):
        for bar in thresholds(proba[:, label]):
            moved = labels.copy()
            moved[:, label] = proba[:, label] > bar
            assert utility(metric, truth, moved) <= best + 1e-8


@pytest.mark.parametrize("metric", ["macro_f1", "weighted_f1", "hamming_loss"])
def test_one_pass_finds_the_best_of_all_thresholds_of_a_mean_over_classes(metric: str) -> None:
    proba, truth = problem(2, 25, 2)
    best = max(
        utility(metric, truth, (proba > bars).astype(np.float32))
        for bars in itertools.product(thresholds(proba[:, 0]), thresholds(proba[:, 1]))
    )
    found = fit_offsets(proba, truth, metric=metric, sweeps=1)
    assert utility(metric, truth, decide(proba, found)) == pytest.approx(best)


def test_nothing_is_moved_without_a_gain_and_an_offset_of_0_is_a_threshold_of_one_half() -> None:
    truth = np.eye(3, dtype=np.float32)
    assert (fit_offsets(0.2 + 0.6 * truth, truth, metric="micro_f1", sweeps=3) == 0).all()
    proba = np.array([[0.0, 0.5, 0.500001, 1.0]])
    assert decide(proba, np.zeros(4)).tolist() == [[0, 0, 1, 1]]
    offset = np.array([np.log(3.0)])  # the threshold 1 / (1 + 3)
    assert decide(np.array([[0.2499], [0.2501]]), offset).tolist() == [[0], [1]]
    assert np.isfinite(log_odds(proba)).all()


@pytest.mark.parametrize("folds", [2, 4])
@pytest.mark.parametrize("metric", ["micro_f1", "samples_f1"])
def test_a_folds_decisions_do_not_see_its_labels(folds: int, metric: str) -> None:
    proba, truth = problem(3, 240, 4)
    fold = np.arange(240) % folds
    before = cross_fit(proba, truth, fold, settings_of(metric, "offsets"))
    assert (before.labels != (proba > 0.5)).any()
    changed = np.where((fold == 1)[:, None], 1 - truth, truth).astype(np.float32)
    after = cross_fit(proba, changed, fold, settings_of(metric, "offsets"))
    assert before.folds[1] == after.folds[1]
    assert (before.labels[fold == 1] == after.labels[fold == 1]).all()
    assert before.folds[0] != after.folds[0]


def test_methods_of_each_type() -> None:
    assert (
        resolve("auto", "macro_f1", "multi_label")
        == resolve("auto", "samples_f1", "multi_label")
        == ("argmax", "offsets")
    )
    assert (
        resolve("auto", "hamming_loss", "multi_label")
        == resolve("auto", "roc_auc", "multi_label")
        == ("argmax",)
    )
    assert resolve("auto", "rmse", "regression") == ("values",)
    assert resolve("top_k", "samples_f1", "multi_label") == ("top_k",)
    with pytest.raises(UserError, match="a regression predicts values; use auto"):
        resolve("argmax", "rmse", "regression")
    with pytest.raises(UserError, match="offsets change labels"):
        resolve("offsets", "average_precision", "multi_label")
    values = np.array([[1.5], [-2.0]])
    settings = settings_of("rmse", "auto")
    assert (cross_fit(values, values, np.array([0, 1]), settings).labels == values).all()
    assert apply(values, Choice("values", {}, None, None), settings, "regression") is values


def tables(folder, proba: np.ndarray, truth: np.ndarray, names: list[str], type: str) -> dict:
    """The script's files; the out-of-fold table in another order."""
    files = {
        name: folder / name
        for name in (
            *("oof", "test", "test_folds", "train", "folds", "labels"),
            *("oof_out", "test_out", "test_folds_out", "fit", "score"),
        )
    }
    ids = [f"r{i}" for i in range(len(truth))]
    write_table(to_table(ids, proba, names, type).iloc[::-1], files["oof"])
    test = to_table([f"t{i}" for i in range(20)], proba[:20], names, type)
    write_table(test, files["test"])
    write_table(test.assign(fold=0), files["test_folds"])
    write_table(pd.DataFrame({"id": ids, "target": to_text(truth, names)}, dtype="str"), files["train"])
    write_table(
        pd.DataFrame({"id": ids, "fold": np.arange(len(truth)) % 3, "cluster": range(len(ids))}),
        files["folds"],
    )
    write_json(names, files["labels"])
    return files


@pytest.mark.parametrize("metric", ["macro_f1", "roc_auc"])
def test_script_decides_labels(tmp_path, metric: str) -> None:
    proba, truth = problem(1, 120, 3)
    names = ["toxic", "10", "b"]
    files = tables(tmp_path, proba, truth, names, "multi_label")
    method = "offsets" if metric == "macro_f1" else "auto"
    settings = {"method": method, "metric": metric, "sweeps": 3, "k": None, "min_gain": 1.0}
    script.main(**files, **settings, type="multi_label")
    score, fit = read_json(files["score"]), read_json(files["fit"])
    given_ = to_array(read_table(files["oof_out"])["label"], names, "multi_label")
    labels = given_ if metric == "macro_f1" else None
    stored = proba.astype(np.float32).astype(float)
    expected = metrics.score(metric, truth, labels, stored, classes=3)
    assert (score["cv"], score["se"]) == pytest.approx((expected.value, expected.se))
    assert score["method"] == fit["method"] == ("thresholds" if metric == "macro_f1" else "threshold 0.5")
    test = to_array(read_table(files["test_out"])["label"], names, "multi_label")
    assert (
        test == decide(stored[:20], np.array([fit.get("offsets", {}).get(name, 0.0) for name in names]))
    ).all()
    assert read_table(files["oof_out"])["fold"].tolist() == [i % 3 for i in range(120)]


def test_script_hands_values_on(tmp_path) -> None:
    rng = np.random.default_rng(0)
    truth, names = rng.normal(size=(60, 2)), ["y", "z"]
    values = truth + 0.1 * rng.normal(size=(60, 2))
    files = tables(tmp_path, values, truth, names, "regression")
    script.main(**files, method="auto", metric="rmse", type="regression", sweeps=3, k=None, min_gain=1.0)
    assert read_json(files["score"])["cv"] == metrics.value("rmse", truth, None, values, classes=2)
    given_ = to_array(read_table(files["test_out"])["label"], names, "regression")
    assert (given_ == values[:20]).all()
