"""Ensembles with many parameters are scored inside the folds: no label behind other folds' models counts."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as for_all
from hypothesis import settings, strategies
from scipy.special import softmax

from podium import metrics
from podium.ensemble import choose, cross_fit, fit_inside, fitted
from podium.ensembles.coupling import LEAST, PARTS, inner_parts, many_parameters
from podium.ensembles.layers import Layers, Tempered
from podium.ensembles.means import Mean
from tests.unit.ensemble_samples import (
    METRICS,
    PROBLEMS,
    greedy_blend,
    known,
    linear,
    members,
    methods,
    one_thread,  # noqa: F401 - for every test here
    ridge,
    trees,
)
from tests.unit.test_chance import at_chance, z

FOLDS = np.arange(240) % 4
FEATURES = 2
MANY = {"linear stack", "ridge stack", "tree stack", "layers", "layers of trees"}
MANY |= {"linear stack of probabilities", "ridge stack of logits"}


@pytest.mark.parametrize("type", PROBLEMS)
def test_the_rule_by_kind(type) -> None:
    found = {name for name, method in methods(type, METRICS[type]).items() if many_parameters(method)}
    assert found == MANY & methods(type, METRICS[type]).keys()


def test_the_rule_by_strength() -> None:
    held = linear(0.01)
    assert [many_parameters(linear(c)) for c in (0.001, 0.01, 0.011, 1.0)] == [False, False, True, True]
    assert many_parameters(linear(0.001, features="probabilities"))
    assert many_parameters(Tempered(ridge(1.0)))
    assert not many_parameters(Layers({"mean": Mean(average="rank")}, held))
    assert many_parameters(Layers({"mean": Mean(average="rank")}, ridge(1.0)))
    assert many_parameters(Layers({"trees": trees(), "stack": held}, held))


@settings(deadline=None, max_examples=40)
@for_all(strategies.integers(0, 10_000), strategies.integers(1, 4), strategies.integers(2, 5))
def test_parts_hold_clusters_together_and_every_class_apart(seed: int, size: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    clusters = np.arange(240) // size
    folds, labels = clusters % 3, np.array(list("abcde"))[(clusters // 3) % classes]
    order = rng.permutation(240)
    parts = inner_parts(labels[order].tolist(), folds[order], 7 * clusters[order] + 3, type="single_label")
    assert parts is not None
    rows = pd.DataFrame({"fold": folds[order], "part": parts, "cluster": clusters[order], "y": labels[order]})
    assert (rows.groupby("cluster")["part"].nunique() == 1).all()
    assert (rows.groupby("fold")["part"].nunique() == PARTS).all()
    counts = rows.groupby(["fold", "y"])["part"].value_counts().unstack(fill_value=0)
    assert (counts.max(axis=1) - counts.min(axis=1)).max() <= 2 * size


def test_a_fold_of_two_groups_is_not_taken_apart() -> None:
    folds, clusters = np.repeat([0, 1], 30), np.r_[np.arange(30), np.arange(30) % (LEAST - 1)]
    assert inner_parts(["a", "b"] * 30, folds, clusters, type="single_label") is None
    found = inner_parts(["a", "b"] * 30, folds, np.arange(60) % LEAST, type="single_label")
    assert found is not None
    assert set(found) == set(range(LEAST))


@pytest.mark.parametrize("name", sorted(MANY))
def test_no_label_of_another_fold_or_of_the_own_part_matters(name: str) -> None:
    oof, truth = members(0, count=3, rows=240, classes=3)
    method, parts = methods("single_label", "accuracy")[name], (np.arange(240) // 4) % 5
    found = fitted(name, method, known(oof, truth, FOLDS), parts)
    assert found.inside
    mine = (FOLDS == 2) & (parts == 1)
    rest = (FOLDS == 2) & ~mine
    for relabelled, same in ((~rest, True), (rest, False)):
        changed = np.where(relabelled, (truth + 1) % 3, truth)
        again = fit_inside(name, method, known(oof, changed, FOLDS), parts)
        assert (again.oof[mine] == found.oof[mine]).all() == same
    # For test it is fitted on all rows whatever its score is of
    assert found.params == cross_fit(name, method, known(oof, truth, FOLDS)).params


def test_few_parameters_and_no_parts_mean_scores_over_the_folds() -> None:
    oof, truth = members(1, count=3, rows=240, classes=3)
    data, parts = known(oof, truth, FOLDS), np.arange(240) // 4 % 5
    for method, given in ((greedy_blend("accuracy", 5), parts), (ridge(1.0), None)):
        found = fitted("m", method, data, given)
        assert not found.inside
        assert (found.oof == cross_fit("m", method, data).oof).all()


def test_the_choice_compares_the_scores_that_are_reported() -> None:
    oof, truth = members(2, count=2, rows=240, classes=3, skill=0.7)
    oof[1] = np.roll(oof[1], 1, axis=1)  # the better member, classes confused: a regression can undo it
    data, parts = known(oof, truth, FOLDS), np.arange(240) // 4 % 5
    built = {"blend": greedy_blend("accuracy", 5), "ridge": ridge(1.0)}
    found = choose(built, data, metric="accuracy", parts=parts)
    inside = fit_inside("ridge", built["ridge"], data, parts).oof
    for fold in range(4):
        rest = fold != FOLDS
        over = cross_fit("blend", built["blend"], known(oof[:, rest], truth[rest], FOLDS[rest])).oof
        both = (over, inside[rest])
        values = [metrics.value("accuracy", truth[rest], None, proba, classes=3) for proba in both]
        best = ["blend", "ridge"][int(np.argmax(values))]
        assert found.fold_methods[fold] == best
    assert set(found.fold_methods) == {"ridge"}
    assert (found.method, found.inside) == ("ridge", True)
    assert (found.oof == inside).all()


def coupled(draw: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Out-of-fold probabilities (4, N, 3) of models of a few features, truth (N,) at random, folds, parts.

    Each fold has as many rows of each class, so that no fold lacks what the others have much of.
    """
    rng = np.random.default_rng(draw)
    features, truth = rng.normal(size=(4, 240, FEATURES)), np.empty(240, dtype=np.int64)
    for fold in range(4):
        truth[fold == FOLDS] = rng.permutation(np.arange(60) % 3)
    oof = np.empty((4, 240, 3))
    for fold in range(4):
        out = fold == FOLDS
        for member, table in enumerate(features):
            means = [table[~out & (truth == label)].mean(axis=0) for label in range(3)]
            oof[member, out] = softmax(5 * table[out] @ np.transpose(means), axis=1)
    parts = inner_parts(truth.astype(str).tolist(), FOLDS, rng.permutation(240), type="single_label")
    assert parts is not None
    return oof, truth, FOLDS, parts


@pytest.mark.parametrize("method", [ridge(1.0), linear(1.0), trees(trees=20)], ids=["ridge", "c 1", "trees"])
def test_labels_behind_the_features_flatter_scores_over_the_folds_alone(method) -> None:
    over, inside = [], []
    for draw in range(40):
        oof, truth, folds, parts = coupled(draw)
        data = known(oof, truth, folds)
        over.append(z(truth, cross_fit("m", method, data).oof.argmax(axis=1), "accuracy", draw))
        inside.append(z(truth, fit_inside("m", method, data, parts).oof.argmax(axis=1), "accuracy", draw))
    assert np.mean(over) > 0.5
    assert not at_chance(over)
    assert at_chance(inside)
