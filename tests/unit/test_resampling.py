"""Errors of scores: intervals hold a known truth as often as they say; differences are paired."""

import numpy as np
import pytest

from bench import coverage
from bench.coverage import CASES, SAMPLES, Case, value_of
from podium.resampling import DRAWS, GROUPS, Drawn, Units
from podium.targets import TaskType

TRIALS = 120
BAND = 0.07
"""2.5 standard errors of a share of 0.9 in 120 trials."""


def drawn_of(metric: str, truth: np.ndarray, given: np.ndarray, units: Units) -> Drawn:
    return coverage.drawn_of(metric, (truth, given), units)


@pytest.mark.parametrize("metric", SAMPLES)
@pytest.mark.parametrize("case", CASES[:4], ids=lambda case: case.name)
def test_intervals_hold_the_truth_in_nine_of_ten_cases(metric: str, case: Case) -> None:
    """The score of new rows lies in the one interval, that of 200 test rows in the other."""
    found = coverage.coverage(metric, case, rows=450, test_rows=200, trials=TRIALS, seed=0)
    assert abs(found["interval"] - 0.9) < BAND + 0.02 * (case.effect > 0)
    assert found["board"] > 0.9 - BAND
    # Test rows are taken to repeat themselves as train rows do; here they do not
    assert found["board"] < 0.9 + BAND + 0.1 * (case.copies > 1)


def test_error_is_the_closed_form_where_folds_do_not_differ() -> None:
    """Of accuracy: with dealt mistakes every fold has the same share of them."""
    truth = np.zeros(900, dtype=np.int64)
    wrong = np.arange(900) // 3 % 5 == 0
    proba = np.where(wrong[:, None], [0.2, 0.8], [0.8, 0.2])
    units = Units.of(np.arange(900) % 3, np.arange(900), groups=GROUPS)
    closed = np.sqrt(0.2 * 0.8 / 900)
    assert drawn_of("accuracy", truth, proba, units).se == pytest.approx(closed, rel=0.05)
    # Every row three times is no more than the row once
    thrice = Units.of(np.arange(900) // 3 % 3, np.arange(900) // 3, groups=GROUPS)
    assert drawn_of("accuracy", truth, proba, thrice).se == pytest.approx(closed * 3**0.5, rel=0.1)
    # Whatever is dealt to groups
    many = Units.of(np.arange(9000) % 3, np.arange(9000), groups=300)
    found = drawn_of("accuracy", truth.repeat(10), proba.repeat(10, axis=0), many)
    assert found.se == pytest.approx(closed / 10**0.5, rel=0.12)


def test_a_fold_that_is_wrong_all_at_once_shows() -> None:
    """A naive error of the rows alone would be 0.009; three folds of 0.8, 0.9 and 1.0 say 0.058."""
    fold = np.arange(1200) % 3
    wrong = (np.arange(1200) // 3 % 10) < 2 - fold
    proba = np.where(wrong[:, None], [0.2, 0.8], [0.8, 0.2])
    units = Units.of(fold, np.arange(1200), groups=GROUPS)
    found = drawn_of("accuracy", np.zeros(1200, dtype=np.int64), proba, units)
    assert found.se == pytest.approx(0.1 / 3**0.5, rel=0.02)
    low, high = found.interval()
    assert high - low > 2 * 1.645 * found.se  # Student's t, with two degrees of freedom


@pytest.mark.parametrize("metric", [*SAMPLES, "mcc", "qwk"])
def test_difference_of_equal_predictions_is_exactly_zero(metric: str) -> None:
    rng = np.random.default_rng(1)
    truth, given = SAMPLES.get(metric, SAMPLES["accuracy"])(rng, np.zeros(300))
    units = Units.of(np.arange(300) % 3, np.arange(300), groups=GROUPS)
    found, again = (drawn_of(metric, truth, given, units) for _ in range(2))
    apart = found.less(again)
    assert (apart.value, apart.se, apart.interval()) == (0, 0, (0, 0))
    assert np.array_equal(found.moved, again.moved)


@pytest.mark.parametrize("metric", ["macro_f1", "log_loss"])
def test_error_of_a_difference_is_that_of_pairs(metric: str) -> None:
    """Against a bootstrap of rows in their folds, written out."""
    rng = np.random.default_rng(5)
    truth, one = SAMPLES[metric](rng, np.zeros(600))
    other = one * rng.uniform(0.7, 1.3, one.shape)
    other /= other.sum(axis=1, keepdims=True)
    folds = np.arange(600) % 4
    units = Units.of(folds, np.arange(600), groups=GROUPS)
    apart = drawn_of(metric, truth, one, units).less(drawn_of(metric, truth, other, units))
    values = []
    for _ in range(1500):
        rows = np.concatenate([rng.choice(np.flatnonzero(folds == fold), 150) for fold in range(4)])
        values.append(
            value_of(metric, (truth[rows], one[rows])) - value_of(metric, (truth[rows], other[rows]))
        )
    assert np.sqrt(apart.moved.var() * units.correction) == pytest.approx(np.std(values), rel=0.1)
    assert apart.value == pytest.approx(value_of(metric, (truth, one)) - value_of(metric, (truth, other)))
    assert apart.se < drawn_of(metric, truth, one, units).se


@pytest.mark.parametrize(
    ("type", "metric"),
    [("multi_label", "macro_f1"), ("multi_label", "samples_f1"), ("regression", "spearman")],
)
def test_slopes_are_derivatives_and_draws_are_of_the_metric(type: TaskType, metric: str) -> None:
    """Leaving a group out moves the value as its slope says."""
    rng = np.random.default_rng(2)
    truth = (rng.random((400, 3)) < 0.4).astype(np.float32)
    given = np.clip(0.4 * truth + 0.7 * rng.random((400, 3)), 0, 1).astype(np.float64)
    if type == "regression":
        truth = truth + rng.standard_normal((400, 3))
    units = Units.of(np.arange(400) // 4 % 2, np.arange(400) // 4, groups=GROUPS)
    found = drawn_of(metric, truth, given, units)
    assert found.slopes.sum() == pytest.approx(0, abs=1e-6)
    without = [
        value_of(metric, (truth[units.group != group], given[units.group != group])) for group in range(100)
    ]
    moved = found.value - np.array(without)
    assert np.corrcoef(moved, found.slopes)[0, 1] > 0.99
    assert found.slopes.std() == pytest.approx(moved.std(), rel=0.05)
    assert len(found.moved) == DRAWS


def test_rows_that_cannot_be_drawn_from_have_no_error_and_do_not_fail() -> None:
    truth, proba = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    alone = drawn_of("accuracy", truth, proba, Units.of(np.arange(3), np.zeros(3, dtype=int), groups=GROUPS))
    assert alone.se > 0  # each fold is one cluster: drawn from together
    one = drawn_of("accuracy", truth[:1], proba[:1], Units.of(np.zeros(1, int), np.zeros(1, int), groups=9))
    assert (one.se, one.interval()) == (0, (1, 1))
