"""With labels at random, what is tuned on out-of-fold predictions must be scored at chance.

Many permutations of the labels of fixed tables are cheap, so that a small optimism shows: the mean over the draws has a
tenth of the error of one. Each check also shows that the same figure without cross-fitting is far from chance.
"""

import numpy as np
import pytest

from podium import decision, metrics, thresholds
from podium.ensemble import choose, cross_fit
from podium.ensemble_methods import METHODS, Blend, Mean, Stack, Vote
from podium.ensemble_types import LabelStack, LabelVote, ValueStack

DRAWS, ROWS, CLASSES, MEMBERS = 60, 240, 4, 5
SHARES = np.array([0.4, 0.3, 0.2, 0.1])


def tables(draw: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Members' probabilities (M, N, K), truth (N,) that has nothing to do with them, folds (N,)."""
    generator = np.random.default_rng(draw)
    oof = generator.dirichlet(3 * SHARES, size=(MEMBERS, ROWS))
    truth = generator.choice(CLASSES, size=ROWS, p=SHARES)
    return oof, truth, generator.permutation(ROWS) % 4


def z(truth: np.ndarray, labels: np.ndarray, metric: str, draw: int) -> float:
    """The score against those of the same labels on permuted truth, in standard deviations."""
    generator = np.random.default_rng(1000 + draw)
    chance = [
        metrics.value(metric, generator.permutation(truth), labels, None, classes=CLASSES) for _ in range(60)
    ]
    return float(
        (metrics.value(metric, truth, labels, None, classes=CLASSES) - np.mean(chance)) / np.std(chance)
    )


def at_chance(found: list[float]) -> bool:
    return abs(np.mean(found)) < 4 * np.std(found) / len(found) ** 0.5


@pytest.mark.parametrize("method", [Blend("accuracy", 10, None), Stack(0.1)], ids=["blend", "stack"])
def test_ensembles(method: object) -> None:
    honest, fooled = [], []
    for draw in range(DRAWS):
        oof, truth, folds = tables(draw)
        crossed = cross_fit("m", method, oof, truth, folds)
        honest.append(z(truth, crossed.oof.argmax(axis=1), "accuracy", draw))
        fitted = method.predict(oof, crossed.params)
        fooled.append(z(truth, fitted.argmax(axis=1), "accuracy", draw))
    assert at_chance(honest)
    assert np.mean(fooled) > 1


def test_the_choice_among_ensembles() -> None:
    methods = {"mean": Mean(), "blend": Blend("accuracy", 5, None), "stack": Stack(0.1), "vote": Vote(None)}
    assert set(methods) == set(METHODS)
    honest = []
    for draw in range(DRAWS):
        oof, truth, folds = tables(draw)
        chosen = choose(methods, oof, truth, folds, metric="accuracy")
        honest.append(z(truth, chosen.oof.argmax(axis=1), "accuracy", draw))
    assert at_chance(honest)


def test_decision_offsets() -> None:
    honest, fooled = [], []
    for draw in range(DRAWS):
        oof, truth, folds = tables(draw)
        proba = oof.mean(axis=0)
        decided = decision.cross_fit(proba, truth, folds, method="offsets", metric="macro_f1", sweeps=3)
        honest.append(z(truth, decided.labels, "macro_f1", draw))
        offsets = decision.fit_offsets(proba, truth, metric="macro_f1", sweeps=3)
        fooled.append(z(truth, decision.decide(proba, offsets), "macro_f1", draw))
    assert at_chance(honest)
    assert np.mean(fooled) > 1


def multi_label_tables(draw: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Members' probabilities (M, N, K), a truth (N, K) that has nothing to do with them, folds (N,)."""
    generator = np.random.default_rng(draw)
    oof = generator.beta(2, 2 / SHARES - 2, size=(MEMBERS, ROWS, CLASSES))
    truth = (generator.random((ROWS, CLASSES)) < SHARES).astype(np.float32)
    return oof, truth, generator.permutation(ROWS) % 4


@pytest.mark.parametrize("metric", ["macro_f1", "micro_f1"])
def test_multi_label_thresholds(metric: str) -> None:
    """Chance depends on how many labels are given: so against the same labels on permuted rows of truth."""
    honest, fooled = [], []
    for draw in range(DRAWS):
        oof, truth, folds = multi_label_tables(draw)
        proba = oof.mean(axis=0)
        decided = decision.cross_fit(proba, truth, folds, method="offsets", metric=metric, sweeps=3)
        honest.append(z(truth, decided.labels, metric, draw))
        offsets = thresholds.fit_offsets(proba, truth, metric=metric, sweeps=3)
        fooled.append(z(truth, thresholds.decide(proba, offsets), metric, draw))
    assert at_chance(honest)
    assert np.mean(fooled) > 1


def test_multi_label_ensembles_and_the_choice_among_them() -> None:
    methods = {"blend": Blend("roc_auc", 5, None), "stack": LabelStack(0.1), "vote": LabelVote(None)}
    honest, fooled = [], []
    for draw in range(DRAWS // 3):
        oof, truth, folds = multi_label_tables(draw)
        chosen = choose(methods, oof, truth, folds, metric="roc_auc")
        honest.append(metrics.value("roc_auc", truth, None, chosen.oof, classes=CLASSES) - 0.5)
        stack = methods["stack"]
        seen = stack.predict(oof, stack.fit(oof, truth))
        fooled.append(metrics.value("roc_auc", truth, None, seen, classes=CLASSES) - 0.5)
    assert at_chance(honest)
    assert np.mean(fooled) > 0.02


def test_regression_stack() -> None:
    honest, fooled = [], []
    for draw in range(DRAWS):
        generator = np.random.default_rng(draw)
        oof, truth = generator.normal(size=(MEMBERS, ROWS, 1)), generator.normal(size=(ROWS, 1))
        folds = generator.permutation(ROWS) % 4
        crossed = cross_fit("stack", ValueStack(1e6), oof, truth, folds)
        honest.append(metrics.value("r2", truth, None, crossed.oof, classes=1))
        seen = ValueStack(1e6).predict(oof, crossed.params)
        fooled.append(metrics.value("r2", truth, None, seen, classes=1))
    assert np.mean(honest) < 0
    assert np.mean(fooled) > 0.01
