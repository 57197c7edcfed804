"""Cut points: the best of all cuts by brute force, against the hill climbing that competitors use."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from podium import metrics
from podium.cut_points import cut, expected, fit_cuts


def kappa(truth: np.ndarray, grades: np.ndarray) -> float:
    return metrics.value("qwk", truth[:, None].astype(float), None, grades[:, None].astype(float), classes=1)


def graded(seed: int, rows: int, grades: int, *, rounded: bool) -> tuple[np.ndarray, np.ndarray]:
    """Values that regress to the mean, as predictions do, and their grades."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, grades, size=rows) + rng.integers(-3, 3)
    values = 0.4 * truth + rng.normal(size=rows) * 0.6 + 1
    return (np.round(values, 1) if rounded else values), truth


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 9), st.integers(2, 4), st.booleans())
def test_no_cuts_are_better(seed: int, rows: int, grades: int, rounded: bool) -> None:
    values, truth = graded(seed, rows, grades, rounded=rounded)
    low, cuts = fit_cuts(values, truth)
    assert (np.diff(cuts) >= 0).all()
    assert len(cuts) == truth.max() - truth.min()
    at = np.unique(values)
    bars = [at[0] - 1, *((at[:-1] + at[1:]) / 2), at[-1] + 1]
    best = max(
        kappa(truth, cut(values, low, np.array(trial)))
        for trial in itertools.combinations_with_replacement(bars, len(cuts))
    )
    assert kappa(truth, cut(values, low, cuts)) == pytest.approx(best, abs=1e-9)


def test_hill_climbing_finds_no_better_cuts_of_many_rows() -> None:
    values, truth = graded(1, 2000, 6, rounded=False)
    low, cuts = fit_cuts(values, truth)
    climbed = minimize(
        lambda trial: -kappa(truth, cut(values, low, np.sort(trial))),
        low + 0.5 + np.arange(5),
        method="Nelder-Mead",
    )
    found, plain = kappa(truth, cut(values, low, cuts)), kappa(truth, np.rint(values))
    assert found >= -climbed.fun - 1e-12
    assert found > plain + 0.05


def test_a_value_on_a_cut_is_above_it_and_the_expected_position_is_a_mean() -> None:
    assert cut(np.array([0.4, 0.5, 2.0, 9.0]), 3, np.array([0.5, 0.5, 5.0])).tolist() == [3, 5, 5, 6]
    assert expected(np.array([[0.5, 0.25, 0.25]])).tolist() == [[0.75]]
    low, cuts = fit_cuts(np.array([1.0, 2.0]), np.array([4, 4]))
    assert (low, len(cuts)) == (4, 0)
