"""Stacks and layers: each against scikit-learn or LightGBM called directly, or its definition written out."""

from typing import Any

import lightgbm
import numpy as np
import pytest
from scipy.stats import gmean
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from podium import metrics
from podium.ensembles.layers import Layers
from podium.ensembles.logistic import logistic
from podium.ensembles.means import Mean
from podium.ensembles.methods import build
from podium.ensembles.stack_linear import LinearStack
from podium.ensembles.stack_trees import TreeStack
from podium.thresholds import log_odds
from tests.unit.ensemble_samples import (
    fit,
    given,
    known,
    labelled,
    linear,
    measured,
    members,
    one_thread,  # noqa: F401 - for every test here
    ridge,
    trees,
)


def side_by_side(stacked: np.ndarray) -> np.ndarray:
    return np.hstack(list(stacked))


def centred_logs(stacked: np.ndarray) -> np.ndarray:
    return np.log(stacked) - np.log(stacked).mean(axis=2, keepdims=True)


# ---- linear


def test_logistic_is_scikit_learns_when_the_prior_is_zero() -> None:
    proba, truth = members(1, count=2, rows=200, classes=3)
    features = np.hstack(list(np.log(proba)))
    reference = LogisticRegression(C=0.3, tol=1e-10, max_iter=5000).fit(features, truth)
    coef, intercept = logistic(features, truth, prior=np.zeros((3, 6)), c=0.3, tolerance=1e-12)
    assert np.abs(coef - reference.coef_).max() < 1e-4
    logits = features @ coef.T + intercept
    found = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(found - reference.predict_proba(features)).max() < 1e-5


def test_a_stack_of_probabilities_and_figures_is_plain_logistic_regression() -> None:
    """As the iFlytek team stacked: probabilities side by side, here with two figures of the texts."""
    proba, truth = members(1, count=2, rows=300, classes=3)
    figures = np.random.default_rng(0).integers(0, 50, size=(300, 2))
    seen = np.hstack([side_by_side(proba), StandardScaler().fit_transform(np.log1p(figures))])
    reference = LogisticRegression(C=2.0, tol=1e-10, max_iter=5000).fit(seen, truth).predict_proba(seen)
    stack = linear(2.0, features="probabilities")
    params = stack.fit(known(proba, truth, None, figures))
    assert np.abs(stack.predict(given(proba, "single_label", figures), params) - reference).max() < 2e-3


def test_a_tightly_held_stack_is_the_geometric_mean() -> None:
    proba, truth = members(2, count=3, rows=4000, classes=3)
    params = fit(linear(1e-9), proba, truth)
    pooled = gmean(proba, axis=0) * np.exp(params["intercept"])
    pooled /= pooled.sum(axis=1, keepdims=True)
    found = linear(1e-9).predict(given(proba, "single_label"), params)
    assert np.abs(found - pooled).max() < 1e-3


@pytest.mark.parametrize(
    ("stack", "metric"), [(linear(0.1), "log_loss"), (ridge(1.0), "accuracy"), (trees(trees=40), "log_loss")]
)
def test_a_stack_beats_its_members_where_one_is_biased(stack, metric: str) -> None:
    proba, truth = members(3, count=2, rows=3000, classes=3)
    proba[0] = proba[0] * [5, 1, 1] / (proba[0] * [5, 1, 1]).sum(axis=1, keepdims=True)
    params = fit(stack, proba[:, :1500], truth[:1500])
    found = stack.predict(given(proba[:, 1500:], "single_label"), params)

    def score(one: np.ndarray) -> float:
        return metrics.utility(metric, metrics.value(metric, truth[1500:], None, one, classes=3))

    assert score(found) > max(
        score(proba[0, 1500:]), score(proba[1, 1500:]), score(proba[:, 1500:].mean(axis=0))
    )


@pytest.mark.parametrize("stack", [linear(0.1), trees()])
@pytest.mark.parametrize("kept", [[0, 2], [1]])
def test_a_stack_gives_a_class_it_never_saw_almost_nothing(stack, kept: list[int]) -> None:
    proba, truth = members(4, count=2, rows=200, classes=3)
    seen = np.isin(truth, kept)
    found = stack.predict(given(proba, "single_label"), fit(stack, proba[:, seen], truth[seen]))
    absent = [k for k in range(3) if k not in kept]
    assert found[:, absent].max() < 1e-5
    assert np.abs(found.sum(axis=1) - 1).max() < 1e-12


def test_label_stack_is_logistic_regression_around_the_mean_of_log_odds() -> None:
    oof, truth = labelled(1)
    truth[:20] = 1 - truth[:20]  # no weights separate the classes
    free, params = fit(linear(1e5), oof, truth), fit(linear(0.3), oof, truth)
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
    np.testing.assert_allclose(np.array(fit(linear(1e-7), oof, truth)["coef"]), 1 / 3, atol=1e-3)
    truth[:, 1] = 0
    params = fit(linear(1e-7), oof, truth)
    assert (params["coef"][1], params["intercept"][1]) == ([1 / 3] * 3, 0)
    found = linear(0.1).predict(given(oof, "multi_label"), fit(linear(0.1), oof, truth))[:, 1]
    np.testing.assert_allclose(log_odds(found), log_odds(oof[:, :, 1]).mean(axis=0), atol=1e-6)


def test_value_stack_is_ridge_regression_around_equal_weights() -> None:
    oof, truth = measured(1)
    figures = np.random.default_rng(0).integers(0, 50, size=(200, 2))
    extra = StandardScaler().fit_transform(np.log1p(figures))
    params = linear(0.02).fit(known(oof, truth, None, figures))
    found = linear(0.02).predict(given(oof, "regression", figures), params)
    for k in range(2):
        scale = truth[:, k].std()
        seen, mean = np.c_[oof[:, :, k].T / scale, extra], oof[:, :, k].mean(axis=0) / scale
        other = Ridge(alpha=1 / 0.02, solver="cholesky").fit(seen, truth[:, k] / scale - mean)
        np.testing.assert_allclose(found[:, k], (other.predict(seen) + mean) * scale, rtol=1e-6)
    plain = fit(linear(0.02), oof, truth)
    np.testing.assert_allclose(fit(linear(1e-9), oof, truth)["coef"], 1 / 3, atol=1e-6)
    scaled = fit(linear(0.02), 1e6 * oof - 7, 1e6 * truth - 7)  # in other units the weights are the same
    np.testing.assert_allclose(scaled["coef"], plain["coef"], rtol=1e-6)
    assert np.isfinite(fit(linear(0.02), oof, np.full_like(truth, 4.0))["coef"]).all()


# ---- ridge


@pytest.mark.parametrize("features", ["probabilities", "logits"])
def test_ridge_is_scikit_learns(features: str) -> None:
    proba, truth = members(1, count=3, rows=200, classes=4)
    stack = ridge(2.0, features=features)
    seen = side_by_side(proba if features == "probabilities" else centred_logs(proba))
    expected = Ridge(alpha=2.0).fit(seen, np.eye(4)[truth]).predict(seen).clip(1e-6, 1)
    found = stack.predict(given(proba, "single_label"), fit(stack, proba, truth))
    np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True), rtol=1e-6)


def test_ridge_of_labels_and_of_values_is_scikit_learns() -> None:
    odds, labels = labelled(1)
    figures = np.random.default_rng(0).integers(0, 50, size=(200, 2))
    seen = np.hstack([side_by_side(odds), StandardScaler().fit_transform(np.log1p(figures))])
    expected = Ridge(alpha=2.0).fit(seen, labels.astype(float)).predict(seen).clip(1e-6, 1)
    found = ridge(2.0).predict(
        given(odds, "multi_label", figures), ridge(2.0).fit(known(odds, labels, None, figures))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    oof, truth = measured(1)
    inputs, outputs = StandardScaler().fit(side_by_side(oof)), StandardScaler().fit(truth)
    model = Ridge(alpha=2.0).fit(inputs.transform(side_by_side(oof)), outputs.transform(truth))
    expected = outputs.inverse_transform(model.predict(inputs.transform(side_by_side(oof))))
    found = ridge(2.0).predict(given(oof, "regression"), fit(ridge(2.0), oof, truth))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


# ---- trees


def test_trees_are_lightgbms_from_the_mean_on() -> None:
    """Against LightGBM's scikit-learn interface with the same start."""
    settings: dict[str, Any] = {
        **{"n_estimators": 5, "learning_rate": 0.1, "num_leaves": 4, "min_child_samples": 20},
        **{"n_jobs": 1, "verbosity": -1, "deterministic": True, "force_row_wise": True, "random_state": 0},
    }
    figures = np.random.default_rng(0).random((300, 2))
    proba, truth = members(1, count=3, rows=300, classes=3)
    base, seen = centred_logs(proba).mean(axis=0), np.hstack([side_by_side(centred_logs(proba)), figures])
    model = lightgbm.LGBMClassifier(**settings).fit(seen, truth, init_score=base)
    logits = model.booster_.predict(seen, raw_score=True) + base
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    params = trees().fit(known(proba, truth, None, figures))
    found = trees().predict(given(proba, "single_label", figures), params)
    np.testing.assert_allclose(found, expected, rtol=1e-6)

    odds, labels = labelled(1)
    seen = side_by_side(log_odds(odds))
    found = trees().predict(given(odds, "multi_label"), fit(trees(), odds, labels))
    for k in range(3):
        base = log_odds(odds[:, :, k]).mean(axis=0)
        model = lightgbm.LGBMClassifier(**settings).fit(seen, labels[:, k], init_score=base)
        np.testing.assert_allclose(
            log_odds(found[:, k]), model.booster_.predict(seen, raw_score=True) + base, atol=1e-6
        )

    oof, values = measured(1)
    found = trees().predict(given(oof, "regression"), fit(trees(), oof, values))
    base = oof[:, :, 1].mean(axis=0)
    model = lightgbm.LGBMRegressor(**settings).fit(side_by_side(oof), values[:, 1], init_score=base)
    np.testing.assert_allclose(found[:, 1], model.predict(side_by_side(oof)) + base)


def test_trees_read_the_figures_of_texts() -> None:
    """One member is right about short texts only, the other about long ones only: trees find out which to trust."""
    rng = np.random.default_rng(0)
    truth, length = rng.integers(2, size=2000), rng.integers(1, 100, size=2000)
    right = np.array([length < 50, length >= 50])
    said = np.where(right, truth, rng.integers(2, size=(2, 2000)))
    proba = np.eye(2)[said] * 0.8 + 0.1
    scores = {}
    for name, figures in (("with", length[:, None]), ("without", None)):
        data = known(proba, truth, None, figures)
        first = data.take(np.arange(2000) < 1000)
        found = trees(trees=30).predict(data.given, trees(trees=30).fit(first))
        scores[name] = metrics.value("accuracy", truth[1000:], None, found[1000:], classes=2)
    assert scores["with"] > 0.95
    assert scores["without"] < 0.9


@pytest.mark.parametrize("stack", [linear(0.1, max_rows=100), ridge(1.0, max_rows=100), trees(max_rows=100)])
def test_at_most_so_many_rows_are_fitted(stack) -> None:
    proba, truth = members(0, count=2, rows=350, classes=3)
    kept = np.arange(350) % 4 == 0
    assert fit(stack, proba, truth) == fit(stack, proba[:, kept], truth[kept])


# ---- layers


def test_layers_are_nested_cross_validation_written_out() -> None:
    proba, truth = members(1, count=3, rows=200, classes=3)
    folds = np.arange(200) % 3
    first = {"ridge": ridge(1.0), "mean": Mean(average="arithmetic")}
    second = linear(0.1)
    params = Layers(first, second).fit(known(proba, truth, folds))
    below = np.empty((2, 200, 3))
    for fold in range(3):
        out = folds == fold
        rest = known(proba[:, ~out], truth[~out], folds[~out])
        for place, method in enumerate(first.values()):
            below[place, out] = method.predict(given(proba[:, out], "single_label"), method.fit(rest))
    assert params["second"] == second.fit(known(below, truth, folds))
    whole = [method.fit(known(proba, truth, folds)) for method in first.values()]
    assert list(params["first"].values()) == whole
    upper = np.stack(
        [m.predict(given(proba, "single_label"), p) for m, p in zip(first.values(), whole, strict=True)]
    )
    expected = second.predict(given(upper, "single_label"), params["second"])
    assert (Layers(first, second).predict(given(proba, "single_label"), params) == expected).all()


def test_layers_are_built_from_options() -> None:
    stack = {"kind": "stack", "statistics": True, "max_rows": 100, "features": "logits"}
    options = {
        "kind": "layers",
        "first": {
            "plain": {**stack, "model": "linear", "c": 0.1},
            "boosted": {
                **stack,
                **{"model": "lightgbm", "trees": 3, "learning_rate": 0.1, "num_leaves": 4},
                **{"min_data_in_leaf": 5, "seed": 1},
            },
        },
        "second": {"kind": "vote", "weights": {"plain": 2, "boosted": 1}},
    }
    built = build("top", options, members=["a", "b"], metric="accuracy", type="single_label")
    assert isinstance(built, Layers)
    assert [type(method) for method in built.first.values()] == [LinearStack, TreeStack]
    assert built.second.fit(known(*members(0, count=2, rows=20, classes=2)))["weights"] == pytest.approx(
        [2 / 3, 1 / 3]
    )
