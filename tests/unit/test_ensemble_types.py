"""Ensembles of multi-label tasks and regressions: each against its definition or another implementation."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from podium import metrics
from podium.ensemble import choose, cross_fit, report
from podium.ensemble_methods import Blend, Mean, build, greedy_weights
from podium.ensemble_types import LabelStack, LabelVote, ValueStack
from podium.errors import UserError
from podium.files import read_json, read_table, write_json, write_table
from podium.predict import to_array, to_table
from podium.targets import to_text
from podium.thresholds import log_odds
from scripts import ensemble as script

FOLDS = np.arange(200) % 4


def labelled(seed: int, count: int = 3, rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (M, N, 3) of members of different skill, and the truth (N, 3)."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((rows, 3)) < [0.5, 0.3, 0.1]).astype(np.float32)
    odds = rng.normal(size=(count, rows, 3)) + np.linspace(0.5, 2, count)[:, None, None] * (2 * truth - 1)
    return 1 / (1 + np.exp(-odds)), truth


def measured(seed: int, count: int = 3, rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Predictions (M, N, 2) of values of different scales, with different errors, and the truth (N, 2)."""
    rng = np.random.default_rng(seed)
    scale = np.array([1.0, 300.0])
    truth = rng.normal(size=(rows, 2)) * scale + [0, 5000]
    noise = rng.normal(size=(count, rows, 2)) * scale * np.linspace(1.5, 0.5, count)[:, None, None]
    return truth + noise, truth


METHODS: dict[str, tuple[Any, Any]] = {
    "label vote": (LabelVote(None), labelled),
    "label stack": (LabelStack(0.1), labelled),
    "label blend": (Blend("micro_f1", 10, None), labelled),
    "label mean": (Mean(), labelled),
    "value stack": (ValueStack(0.1), measured),
    "value blend": (Blend("mae", 10, None), measured),
    "value mean": (Mean(), measured),
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("count", [1, 3])
def test_no_fold_is_predicted_with_its_own_labels_and_params_survive_json(name: str, count: int) -> None:
    method, problem = METHODS[name]
    oof, truth = problem(0, count)
    fitted = cross_fit("m", method, oof, truth, FOLDS)
    assert fitted.oof.shape == truth.shape
    again = method.predict(oof, json.loads(json.dumps(fitted.params)))
    assert (again == method.predict(oof, fitted.params)).all()
    if problem is labelled:
        assert ((fitted.oof >= 0) & (fitted.oof <= 1)).all()
    changed = np.where((FOLDS == 2)[:, None], truth[::-1], truth).astype(truth.dtype)
    other = cross_fit("m", method, oof, changed, FOLDS)
    assert (other.oof[FOLDS == 2] == fitted.oof[FOLDS == 2]).all()
    if "stack" in name:
        assert (other.oof[FOLDS != 2] != fitted.oof[FOLDS != 2]).any()


def test_votes_are_counted_class_by_class_and_ties_go_to_the_mean() -> None:
    oof = np.array([[[0.9, 0.1]], [[0.6, 0.4]], [[0.2, 0.95]], [[0.1, 0.7]]])  # (4, 1, 2)
    even = LabelVote(None).predict(oof, LabelVote(None).fit(oof, np.zeros((1, 2), dtype=np.float32)))
    # two votes of four each: the mean probabilities are 0.45 and 0.5375
    np.testing.assert_allclose(even, [[0.999 * 0.5 + 0.001 * 0.45, 0.999 * 0.5 + 0.001 * 0.5375]])
    assert (even > 0.5).tolist() == [[False, True]]
    options = {"weights": {"a": 3, "b": 1, "c": 1, "d": 1}}
    heavy = build("vote", options, members=list("abcd"), metric="micro_f1", type="multi_label")
    assert (heavy.predict(oof, heavy.fit(oof, np.zeros((1, 2)))) > 0.5).tolist() == [[True, False]]


def test_label_stack_is_logistic_regression_around_the_mean_of_log_odds() -> None:
    oof, truth = labelled(1)
    truth[:20] = 1 - truth[:20]  # no weights separate the classes
    free = LabelStack(1e5).fit(oof, truth)
    params = LabelStack(0.3).fit(oof, truth)
    for label in range(3):
        odds = log_odds(oof[:, :, label]).T
        other = LogisticRegression(C=1e5, tol=1e-8, max_iter=1000).fit(odds, truth[:, label])
        np.testing.assert_allclose(free["coef"][label], other.coef_[0], rtol=0.01)
        np.testing.assert_allclose(free["intercept"][label], other.intercept_[0], rtol=0.01)
        # With a penalty: where the slope of the loss is that of the squared distance
        coef, intercept = np.array(params["coef"][label]), params["intercept"][label]
        pull = 1 / (1 + np.exp(-(odds @ coef + intercept))) - truth[:, label]
        np.testing.assert_allclose(odds.T @ pull, -(coef - 1 / 3) / 0.3, atol=0.05)
        assert pull.sum() == pytest.approx(0, abs=0.05)
    tight = LabelStack(1e-7)
    np.testing.assert_allclose(np.array(tight.fit(oof, truth)["coef"]), 1 / 3, atol=1e-3)
    truth[:, 1] = 0
    params = tight.fit(oof, truth)
    assert (params["coef"][1], params["intercept"][1]) == ([1 / 3] * 3, 0)
    found = LabelStack(0.1).predict(oof, LabelStack(0.1).fit(oof, truth))[:, 1]
    np.testing.assert_allclose(log_odds(found), log_odds(oof[:, :, 1]).mean(axis=0), atol=1e-6)


def test_value_stack_is_ridge_regression_around_equal_weights() -> None:
    oof, truth = measured(1)
    params = ValueStack(0.02).fit(oof, truth)
    for k in range(2):
        scale = truth[:, k].std()
        features, mean = oof[:, :, k].T / scale, oof[:, :, k].mean(axis=0) / scale
        other = Ridge(alpha=1 / 0.02, solver="cholesky").fit(features, truth[:, k] / scale - mean)
        np.testing.assert_allclose(params["coef"][k], 1 / 3 + other.coef_, rtol=1e-6)
        np.testing.assert_allclose(params["intercept"][k], other.intercept_ * scale, rtol=1e-6)
    np.testing.assert_allclose(ValueStack(1e-9).fit(oof, truth)["coef"], 1 / 3, atol=1e-6)
    scaled = ValueStack(0.02).fit(1e6 * oof - 7, 1e6 * truth - 7)  # in other units the weights are the same
    np.testing.assert_allclose(scaled["coef"], params["coef"], rtol=1e-6)
    constant = ValueStack(0.02).fit(oof, np.full_like(truth, 4.0))
    assert np.isfinite(constant["coef"]).all()


@pytest.mark.parametrize("metric", ["micro_f1", "log_loss", "roc_auc", "rmse", "spearman"])
def test_blend_comes_near_the_best_weights_of_a_grid(metric: str) -> None:
    oof, truth = (measured if metric in metrics.METRICS["regression"] else labelled)(2, 2)

    def utility(share: float) -> float:
        blend = share * oof[0] + (1 - share) * oof[1]
        return metrics.utility(metric, metrics.value(metric, truth, None, blend, classes=truth.shape[1]))

    best = max(utility(step / 20) for step in range(21))
    weights = greedy_weights(oof, truth, metric, 20)
    assert weights.sum() == pytest.approx(1)
    assert utility(weights[0]) >= best - 0.01 * abs(best)
    assert utility(weights[0]) >= max(utility(0), utility(1))


def test_single_label_blends_can_be_tuned_for_areas() -> None:
    oof, truth = labelled(4, 2)
    proba = np.stack([1 - oof[:, :, 0], oof[:, :, 0]], axis=2)
    target = truth[:, 0].astype(np.int64)
    weights = greedy_weights(proba, target, "roc_auc", 20)
    blended = metrics.value("roc_auc", target, None, np.tensordot(weights, proba, axes=1), classes=2)
    assert blended >= max(metrics.value("roc_auc", target, None, member, classes=2) for member in proba)


def test_the_best_is_chosen_and_reported() -> None:
    oof, truth = measured(3)
    methods = {"mean": Mean(), "stack": ValueStack(1.0)}
    fitted = choose(methods, oof, truth, FOLDS, metric="rmse")
    assert (fitted.method, set(fitted.fold_methods)) == ("stack", {"stack"})
    facts = report(fitted, truth, FOLDS, members=["a", "b", "c"], metric="rmse")
    assert facts["cv"]["value"] == metrics.value("rmse", truth, None, fitted.oof, classes=2)
    assert len(facts["cv"]["folds"]) == 4


def test_a_vote_on_values_is_refused() -> None:
    with pytest.raises(UserError, match="a regression has values: leave vote out"):
        build("vote", {"weights": None}, members=["a"], metric="rmse", type="regression")


@pytest.mark.parametrize(
    ("type", "metric", "method"),
    [("multi_label", "micro_f1", LabelStack(0.1)), ("regression", "mae", ValueStack(0.1))],
)
def test_script_aligns_rows_and_writes_what_the_library_gives(
    tmp_path, type: str, metric: str, method: Any
) -> None:
    problem = labelled if type == "multi_label" else measured
    (oof, truth), (test, _) = problem(5), problem(6, rows=40)
    names = ["x", "y", "z"][: truth.shape[1]]
    ids, test_ids = [f"r{i}" for i in range(200)], [f"t{i}" for i in range(40)]
    paths: dict[str, Any] = {"oof": [], "test": []}
    for member in range(3):
        for kind, table in (
            ("oof", to_table(ids, oof[member], names, type)),
            ("test", to_table(test_ids, test[member], names, type)),
        ):
            paths[kind].append(tmp_path / f"{kind}{member}")
            write_table(table.iloc[::-1] if member else table, paths[kind][-1])
    for name, table in {
        "train": pd.DataFrame({"id": ids, "target": to_text(truth, names)}, dtype="str"),
        "folds": pd.DataFrame({"id": ids, "fold": FOLDS}).iloc[::-1],
    }.items():
        paths[name] = tmp_path / name
        write_table(table, paths[name])
    paths |= {name: tmp_path / name for name in ("labels", "oof_out", "test_out", "fit")}
    write_json(names, paths["labels"])
    script.main(**paths, members=["a", "b", "c"], methods={"stack": {"c": 0.1}}, metric=metric, type=type)
    fitted = cross_fit("stack", method, oof, truth, FOLDS)
    np.testing.assert_allclose(to_array(read_table(paths["oof_out"]), names, type), fitted.oof, rtol=1e-4)
    expected = method.predict(test, fitted.params)
    np.testing.assert_allclose(to_array(read_table(paths["test_out"]), names, type), expected, rtol=1e-4)
    value = metrics.value(metric, truth, None, fitted.oof, classes=len(names))
    assert read_json(paths["fit"])["cv"]["value"] == pytest.approx(value, rel=1e-3)
