"""The choice between plain and tuned decisions, ranked labels, cut points: no look at a fold's own labels, no luck."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from decision_samples import cross_fit

from podium import decision, metrics
from podium.decision import Choice, Settings, apply, shifted
from podium.files import read_json, read_table, write_json, write_table
from podium.predict import to_table
from podium.targets import JOINT, TaskType, to_array, to_text
from scripts import decision as script

AUTO = Settings(method="auto", metric="macro_f1", sweeps=3, k=None, min_gain=1.0)
DRAWS, ROWS = 40, 240


def settings_of(method: str, metric: str, **others: object) -> Settings:
    return dataclasses.replace(AUTO, method=method, metric=metric, **others)


def problem(
    seed: int, type_: TaskType, *, rows: int = 400, signal: float = 1.5
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions (N, K) and their truth: unbalanced classes, rare labels, or grades that are predicted too timidly."""
    rng = np.random.default_rng(seed)
    if type_ == "multi_label":
        truth = (rng.random((rows, 4)) < [0.5, 0.3, 0.15, 0.1]).astype(np.float32)
        return 1 / (1 + np.exp(1.5 - signal * truth - rng.normal(size=truth.shape))), truth
    grades = rng.choice(4, size=rows, p=[0.5, 0.3, 0.15, 0.05])
    if type_ == "regression":
        return (0.35 * signal * grades + rng.normal(size=rows) * 0.4 + 0.5)[:, None], grades[:, None].astype(
            float
        )
    logits = rng.normal(size=(rows, 4)) + np.log([0.5, 0.3, 0.15, 0.05])
    logits[np.arange(rows), grades] += signal
    proba = np.exp(logits)
    return proba / proba.sum(axis=1, keepdims=True), grades


CASES = [
    ("single_label", "auto", "macro_f1"),
    ("single_label", "auto", "qwk"),
    ("single_label", "cut_points", "qwk"),
    ("single_label", "auto", "map_at_2"),
    ("multi_label", "auto", "micro_f1"),
    ("multi_label", "top_k", "samples_f1"),
    ("regression", "auto", "qwk"),
]


@pytest.mark.parametrize(("type_", "method", "metric"), CASES)
@pytest.mark.parametrize("folds", [2, 4])
def test_a_folds_decisions_do_not_see_its_labels(
    type_: TaskType, method: str, metric: str, folds: int
) -> None:
    proba, truth = problem(3, type_)
    fold, settings = np.arange(len(truth)) % folds, settings_of(method, metric)
    before = cross_fit(proba, truth, fold, settings)
    changed = truth.copy()
    changed[fold == 1] = np.random.default_rng(0).permutation(truth[fold == 1])
    changed[np.flatnonzero(fold == 1)[0]] = 0
    after = cross_fit(proba, changed, fold, settings)
    assert before.folds[1] == after.folds[1]
    assert (before.labels[fold == 1] == after.labels[fold == 1]).all()


def test_copies_of_rows_make_no_gain_surer() -> None:
    """Each row four times: told so, the noise of the gain is that of the rows, and not half as large."""
    proba, truth = problem(0, "single_label", rows=1000)
    folds, copies = np.arange(1000) % 5, np.repeat(np.arange(1000), 4)
    single = cross_fit(proba, truth, folds, AUTO).test
    given = proba[copies], truth[copies], folds[copies], AUTO
    alone, together = cross_fit(*given).test, decision.cross_fit(*given, clusters=copies).test
    assert single.gain is not None
    assert single.se is not None
    assert alone.gain == pytest.approx(single.gain, rel=0.2)
    assert alone.se == pytest.approx(single.se / 2, rel=0.2)
    assert together.se == pytest.approx(single.se, rel=0.2)


def test_a_gain_above_the_noise_is_taken_and_one_inside_it_is_not() -> None:
    proba, truth = problem(0, "single_label", rows=2000)
    folds = np.arange(2000) % 5
    taken = cross_fit(proba, truth, folds, AUTO)
    assert taken.test.rule == "offsets"
    assert taken.test.gain is not None
    assert taken.test.se is not None
    assert taken.test.gain > 2 * taken.test.se
    bar = taken.test.gain / taken.test.se
    kept = cross_fit(proba, truth, folds, settings_of("auto", "macro_f1", min_gain=1.01 * bar))
    assert kept.test == Choice("argmax", {}, taken.test.gain, taken.test.se)
    just = cross_fit(proba, truth, folds, settings_of("auto", "macro_f1", min_gain=0.99 * bar))
    assert just.test == taken.test


def test_the_gain_is_the_paired_one_of_cross_fitting_written_out() -> None:
    proba, truth = problem(1, "regression", rows=300)
    folds = np.arange(300) % 3
    found = cross_fit(proba, truth, folds, settings_of("auto", "qwk"))
    assert found.test.rule == "cut_points"
    gains = []
    for factor in (0.0, 0.25, 0.5, 0.75, 1.0):
        labels = np.empty_like(truth)
        for fold in range(3):
            low, cuts = (
                decision.CutPoints("regression").fit(proba[folds != fold], truth[folds != fold]).values()
            )
            plain = low[0] + 0.5 + np.arange(len(cuts[0]))
            bars = plain + factor * (np.array(cuts[0]) - plain)
            labels[folds == fold, 0] = low[0] + (proba[folds == fold] >= bars).sum(axis=1)
        gains.append(metrics.value("qwk", truth, labels, None, classes=1))
    assert found.test.gain == pytest.approx(max(gains) - metrics.value("qwk", truth, None, proba, classes=1))


def test_without_signal_the_plain_decision_is_nearly_always_kept() -> None:
    """The mean reported gain is 0 within its error, and the bar is passed about as seldom as it should be."""
    tuned, gains = 0, []
    for draw in range(30):
        rng = np.random.default_rng(draw)
        proba, truth = rng.dirichlet(np.ones(3), size=300), rng.integers(3, size=300)
        settings = settings_of("auto", "mcc", min_gain=2.0)
        found = cross_fit(proba, truth, np.arange(300) % 5, settings)
        tuned += found.test.rule != "argmax"
        plain = metrics.value("mcc", truth, None, proba, classes=3)
        gains.append(metrics.value("mcc", truth, found.labels, None, classes=3) - plain)
    assert tuned <= 4
    assert abs(np.mean(gains)) < 4 * max(np.std(gains), 1e-3) / len(gains) ** 0.5


TUNED = {
    ("single_label", "macro_f1"): "offsets",
    ("single_label", "qwk"): "offsets",
    ("multi_label", "micro_f1"): "offsets",
    ("regression", "qwk"): "cut_points",
}


def value(metric: str, truth: np.ndarray, labels: np.ndarray) -> float:
    return metrics.value(metric, truth, labels, None, classes=4 if truth.ndim == 1 else truth.shape[1])


@pytest.mark.parametrize(("type_", "method", "metric"), [case for case in CASES if case[2] != "map_at_2"])
def test_with_labels_at_random_the_score_is_at_chance(type_: TaskType, method: str, metric: str) -> None:
    """As ``test_chance``: decisions against the same ones on permuted truth; and what is seen without folds."""
    honest, fooled = [], []
    for draw in range(DRAWS):
        proba, truth = problem(draw, type_, rows=ROWS, signal=0.0)
        settings = settings_of(method, metric, min_gain=0.0)
        generator = np.random.default_rng(1000 + draw)
        found = cross_fit(proba, truth, generator.permutation(ROWS) % 4, settings)
        tuning = TUNED[type_, metric] if method == "auto" else method
        rule = decision.rules_of(settings_of(tuning, metric), type_)[tuning]
        features = rule.features(proba)
        tuned = rule.decide(features, rule.fit(features, truth))
        for labels, scores in ((found.labels, honest), (tuned, fooled)):
            chance = [value(metric, generator.permutation(truth), labels) for _ in range(30)]
            scores.append((value(metric, truth, labels) - np.mean(chance)) / max(np.std(chance), 1e-9))
    assert abs(np.mean(honest)) < 4 * np.std(honest) / DRAWS**0.5
    if method != "top_k":  # a number of labels is no fit to speak of
        assert np.mean(fooled) > 0.7


def test_top_k_of_a_row_is_its_most_probable_and_the_best_number_is_found() -> None:
    proba, truth = problem(2, "multi_label")
    settings = settings_of("top_k", "samples_f1")
    found = cross_fit(proba, truth, np.arange(400) % 4, settings)
    scores = [value("samples_f1", truth, top(proba, k)) for k in range(1, 5)]
    assert found.test.params == {"k": 1 + int(np.argmax(scores))}
    two = settings_of("top_k", "samples_f1", k=2)
    assert (cross_fit(proba, truth, np.arange(400) % 4, two).labels == top(proba, 2)).all()
    tied = apply(np.full((1, 4), 0.5), Choice("top_k", {"k": 2}, None, None), two, "multi_label")
    assert tied.tolist() == [[1, 1, 0, 0]]


def top(proba: np.ndarray, k: int) -> np.ndarray:
    bar = np.sort(proba, axis=1)[:, [-k]]
    return (proba >= bar).astype(np.float32)


def tables(folder, proba: np.ndarray, truth: np.ndarray, test: np.ndarray, type_: TaskType) -> dict:
    """The script's files."""
    names = ["y"] if type_ == "regression" else [str(k) for k in range(proba.shape[1])]
    given = ("oof", "test", "test_folds", "train", "folds", "labels")
    made = ("oof_out", "test_out", "test_folds_out", "fit", "score")
    files = {name: folder / name for name in (*given, *made)}
    ids = [f"r{i}" for i in range(len(truth))]
    write_table(to_table(ids, proba, names, type_), files["oof"])
    tested = to_table([f"t{i}" for i in range(len(test))], test, names, type_)
    write_table(tested, files["test"])
    write_table(tested.assign(fold=0), files["test_folds"])
    write_table(pd.DataFrame({"id": ids, "target": to_text(truth, names)}, dtype="str"), files["train"])
    write_table(
        pd.DataFrame({"id": ids, "fold": np.arange(len(truth)) % 3, "cluster": range(len(ids))}),
        files["folds"],
    )
    write_json(names, files["labels"])
    return {**files, "type": type_, "sweeps": 3, "k": None, "min_gain": 1.0}


def test_script_ranks_labels(tmp_path) -> None:
    proba, truth = problem(1, "single_label", rows=120)
    script.main(
        **tables(tmp_path, proba, truth, proba[:20], "single_label"), method="auto", metric="map_at_3"
    )
    given = read_table(tmp_path / "test_out")["label"]
    order = np.argsort(-proba.astype(np.float32)[:20], axis=1, kind="stable")[:, :3]
    assert given.tolist() == [JOINT.join(map(str, row)) for row in order]
    score = read_json(tmp_path / "score")
    stored = proba.astype(np.float32).astype(float)
    assert score["cv"] == pytest.approx(metrics.value("map_at_3", truth, None, stored, classes=4))
    assert (score["method"], read_json(tmp_path / "fit")["k"]) == ("top k", 3)


def test_script_cuts_values_into_whole_numbers(tmp_path) -> None:
    values, truth = problem(1, "regression")
    script.main(**tables(tmp_path, values, truth, values[:50], "regression"), method="auto", metric="qwk")
    score, fit = read_json(tmp_path / "score"), read_json(tmp_path / "fit")
    given = read_table(tmp_path / "oof_out")["label"]
    assert set(given) <= {"0", "1", "2", "3"}
    decided = to_array(given, ["y"], "regression")
    assert score["cv"] == pytest.approx(metrics.value("qwk", truth, decided, None, classes=1))
    assert score["argmax_cv"] == pytest.approx(metrics.value("qwk", truth, None, values, classes=1))
    assert score["method"] == fit["method"] == "cut points"
    assert fit["gain"] > fit["gain_se"] > 0
    cuts = np.array(fit["cuts"][0])
    assert read_table(tmp_path / "test_out")["label"].tolist() == [
        str(fit["low"][0] + int((cuts <= value).sum())) for value in values[:50, 0]
    ]


def test_script_corrects_for_the_test_rows_class_shares(tmp_path) -> None:
    proba, truth = problem(1, "single_label", rows=1500)
    pool, pool_truth = problem(2, "single_label", rows=6000)
    rows = np.concatenate([np.flatnonzero(pool_truth == k)[:150] for k in range(4)])
    test, test_truth = pool[rows], pool_truth[rows]
    facts = {}
    for method in ("auto", "prior"):
        files = tables(tmp_path, proba, truth, test, "single_label")
        script.main(**files, method=method, metric="accuracy")
        given = to_array(read_table(tmp_path / "test_out")["label"], ["0", "1", "2", "3"], "single_label")
        shift = read_json(tmp_path / "fit")["label_shift"]
        facts[method] = (given == test_truth).mean(), shift, read_json(tmp_path / "score")["cv"]
    assert facts["prior"][0] > facts["auto"][0] + 0.02
    assert facts["auto"][1] is None
    assert facts["prior"][1]["applied"] is True
    assert facts["prior"][1]["simulated_gain"]["low"] > 0
    assert facts["prior"][2] == facts["auto"][2]


def test_a_tuned_rule_is_what_the_guard_simulates() -> None:
    proba, truth = problem(1, "single_label", rows=900)
    settings = settings_of("prior", "macro_f1")
    found = cross_fit(proba, truth, np.arange(900) % 3, settings)
    shift = shifted(proba, truth, proba, found.test, settings)
    assert (shift.applied, shift.gains) == (False, None)
