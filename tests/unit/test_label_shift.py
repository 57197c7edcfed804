"""Label shift: the fixed point against another solver, known shifts, and what the guard refuses."""

import numpy as np
import pytest
from scipy.optimize import minimize

from podium.label_shift import correct, corrected, estimate, guarded

TRAIN = np.array([0.5, 0.3, 0.2])
FAR = np.array([0.15, 0.25, 0.6])


def problem(
    seed: int, rows: int, shares: np.ndarray, *, sharpness: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Right probabilities (N, K) by Bayes' rule for rows with ``TRAIN`` shares, and classes dealt by ``shares``."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, size=rows, p=shares)
    centres = 1.5 * np.eye(3)
    points = centres[truth] + rng.normal(size=(rows, 3))
    density = np.exp(-((points[:, None] - centres) ** 2).sum(axis=2) / 2) * TRAIN
    proba = (density / density.sum(axis=1, keepdims=True)) ** sharpness
    return proba / proba.sum(axis=1, keepdims=True), truth


def accuracy(proba: np.ndarray, truth: np.ndarray) -> float:
    return float((proba.argmax(axis=1) == truth).mean())


def test_the_estimate_is_where_the_likelihood_is_largest() -> None:
    proba, _ = problem(0, 400, FAR)
    found = estimate(proba, TRAIN)

    def loss(free: np.ndarray) -> float:
        shares = np.exp(free) / np.exp(free).sum()
        return -float(np.log(proba @ (shares / TRAIN)).mean())

    free = minimize(loss, np.zeros(3), tol=1e-12).x
    assert found == pytest.approx(np.exp(free) / np.exp(free).sum(), abs=1e-3)
    # A fixed point: the mean of the probabilities that it implies.
    assert correct(proba, TRAIN, found).mean(axis=0) == pytest.approx(found, abs=1e-4)


def test_certain_predictions_are_counted_and_no_shift_is_left_alone() -> None:
    labels = np.array([0, 1, 1, 2, 2, 2, 2, 2])
    assert estimate(np.eye(3)[labels] + 1e-12, TRAIN) == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=1e-6)
    proba, _ = problem(1, 20_000, TRAIN)
    assert estimate(proba, TRAIN) == pytest.approx(TRAIN, abs=0.02)
    assert correct(proba, TRAIN, TRAIN) == pytest.approx(proba)


def test_a_known_shift_is_found_and_its_correction_is_bayes_rule() -> None:
    proba, truth = problem(2, 20_000, FAR)
    shares = estimate(proba, TRAIN)
    assert shares == pytest.approx(FAR, abs=0.02)
    assert accuracy(correct(proba, TRAIN, shares), truth) > accuracy(proba, truth) + 0.03
    two = correct(np.array([[0.5, 0.5]]), np.array([0.5, 0.5]), np.array([0.2, 0.8]))
    assert two == pytest.approx(np.array([[0.2, 0.8]]))


def test_the_guard_lets_a_large_shift_through_and_only_that() -> None:
    oof, truth = problem(3, 1500, TRAIN)
    test, test_truth = problem(4, 800, FAR)
    shift = guarded(oof, truth, test, utility=accuracy)
    assert shift.applied
    assert shift.distance > shift.noise
    assert accuracy(corrected(test, shift), test_truth) > accuracy(test, test_truth)
    let_through = 0
    for seed in range(20):
        same, _ = problem(100 + seed, 300, TRAIN)
        unmoved = guarded(oof, truth, same, utility=accuracy)
        let_through += unmoved.applied
        assert unmoved.applied or corrected(same, unmoved) is same
    assert let_through <= 3


def test_the_guard_does_not_believe_biased_probabilities_nor_a_loss() -> None:
    oof, truth = problem(5, 1500, TRAIN, sharpness=0.2)
    test, _ = problem(6, 800, TRAIN, sharpness=0.2)
    biased = guarded(oof, truth, test, utility=accuracy)
    assert biased.distance > 0.05  # far, without any shift
    assert not biased.applied
    oof, truth = problem(7, 1500, TRAIN)
    test, _ = problem(8, 800, FAR)
    losing = guarded(oof, truth, test, utility=lambda proba, labels: -accuracy(proba, labels))
    assert losing.gains is not None
    assert losing.gains[0] < 0
    assert not losing.applied
