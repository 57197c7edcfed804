"""Means, blends, votes and their searches: each against its definition, brute force or another implementation."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import gmean, rankdata

from podium import metrics
from podium.ensembles.blends import SimplexBlend, bags
from podium.ensembles.flags import Flags
from podium.ensembles.layers import Tempered
from podium.ensembles.means import Mean
from podium.ensembles.methods import build
from podium.ensembles.objectives import Labels, Whole, value_of
from podium.ensembles.searches import greedy, lowest_loss
from podium.ensembles.temperature import scaled, temperature
from podium.ensembles.votes import LearnedVote, ScoreVote, Vote
from podium.errors import UserError
from tests.unit.ensemble_samples import (
    METRICS,
    PROBLEMS,
    fit,
    given,
    greedy_blend,
    known,
    labelled,
    measured,
    members,
    one_thread,  # noqa: F401 - for every test here
)


def weights_of(proba: np.ndarray, truth: np.ndarray, metric: str, steps: int) -> np.ndarray:
    return np.array(fit(greedy_blend(metric, steps), proba, truth)["weights"])


def utility(metric: str, weights: np.ndarray, proba: np.ndarray, truth: np.ndarray) -> float:
    blended = np.tensordot(weights, proba, axes=1)
    return metrics.utility(metric, metrics.value(metric, truth, None, blended, classes=proba.shape[2]))


# ---- means


def test_means_are_those_of_their_definitions() -> None:
    proba, truth = members(0, count=3, rows=50, classes=4)
    data = given(proba, "single_label")
    pooled = gmean(proba, axis=0)
    pooled /= pooled.sum(axis=1, keepdims=True)
    assert Mean(average="geometric").predict(data, {}) == pytest.approx(pooled)
    assert Mean(average="arithmetic").predict(data, {}) == pytest.approx(proba.mean(axis=0))
    odds, _ = labelled(0)
    mean = np.log(odds / (1 - odds)).mean(axis=0)
    found = Mean(average="geometric").predict(given(odds, "multi_label"), {})
    assert found == pytest.approx(1 / (1 + np.exp(-mean)))
    assert fit(Mean(average="rank"), proba, truth) == {}


def test_the_mean_of_ranks_keeps_their_order_and_the_scale_of_the_members() -> None:
    """Against SciPy's ranks: column by column the order is that of the mean rank; of one member nothing changes."""
    odds, _ = labelled(1, 4, 300)
    odds[2] = odds[2] ** 3  # another scale, the same order
    found = Mean(average="rank").predict(given(odds, "multi_label"), {})
    order = np.mean([rankdata(member, axis=0) for member in odds], axis=0)
    for k in range(3):
        assert (rankdata(found[:, k]) == rankdata(order[:, k])).all()
    squeezed = Mean(average="rank").predict(
        given(np.concatenate([odds[:2], odds[2:] ** 2]), "multi_label"), {}
    )
    assert (rankdata(squeezed, axis=0) == rankdata(found, axis=0)).all()
    binary = np.stack([1 - odds[:, :, 0], odds[:, :, 0]], axis=2)
    both = Mean(average="rank").predict(given(binary, "single_label"), {})
    assert both[:, 1] == pytest.approx(found[:, 0])
    assert both.sum(axis=1) == pytest.approx(1)


# ---- greedy selection


@pytest.mark.parametrize(
    ("metric", "rows"), [("accuracy", 30), ("macro_f1", 120), ("qwk", 60), ("log_loss", 50)]
)
@pytest.mark.parametrize("best_first", [False, True])
def test_the_greedy_path_is_the_published_one(metric: str, rows: int, best_first: bool) -> None:
    """Caruana's algorithm written out with no shortcut gives the same weights; 30 rows give many ties."""
    for seed in range(8):
        proba, truth = members(seed, count=4, rows=rows, classes=4, skill=0.6)

        def value(bag: list[int], proba=proba, truth=truth) -> tuple[float, float]:
            blended = proba[bag].mean(axis=0)
            now = metrics.utility(metric, metrics.value(metric, truth, None, blended, classes=4))
            loss = metrics.value("log_loss", truth, None, blended, classes=4)
            return round(now, 10), 0.0 if metric == "log_loss" else -round(loss, 10)

        bag: list[int] = []
        if best_first:
            order = sorted(range(4), key=lambda member: value([member]), reverse=True)
            sizes = {size: value(order[:size]) for size in range(1, 5)}
            bag = order[: max(sizes, key=lambda size: (sizes[size], -size))]
        history = [(*value(bag), -len(bag), list(bag))] if bag else []
        for _ in range(12):
            bag.append(max(range(4), key=lambda member: (value([*bag, member]), -member)))
            history.append((*value(bag), -len(bag), list(bag)))
        kept = max(history)[3]
        found = fit(greedy_blend(metric, 12, best_first=best_first), proba, truth)["weights"]
        assert found == pytest.approx(np.bincount(kept, minlength=4) / len(kept)), seed


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "macro_f1"])
def test_greedy_selection_comes_near_all_blends_of_as_many_steps(metric: str) -> None:
    """Brute force over every multiset of up to 6 of 3 members."""
    for seed in range(4):
        proba, truth = members(seed, count=3, rows=200, classes=3)
        every = [
            np.bincount(bag, minlength=3) / size
            for size in range(1, 7)
            for bag in itertools.combinations_with_replacement(range(3), size)
        ]
        best = max(utility(metric, weights, proba, truth) for weights in every)
        found = weights_of(proba, truth, metric, 6)
        assert any(np.allclose(found, weights) for weights in every)
        assert utility(metric, found, proba, truth) >= best - (0.002 if metric == "log_loss" else 0.011)
        assert utility(metric, found, proba, truth) >= max(
            utility(metric, one, proba, truth) for one in np.eye(3)
        )


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "mcc", "qwk"])
def test_the_few_candidates_give_every_blend_its_value(metric: str) -> None:
    """Against the metric of the whole blend, for weights at random, zero and one, with rows and classes left out."""
    rng = np.random.default_rng(0)
    proba, truth = members(3, count=5, rows=400, classes=6)
    proba[:, :, 4] = 0
    proba /= proba.sum(axis=2, keepdims=True)
    whole = known(proba, truth)
    for data in (whole, whole.take(rng.random(400) < 0.3)):
        short, full = value_of(data, metric, "metric"), Whole(data, metric)
        assert isinstance(short, Labels)
        assert short.split < 0.9 * data.given.array()[0].size
        for weights in [*rng.dirichlet(np.full(5, 0.5), size=40), *np.eye(5), np.full(5, 0.2)]:
            both = [sum(w * value.vector(m) for m, w in enumerate(weights)) for value in (short, full)]
            assert short.utility(both[0]) == pytest.approx(full.utility(both[1]), abs=1e-12)
            assert short.tie(both[0]) == pytest.approx(full.tie(both[1]))


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "qwk"])
def test_of_equal_classes_the_first_wins_as_in_argmax(metric: str) -> None:
    """Members that speak in quarters, weights in eighths: sums are exact and ties are everywhere."""
    rng = np.random.default_rng(0)
    proba, truth = rng.multinomial(4, np.full(5, 0.2), size=(4, 300)) / 4, rng.integers(5, size=300)
    short, full = (kind(known(proba, truth), metric) for kind in (Labels, Whole))
    for weights in rng.multinomial(8, np.full(4, 0.25), size=40) / 8:
        both = [sum(w * value.vector(m) for m, w in enumerate(weights)) for value in (short, full)]
        assert short.utility(both[0]) == pytest.approx(full.utility(both[1]), abs=1e-12)


@pytest.mark.parametrize("metric", ["micro_f1", "macro_f1", "weighted_f1"])
def test_the_disputed_labels_give_every_blend_its_value(metric: str) -> None:
    """As above for a multi-label task."""
    rng = np.random.default_rng(0)
    odds, truth = labelled(3, 5, 400)
    whole = known(odds, truth)
    for data in (whole, whole.take(rng.random(400) < 0.3)):
        short, full = value_of(data, metric, "metric"), Whole(data, metric)
        assert isinstance(short, Flags)
        assert short.values.size < 0.9 * data.given.array().size
        for weights in [*rng.dirichlet(np.full(5, 0.5), size=40), *np.eye(5), np.full(5, 0.2)]:
            both = [sum(w * value.vector(m) for m, w in enumerate(weights)) for value in (short, full)]
            assert short.utility(both[0]) == pytest.approx(full.utility(both[1]), abs=1e-12)


def test_bags_draw_members_and_their_weights_are_averaged() -> None:
    proba, truth = members(1, count=5, rows=200, classes=3)
    drawn = bags(5, bags=3, share=0.6, seed=7)
    assert [len(set(bag)) for bag in drawn] == [3, 3, 3]
    assert drawn == bags(5, bags=3, share=0.6, seed=7) != bags(5, bags=3, share=0.6, seed=8)
    assert bags(2, bags=2, share=0.1, seed=0) in ([[0], [0]], [[0], [1]], [[1], [0]], [[1], [1]])
    value = value_of(known(proba, truth), "accuracy", "metric")
    one = [greedy(value, steps=4, best_first=False, among=bag) for bag in drawn]
    found = fit(greedy_blend("accuracy", 4, bags=3, share=0.6, seed=7), proba, truth)["weights"]
    assert found == pytest.approx(np.mean(one, axis=0))
    assert all(
        not weights[member]
        for weights, bag in zip(one, drawn, strict=True)
        for member in {*range(5)} - {*bag}
    )


# ---- the simplex


@pytest.mark.parametrize("type", PROBLEMS)
def test_weights_of_the_lowest_loss_are_those_of_another_solver(type: str) -> None:
    """Against SciPy's simplex search on softmax weights, and random weights; with twins the loss is the same."""
    for seed in range(3):
        oof, truth = PROBLEMS[type](seed, 4)

        def loss(weights: np.ndarray, oof=oof, truth=truth) -> float:
            blend = np.tensordot(weights, oof, axes=1)
            if type == "regression":
                return float((((blend - truth) / truth.std(axis=0)) ** 2).mean())
            if type == "multi_label":
                return float(-np.log(np.where(truth > 0, blend, 1 - blend)).mean())
            return metrics.value("log_loss", truth, None, blend, classes=3)

        weights = lowest_loss(known(oof, truth))
        assert weights.min() >= 0
        assert weights.sum() == pytest.approx(1)
        other = minimize(
            lambda free, loss=loss: loss(np.exp(free) / np.exp(free).sum()), np.zeros(4), method="Nelder-Mead",
            options={"maxiter": 4000, "xatol": 1e-6, "fatol": 1e-10},
        )  # fmt: skip
        assert loss(weights) <= other.fun + 1e-6
        draws = np.random.default_rng(0).dirichlet(np.full(4, 0.7), size=300)
        assert loss(weights) <= min(map(loss, draws)) + 1e-9
        twins = lowest_loss(known(np.concatenate([oof, oof]), truth))
        assert loss(twins[:4] + twins[4:]) == pytest.approx(loss(weights), abs=1e-6)


@pytest.mark.parametrize("type", PROBLEMS)
@pytest.mark.parametrize("metric", ["own", "log_loss", "roc_auc", "spearman", "accuracy"])
def test_weights_for_a_metric_come_near_the_best_of_a_grid(type: str, metric: str) -> None:
    metric = METRICS[type] if metric == "own" else metric
    if metric not in metrics.METRICS[type]:  # type: ignore[index]
        pytest.skip(f"{metric} is no metric of {type}")
    oof, truth = PROBLEMS[type](2, 3)
    if metric == "roc_auc" and type == "single_label":
        truth = np.minimum(truth, 1)
        oof = np.stack([oof[:, :, 0], 1 - oof[:, :, 0]], axis=2)
    grid = [np.array([a, b, 20 - a - b]) / 20 for a in range(21) for b in range(21 - a)]
    best = max(utility(metric, weights, oof, truth) for weights in grid)
    for blend in (SimplexBlend(metric=metric, objective="metric"), greedy_blend(metric, 20)):
        weights = np.array(fit(blend, oof, truth)["weights"])
        assert weights.min() >= 0
        assert weights.sum() == pytest.approx(1)
        found = utility(metric, weights, oof, truth)
        assert found >= best - 0.012 * abs(best)
        assert found >= max(utility(metric, one, oof, truth) for one in np.eye(3)) - 1e-12


# ---- votes


def test_votes_count_and_the_mean_breaks_ties() -> None:
    proba = np.array(
        [
            [[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.4, 0.35, 0.25]],
            [[0.4, 0.6, 0.0], [0.1, 0.9, 0.0], [0.4, 0.35, 0.25]],
            [[0.4, 0.6, 0.0], [0.0, 0.4, 0.6], [0.0, 0.0, 1.0]],
        ]
    )
    truth, data = np.zeros(3, dtype=int), given(proba, "single_label")
    plain = Vote(weights=None)
    share = plain.predict(data, fit(plain, proba, truth))
    assert share.astype(np.float32).argmax(axis=1).tolist() == [1, 1, 0]
    assert np.abs(share - [[1 / 3, 2 / 3, 0], [1 / 3, 1 / 3, 1 / 3], [2 / 3, 0, 1 / 3]]).max() < 1e-3
    options = {"kind": "vote", "weights": {"a": 3, "b": 1, "c": 1}}
    heavy = build("vote", options, members=["a", "b", "c"], metric="accuracy", type="single_label")
    assert heavy.predict(data, fit(heavy, proba, truth)).argmax(axis=1).tolist() == [0, 0, 0]


def test_votes_are_counted_class_by_class_and_ties_go_to_the_mean() -> None:
    oof = np.array([[[0.9, 0.1]], [[0.6, 0.4]], [[0.2, 0.95]], [[0.1, 0.7]]])  # (4, 1, 2)
    truth, data = np.zeros((1, 2), dtype=np.float32), given(oof, "multi_label")
    even = Vote(weights=None).predict(data, fit(Vote(weights=None), oof, truth))
    # two votes of four each: the mean probabilities are 0.45 and 0.5375
    np.testing.assert_allclose(even, [[0.999 * 0.5 + 0.001 * 0.45, 0.999 * 0.5 + 0.001 * 0.5375]])
    assert (even > 0.5).tolist() == [[False, True]]
    options = {"kind": "vote", "weights": {"a": 3, "b": 1, "c": 1, "d": 1}}
    heavy = build("vote", options, members=list("abcd"), metric="micro_f1", type="multi_label")
    assert (heavy.predict(data, fit(heavy, oof, truth)) > 0.5).tolist() == [[True, False]]


def test_votes_by_score_and_learned_votes() -> None:
    proba, truth = members(2, count=4, rows=300, classes=3)
    own = np.array([metrics.value("accuracy", truth, None, member, classes=3) for member in proba])
    for metric in ("accuracy", "log_loss"):  # what is no score of labels weighs by accuracy
        assert fit(ScoreVote(metric=metric), proba, truth)["weights"] == pytest.approx(own / own.sum())
    odds, labels = labelled(2)
    own = np.array([metrics.value("macro_f1", labels, None, member, classes=3) for member in odds])
    assert fit(ScoreVote(metric="macro_f1"), odds, labels)["weights"] == pytest.approx(own / own.sum())
    # Members that are never right have no score
    assert fit(ScoreVote(metric="accuracy"), np.eye(3)[(truth + 1) % 3][None], truth)["weights"] == [1]
    ballots = np.eye(3)[proba.argmax(axis=2)] * 0.999 + 0.001 * proba
    learned = fit(LearnedVote(metric="accuracy", steps=9), proba, truth)["weights"]
    assert learned == pytest.approx(weights_of(ballots, truth, "accuracy", 9))


# ---- temperatures


@pytest.mark.parametrize("type", ["single_label", "multi_label"])
@pytest.mark.parametrize("true", [0.4, 1.0, 3.0])
def test_temperatures_have_the_lowest_log_loss_of_a_grid(type: str, true: float) -> None:
    oof, truth = PROBLEMS[type](0, 2, 2000)
    proba = scaled(oof[1], true, type)

    def loss(by: float) -> float:
        return metrics.value("log_loss", truth, None, scaled(proba, by, type), classes=3)

    found = temperature(proba, truth, type)
    grid = np.geomspace(0.05, 20, 400)
    assert loss(found) <= min(map(loss, grid)) + 1e-9
    assert found == pytest.approx(temperature(oof[1], truth, type) / true, rel=0.02)


def test_temperatures_stay_in_their_limits_and_leave_labels_alone() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=500)
    assert temperature(np.eye(3)[truth] * 0.6 + 0.4 / 3, truth, "single_label") == pytest.approx(
        0.05, rel=1e-4
    )
    assert temperature(np.eye(3)[(truth + 1) % 3], truth, "single_label") == pytest.approx(20, rel=1e-4)
    proba = rng.dirichlet(np.ones(3), size=500)
    assert (scaled(proba, 7.0, "single_label").argmax(axis=1) == proba.argmax(axis=1)).all()
    sure, labels = np.stack([proba, scaled(proba, 0.1, "single_label")]), rng.integers(3, size=500)
    params = fit(Tempered(Mean(average="arithmetic")), sure, labels)
    assert params["temperatures"] == [temperature(member, labels, "single_label") for member in sure]


# ---- options


def test_fixed_weights_follow_names_not_positions() -> None:
    proba, truth = members(5, count=3, rows=10, classes=2)
    options = {"kind": "blend", "weights": {"y": 1, "x": 3}}
    blend = build("blend", options, members=["x", "y", "z"], metric="accuracy", type="single_label")
    found = blend.predict(given(proba, "single_label"), fit(blend, proba, truth))
    assert found == pytest.approx(0.75 * proba[0] + 0.25 * proba[1])


MEAN = {"kind": "mean", "average": "geometric"}


@pytest.mark.parametrize(
    ("options", "type", "message"),
    [
        ({"kind": "blnd"}, "single_label", "unknown kind 'blnd': did you mean 'blend'"),
        ({"kind": "vote", "weights": {"x": 1, "z": 1}}, "single_label", "top: weights: 'z' is no member"),
        ({"kind": "blend", "weights": {"x": 0, "y": 0}}, "single_label", "one above 0"),
        ({"kind": "vote", "weights": None}, "regression", "a regression has values; leave top out"),
        (MEAN, "regression", "a geometric mean is of probabilities"),
        (
            {**MEAN, "average": "rank", "temperature": True},
            "regression",
            "a temperature scales probabilities",
        ),
    ],
)
def test_mistakes_are_told(options, type, message) -> None:
    with pytest.raises(UserError, match=message):
        build("top", options, members=["x", "y"], metric="accuracy", type=type)


def test_values_have_blends_too() -> None:
    oof, truth = measured(0)
    weights = fit(greedy_blend("rmse", 20), oof, truth)["weights"]
    assert utility("rmse", np.array(weights), oof, truth) >= utility("rmse", np.full(3, 1 / 3), oof, truth)
