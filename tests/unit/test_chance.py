"""With labels at random, what is tuned on out-of-fold predictions must be scored at chance.

Many permutations of the labels of fixed tables are cheap, so that a small optimism shows: the mean over the draws has a
tenth of the error of one. Each check also shows that the same figure without cross-fitting is far from chance.
"""

import numpy as np
import pytest
from decision_samples import cross_fit

from podium import decision, metrics, offsets, thresholds

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


def tuned(metric: str) -> decision.Settings:
    return decision.Settings(method="offsets", metric=metric, sweeps=3, k=None, min_gain=0.0)


def test_decision_offsets() -> None:
    honest, fooled = [], []
    for draw in range(DRAWS):
        oof, truth, folds = tables(draw)
        proba = oof.mean(axis=0)
        decided = cross_fit(proba, truth, folds, tuned("macro_f1"))
        honest.append(z(truth, decided.labels, "macro_f1", draw))
        found = offsets.fit_offsets(proba, truth, metric="macro_f1", sweeps=3)
        fooled.append(z(truth, offsets.decide(proba, found), "macro_f1", draw))
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
        decided = cross_fit(proba, truth, folds, tuned(metric))
        honest.append(z(truth, decided.labels, metric, draw))
        found = thresholds.fit_offsets(proba, truth, metric=metric, sweeps=3)
        fooled.append(z(truth, thresholds.decide(proba, found), metric, draw))
    assert at_chance(honest)
    assert np.mean(fooled) > 1
