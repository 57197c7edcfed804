"""Ranking metrics against scikit-learn and SciPy; influences against derivatives of weighted reference values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from podium import ranking

STEP = 1e-6


def sample(seed: int, rows: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    """A truth of both sorts and a score that has something to do with it."""
    rng = np.random.default_rng(seed)
    truth = rng.random(rows) < rng.uniform(0.1, 0.9)
    truth[:2] = True, False
    score = rng.normal(size=rows) + truth
    return truth, np.round(score) if ties else score


def weighted_spearman(one: np.ndarray, other: np.ndarray, weight: np.ndarray) -> float:
    """Correlation of the weighted shares of rows below, equal ones at half, written out pair by pair."""
    share = weight / weight.sum()
    ranks = [
        ((column[:, None] > column) @ share + (column[:, None] == column) @ share / 2)
        for column in (one, other)
    ]
    first, second = (rank - share @ rank for rank in ranks)
    return (share @ (first * second)) / np.sqrt((share @ first**2) * (share @ second**2))


def weighted_pearson(one: np.ndarray, other: np.ndarray, weight: np.ndarray) -> float:
    covariance = np.cov(one, other, aweights=weight, ddof=0)
    return covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])


WEIGHTED = {
    "roc_auc": lambda truth, score, weight: roc_auc_score(truth, score, sample_weight=weight),
    "average_precision": lambda truth, score, weight: average_precision_score(
        truth, score, sample_weight=weight
    ),
    "correlation": weighted_pearson,
    "rank_correlation": weighted_spearman,
}


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(4, 40), st.booleans())
def test_values_are_those_of_the_references(seed: int, rows: int, ties: bool) -> None:
    truth, score = sample(seed, rows, ties)
    other = score + np.random.default_rng(seed).normal(size=rows)
    assert ranking.roc_auc(truth, score) == pytest.approx(roc_auc_score(truth, score))
    assert ranking.average_precision(truth, score) == pytest.approx(average_precision_score(truth, score))
    if np.ptp(score) > 0:
        assert ranking.correlation(score, other) == pytest.approx(pearsonr(score, other).statistic)
        assert ranking.rank_correlation(score, other) == pytest.approx(spearmanr(score, other).statistic)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", WEIGHTED)
def test_influences_are_derivatives_by_the_rows_weights(name: str, ties: bool) -> None:
    truth, score = sample(4, 30, ties)
    one = truth if name in ("roc_auc", "average_precision") else np.round(score * 2 + truth, 0 if ties else 9)
    found = getattr(ranking, f"{name}_influence")(one, score)
    expected = []
    for row in range(30):
        step = STEP * (np.arange(30) == row)
        up, down = (WEIGHTED[name](one, score, np.ones(30) + sign * step) for sign in (1, -1))
        expected.append((up - down) / (2 * STEP) * 30)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.mean() == pytest.approx(0, abs=1e-9)


def test_what_is_not_defined() -> None:
    assert np.isnan(ranking.roc_auc(np.ones(3), np.arange(3)))
    assert np.isnan(ranking.average_precision(np.zeros(3), np.arange(3)))
    constant, other = np.ones(4), np.arange(4.0)
    for name in ("correlation", "rank_correlation"):
        assert getattr(ranking, name)(constant, other) == 0
        assert (getattr(ranking, f"{name}_influence")(constant, other) == 0).all()
