"""Ensemble methods: each against its definition, an exhaustive search or another implementation."""

import json

import numpy as np
import pytest
from scipy.stats import gmean
from sklearn.linear_model import LogisticRegression

from podium import metrics
from podium.ensemble_methods import Blend, Mean, Stack, Vote, build, greedy_weights, logistic
from podium.errors import UserError


def members(
    seed: int, *, count: int, rows: int, classes: int, skill: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (M, N, K) of members of different skill, and the truth (N,)."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=rows)
    logits = rng.normal(size=(count, rows, classes)) * 1.5
    logits[:, np.arange(rows), truth] += skill * np.linspace(0.5, 2, count)[:, None]
    proba = np.exp(logits)
    return proba / proba.sum(axis=2, keepdims=True), truth


METHODS = {"mean": Mean(), "blend": Blend("accuracy", 20, None), "stack": Stack(0.1), "vote": Vote(None)}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("count", [1, 3])
def test_predictions_are_distributions_and_params_survive_json(name, count):
    proba, truth = members(0, count=count, rows=80, classes=4)
    params = METHODS[name].fit(proba, truth)
    found = METHODS[name].predict(proba, params)
    assert found.shape == (80, 4)
    assert (found >= 0).all()
    assert np.abs(found.sum(axis=1) - 1).max() < 1e-12
    again = METHODS[name].predict(proba, json.loads(json.dumps(params)))
    assert (found == again).all()


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "macro_f1"])
def test_blend_comes_near_the_best_weights_of_a_grid(count, metric):
    proba, truth = members(count, count=count, rows=300, classes=3)
    steps = 20
    grid = [
        np.array([a, b, steps - a - b][:count]) / steps
        for a in range(steps + 1)
        for b in range(steps + 1 - a)
        if count == 3 or a + b == steps
    ]

    def utility(weights: np.ndarray) -> float:
        blended = np.tensordot(weights, proba, axes=1)
        return metrics.utility(metric, metrics.value(metric, truth, None, blended, classes=3))

    weights = greedy_weights(proba, truth, metric, steps)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    best = max(utility(one) for one in grid)
    assert utility(weights) >= best - (0.0005 if metric == "log_loss" else 0.012)
    assert utility(weights) >= max(utility(one) for one in np.eye(count))


@pytest.mark.parametrize(("metric", "rows"), [("accuracy", 30), ("macro_f1", 120)])
def test_the_greedy_path_is_the_published_one(metric, rows):
    """Caruana's algorithm written out with no shortcut gives the same weights; 30 rows give many ties."""
    proba, truth = members(9, count=4, rows=rows, classes=3, skill=0.6)
    bag: list[int] = []
    history = []
    for _ in range(12):
        trials = []
        for member in range(4):
            blended = proba[[*bag, member]].mean(axis=0)
            value = metrics.value(metric, truth, None, blended, classes=3)
            loss = metrics.value("log_loss", truth, None, blended, classes=3)
            trials.append((round(value, 10), -round(loss, 10), -member))
        best = max(trials)
        bag.append(-best[2])
        history.append((best[0], best[1], -len(bag)))
    kept = bag[: -max(history)[2]]
    assert greedy_weights(proba, truth, metric, 12).tolist() == pytest.approx(
        np.bincount(kept, minlength=4) / len(kept)
    )


def test_logistic_is_scikit_learns_when_the_prior_is_zero():
    proba, truth = members(1, count=2, rows=200, classes=3)
    features = np.hstack(list(np.log(proba)))
    reference = LogisticRegression(C=0.3, tol=1e-10, max_iter=5000).fit(features, truth)
    coef, intercept = logistic(features, truth, prior=np.zeros((3, 6)), c=0.3, tolerance=1e-12)
    assert np.abs(coef - reference.coef_).max() < 1e-4
    logits = features @ coef.T + intercept
    found = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(found - reference.predict_proba(features)).max() < 1e-5


def test_a_tightly_held_stack_is_the_geometric_mean():
    proba, truth = members(2, count=3, rows=4000, classes=3)
    stack = Stack(1e-9)
    params = stack.fit(proba, truth)
    pooled = gmean(proba, axis=0) * np.exp(params["intercept"])
    pooled /= pooled.sum(axis=1, keepdims=True)
    assert np.abs(stack.predict(proba, params) - pooled).max() < 1e-3


def test_a_stack_beats_its_members_where_one_is_biased():
    proba, truth = members(3, count=2, rows=3000, classes=3)
    proba[0] = proba[0] * [5, 1, 1] / (proba[0] * [5, 1, 1]).sum(axis=1, keepdims=True)
    stack = Stack(0.1)
    found = stack.predict(proba[:, 1500:], stack.fit(proba[:, :1500], truth[:1500]))

    def loss(one: np.ndarray) -> float:
        return metrics.value("log_loss", truth[1500:], None, one, classes=3)

    assert loss(found) < min(loss(proba[0, 1500:]), loss(proba[1, 1500:]), loss(proba[:, 1500:].mean(axis=0)))


@pytest.mark.parametrize("kept", [[0, 2], [1]])
def test_a_stack_gives_a_class_it_never_saw_almost_nothing(kept):
    proba, truth = members(4, count=2, rows=200, classes=3)
    seen = np.isin(truth, kept)
    stack = Stack(0.1)
    found = stack.predict(proba, stack.fit(proba[:, seen], truth[seen]))
    missing = [label for label in range(3) if label not in kept]
    assert (found[:, missing] > 0).all()
    assert found[:, missing].max() <= 1e-6


def test_votes_count_and_the_mean_breaks_ties():
    proba = np.array(
        [
            [[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.4, 0.35, 0.25]],
            [[0.4, 0.6, 0.0], [0.1, 0.9, 0.0], [0.4, 0.35, 0.25]],
            [[0.4, 0.6, 0.0], [0.0, 0.4, 0.6], [0.0, 0.0, 1.0]],
        ]
    )
    truth = np.zeros(3, dtype=int)
    plain = Vote(None)
    share = plain.predict(proba, plain.fit(proba, truth))
    assert share.astype(np.float32).argmax(axis=1).tolist() == [1, 1, 0]
    assert np.abs(share - [[1 / 3, 2 / 3, 0], [1 / 3, 1 / 3, 1 / 3], [2 / 3, 0, 1 / 3]]).max() < 1e-3
    heavy = build("vote", {"weights": {"a": 3, "b": 1, "c": 1}}, members=["a", "b", "c"], metric="accuracy")
    assert heavy.predict(proba, heavy.fit(proba, truth)).argmax(axis=1).tolist() == [0, 0, 0]


def test_fixed_weights_follow_names_not_positions():
    proba, truth = members(5, count=2, rows=10, classes=2)
    blend = build("blend", {"weights": {"y": 1, "x": 3}, "steps": 5}, members=["x", "y"], metric="accuracy")
    found = blend.predict(proba, blend.fit(proba, truth))
    assert found == pytest.approx(0.75 * proba[0] + 0.25 * proba[1])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("blnd", {}, "unknown method 'blnd': did you mean 'blend'"),
        ("stack", {"C": 1}, "ensemble.stack: unknown option 'C'"),
        ("vote", {"weights": {"x": 1, "z": 1}}, "'z' is no member"),
        ("vote", {"weights": {"x": 1}}, "weight of 'y' is missing"),
        ("blend", {"steps": 3, "weights": {"x": 0, "y": 0}}, "one above 0"),
    ],
)
def test_mistakes_are_told(name, options, message):
    with pytest.raises(UserError, match=message):
        build(name, options, members=["x", "y"], metric="accuracy")
