"""Decisions: the line search against brute force, and no look at the labels of the fold decided."""

import itertools

import numpy as np
import pandas as pd
import pytest
from decision_samples import cross_fit
from hypothesis import given, settings
from hypothesis import strategies as st

from podium import metrics
from podium import offsets as offsets_module
from podium.decision import Settings, resolve
from podium.errors import UserError
from podium.files import read_json, read_table, write_json, write_table
from podium.offsets import decide, fit_offsets
from podium.predict import to_table
from podium.targets import TaskType
from scripts import decision as script

SINGLE: TaskType = "single_label"
LABEL_METRICS = ["accuracy", "macro_f1", "macro_f2", "weighted_f0.5", "mcc", "balanced_accuracy", "qwk"]


def settings_of(metric: str, method: str, *, sweeps: int = 3, min_gain: float = 1.0) -> Settings:
    return Settings(method=method, metric=metric, sweeps=sweeps, k=None, min_gain=min_gain)


def problem(seed: int, rows: int, classes: int, *, rounded: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Informative probabilities (N, K) and an unbalanced truth (N,); ``rounded`` ones are often equal."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(classes, size=rows, p=rng.dirichlet(np.full(classes, 1.0)))
    logits = rng.normal(size=(rows, classes)) * 1.3
    logits[np.arange(rows), truth] += 1
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if rounded:
        proba = np.round(proba, 1) + 0.01
        proba /= proba.sum(axis=1, keepdims=True)
    return proba, truth


def reached(metric: str, proba: np.ndarray, truth: np.ndarray, offsets: np.ndarray) -> float:
    return metrics.value(metric, truth, decide(proba, offsets), None, classes=proba.shape[1])


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(2, 60), st.booleans(), st.sampled_from(["f1", "f0.5", *LABEL_METRICS])
)
def test_two_classes_get_the_best_of_all_thresholds(seed, rows, rounded, metric):
    proba, truth = problem(seed, rows, 2, rounded=rounded)
    at = np.unique(proba[:, 1])
    thresholds = [-1.0, *((at[:-1] + at[1:]) / 2), 2.0]
    # Values of one threshold apart by rounding alone are one row of candidates for both sides.
    best = max(
        metrics.value(metric, truth, (proba[:, 1] > bar).astype(int), None, classes=2)
        for bar, gap in zip(thresholds, [1, *np.diff(at), 1], strict=True)
        if gap > 1e-6
    )
    best = max(best, metrics.value(metric, truth, None, proba, classes=2))
    offsets = fit_offsets(proba, truth, metric=metric, sweeps=1)
    assert reached(metric, proba, truth, offsets) == pytest.approx(best, abs=1e-8)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 5), st.booleans(), st.sampled_from(LABEL_METRICS))
def test_no_single_offset_can_be_better(seed, classes, rounded, metric):
    proba, truth = problem(seed, 40, classes, rounded=rounded)
    offsets = fit_offsets(proba, truth, metric=metric, sweeps=100)
    best = reached(metric, proba, truth, offsets)
    assert best >= reached(metric, proba, truth, np.zeros(classes))
    scores = np.log(proba) + offsets
    for label in range(classes):
        entry = np.sort(np.delete(scores, label, axis=1).max(axis=1) - scores[:, label])
        steps = [entry[0] - 1, *((entry[:-1] + entry[1:]) / 2)[np.diff(entry) > 1e-6], entry[-1] + 1]
        for step in steps:
            moved = offsets + step * (np.arange(classes) == label)
            assert reached(metric, proba, truth, moved) <= best + 1e-8


def test_a_fine_grid_over_three_classes_finds_hardly_more():
    proba, truth = problem(11, 150, 3)
    grid = np.linspace(-3, 3, 61)
    best = max(
        reached("macro_f1", proba, truth, np.array([0, a, b])) for a, b in itertools.product(grid, grid)
    )
    offsets = fit_offsets(proba, truth, metric="macro_f1", sweeps=10)
    plain = reached("macro_f1", proba, truth, np.zeros(3))
    found = reached("macro_f1", proba, truth, offsets)
    assert found - plain > 0.8 * (best - plain)


def test_nothing_is_moved_without_a_gain():
    truth = np.array([0, 1, 2, 0])
    assert (fit_offsets(np.eye(3)[truth], truth, metric="macro_f1", sweeps=3) == 0).all()


def test_ties_and_zeros_decide_like_the_argmax():
    proba = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 0.5, 0.5]])
    assert decide(proba, np.zeros(3)).tolist() == proba.argmax(axis=1).tolist()


@pytest.mark.parametrize(("folds", "metric"), [(4, "macro_f1"), (2, "mcc"), (3, "balanced_accuracy")])
def test_a_folds_decisions_do_not_see_its_labels(folds, metric):
    proba, truth = problem(3, 240, 4)
    fold = np.arange(240) % folds
    before = cross_fit(proba, truth, fold, settings_of(metric, "offsets"))
    assert (before.labels != proba.argmax(axis=1)).any()
    changed = np.where(fold == 1, (truth + 1) % 4, truth)
    after = cross_fit(proba, changed, fold, settings_of(metric, "offsets"))
    assert before.folds[1] == after.folds[1]
    assert (before.labels[fold == 1] == after.labels[fold == 1]).all()
    assert before.folds[0] != after.folds[0]


def test_shrinkage_is_cross_fitting_inside_the_other_folds_written_out():
    factors = set()
    for seed in range(4):
        proba, truth = problem(seed, 200, 5)
        folds = np.arange(200) % 4
        decided = cross_fit(proba, truth, folds, settings_of("macro_f1", "offsets", sweeps=2))
        for fold in range(5):
            rows = folds != fold
            values = {}
            for factor in (0, 0.25, 0.5, 0.75, 1):
                labels = np.full(200, -1)
                for inner in set(range(4)) - {fold}:
                    kept = rows & (folds != inner)
                    offsets = fit_offsets(proba[kept], truth[kept], metric="macro_f1", sweeps=2)
                    labels[folds == inner] = decide(proba[folds == inner], factor * offsets)
                values[factor] = metrics.value("macro_f1", truth[rows], labels[rows], None, classes=5)
            best = max(values, key=lambda factor: values[factor])
            expected = best * fit_offsets(proba[rows], truth[rows], metric="macro_f1", sweeps=2)
            found = decided.folds[fold] if fold < 4 else decided.test
            assert found.params["offsets"] == pytest.approx(expected)
            factors.add(best)
    assert len(factors) > 2


def test_tuning_on_noise_shows_no_gain_when_cross_fitted():
    gains, seen = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        proba, truth = rng.dirichlet(np.ones(4), size=300), rng.integers(4, size=300)
        decided = cross_fit(proba, truth, np.arange(300) % 5, settings_of("mcc", "offsets"))
        gains.append(metrics.value("mcc", truth, decided.labels, None, classes=4))
        seen.append(reached("mcc", proba, truth, fit_offsets(proba, truth, metric="mcc", sweeps=3)))
    assert abs(np.mean(gains)) < 3 * np.std(gains) / np.sqrt(len(gains))
    assert np.mean(seen) > 0.05


def test_auto_tunes_only_where_the_argmax_is_not_best():
    assert resolve("auto", "accuracy", SINGLE) == resolve("auto", "log_loss", SINGLE) == ("argmax",)
    assert resolve("auto", "macro_f2", SINGLE) == resolve("prior", "f1", SINGLE) == ("argmax", "offsets")
    assert resolve("auto", "qwk", SINGLE) == ("argmax", "offsets", "cut_points")
    assert resolve("auto", "map_at_3", SINGLE) == ("top_k",)
    assert resolve("argmax", "f1", SINGLE) == ("argmax",)
    for method, metric, told in [
        ("offset", "f1", "did you mean 'offsets'"),
        ("offsets", "log_loss", "offsets change labels, but log_loss reads probabilities; use auto"),
        ("prior", "roc_auc", "prior changes labels, but roc_auc reads probabilities"),
        ("cut_points", "accuracy", "cut_points are for the whole numbers of qwk, not for accuracy; use auto"),
        ("top_k", "accuracy", "top_k is for several labels a row: multi_label, or map_at_k; use auto"),
        ("offsets", "top_2_accuracy", "reads ranked labels, offsets has none; use auto or top_k"),
    ]:
        with pytest.raises(UserError, match=told):
            resolve(method, metric, SINGLE)


@pytest.mark.parametrize(
    ("metric", "method"), [("macro_f1", "offsets"), ("log_loss", "auto"), ("f1", "argmax")]
)
def test_script_writes_labels_offsets_and_score(tmp_path, metric, method):
    classes = 2 if metric == "f1" else 3
    names = ["10", "9", "8"][:classes]
    proba, truth = problem(1, 90, classes)
    ids, folds = [f"r{i}" for i in range(90)], np.arange(90) % 3
    files = {
        name: tmp_path / name
        for name in (
            *("oof", "test", "test_folds", "train", "folds", "labels"),
            *("oof_out", "test_out", "test_folds_out", "fit", "score"),
        )
    }
    write_table(to_table(ids, proba, names).iloc[::-1], files["oof"])
    write_table(to_table([f"t{i}" for i in range(60)], proba[:60], names), files["test"])
    alone = [to_table([f"t{i}" for i in range(9)], part, names) for part in (proba[9:18], proba[:9])]
    alone = [table.assign(fold=fold) for fold, table in enumerate(alone)]
    write_table(pd.concat(alone), files["test_folds"])
    write_table(pd.DataFrame({"id": ids, "target": np.array(names)[truth]}), files["train"])
    write_table(pd.DataFrame({"id": ids, "fold": folds, "cluster": range(len(ids))}), files["folds"])
    write_json(names, files["labels"])
    script.main(**files, method=method, metric=metric, type="single_label", sweeps=2, k=None, min_gain=1.0)
    score, fit = read_json(files["score"]), read_json(files["fit"])
    given = read_table(files["oof_out"])
    assert given.columns.tolist() == ["id", "label", "fold"]
    assert given["id"].tolist() == ids
    assert score["method"] == ("offsets" if metric == "macro_f1" else "argmax")
    assert (score["n"], len(score["folds"]), len(fit["folds"])) == (90, 3, 3)
    if metric == "log_loss":
        expected = metrics.score(metric, truth, None, proba, classes=classes)
    else:
        expected = metrics.score_labels(
            metric, np.array(names)[truth].tolist(), given["label"].tolist(), names
        )
    assert (score["cv"], score["se"]) == pytest.approx((expected.value, expected.se), abs=1e-6)
    assert score["argmax_cv"] == pytest.approx(
        metrics.value(metric, truth, None, proba, classes=classes), abs=1e-6
    )
    offsets = np.array([fit.get("offsets", {}).get(name, 0.0) for name in names])
    assert (offsets != 0).any() == (metric == "macro_f1")
    test = read_table(files["test_out"])
    assert test["id"].tolist() == [f"t{i}" for i in range(60)]
    assert test["label"].tolist() == [names[k] for k in decide(proba[:60], offsets)]
    of_models = read_table(files["test_folds_out"])
    assert of_models.groupby("fold")["id"].apply(list).tolist() == [test["id"].tolist()[:9]] * 2
    assert of_models.loc[of_models["fold"] == 1, "label"].tolist() == test["label"].tolist()[:9]


@pytest.mark.parametrize("metric", LABEL_METRICS)
def test_the_grid_of_many_rows_finds_what_the_exact_steps_find(metric, monkeypatch):
    proba, truth = problem(5, 4000, 4)
    exact = fit_offsets(proba, truth, metric=metric, sweeps=3)
    monkeypatch.setattr(offsets_module, "_EXACT_ROWS", 1000)
    searched = []
    search = offsets_module._grid_search
    monkeypatch.setattr(
        offsets_module, "_grid_search", lambda *given: searched.append(search(*given)) or searched[-1]
    )
    grid = fit_offsets(proba, truth, metric=metric, sweeps=3)
    assert reached(metric, proba, truth, grid) == pytest.approx(
        reached(metric, proba, truth, exact), abs=0.004
    )
    assert searched
    scores = np.log(proba)
    top = scores[:, 1:].argmax(axis=1) + 1
    entry = scores[np.arange(4000), top] - scores[:, 0]
    offset, found = search(entry, top, 0, truth, metric, 4)
    assert found == pytest.approx(reached(metric, proba, truth, np.array([offset, 0, 0, 0])))
