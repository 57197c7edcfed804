"""Label shift: the fixed point against another solver, known shifts, and what the guard refuses."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import dirichlet

from podium.label_shift import HELD, MOVED, NOISE, apart, correct, corrected, estimate, guarded, scaled

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


@pytest.mark.parametrize("held", [0.0, 0.1, 2.0])
def test_the_estimate_is_where_likelihood_times_density_is_largest(held: float) -> None:
    proba, _ = problem(0, 400, FAR)
    found = estimate(proba, TRAIN, held=held)

    def loss(free: np.ndarray) -> float:
        shares = np.exp(free) / np.exp(free).sum()
        likelihood = np.log(proba @ (shares / TRAIN)).sum()
        density = dirichlet.logpdf(shares, 1 + held * len(proba) * TRAIN)
        return -float(likelihood + density) / len(proba)

    free = minimize(loss, np.zeros(3), tol=1e-12).x
    assert found == pytest.approx(np.exp(free) / np.exp(free).sum(), abs=1e-3)
    # A fixed point: the mean of the probabilities that it implies, and of the rows that are held
    mean = (correct(proba, TRAIN, found).mean(axis=0) + held * TRAIN) / (1 + held)
    assert mean == pytest.approx(found, abs=1e-4)


def test_certain_predictions_are_counted_and_no_shift_is_left_alone() -> None:
    labels = np.array([0, 1, 1, 2, 2, 2, 2, 2])
    counted = np.array([1 / 8, 2 / 8, 5 / 8])
    assert estimate(np.eye(3)[labels] + 1e-12, TRAIN, held=0) == pytest.approx(counted, abs=1e-6)
    found = estimate(np.eye(3)[labels] + 1e-12, TRAIN)
    assert found == pytest.approx((counted + HELD * TRAIN) / (1 + HELD), abs=1e-6)
    proba, _ = problem(1, 20_000, TRAIN)
    assert estimate(proba, TRAIN) == pytest.approx(TRAIN, abs=0.02)
    assert correct(proba, TRAIN, TRAIN) == pytest.approx(proba)


def test_a_known_shift_is_found_and_its_correction_is_bayes_rule() -> None:
    proba, truth = problem(2, 20_000, FAR)
    shares = estimate(proba, TRAIN, held=0)
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
    moved, _ = problem(6, 800, FAR, sharpness=0.2)
    assert not guarded(oof, truth, moved, utility=accuracy).applied
    assert guarded(oof, truth, moved, utility=accuracy, most=1.0).noise > NOISE
    oof, truth = problem(7, 1500, TRAIN)
    test, _ = problem(8, 800, FAR)
    losing = guarded(oof, truth, test, utility=lambda proba, labels: -accuracy(proba, labels))
    assert losing.gains is not None
    assert losing.gains[0] < 0
    assert not losing.applied


def test_the_guard_does_not_believe_a_small_move_of_the_mean() -> None:
    """Where classes are hard to tell apart, a little of the texts' own change looks like a large shift of classes."""
    rng = np.random.default_rng(9)
    oof, test = (0.7 * TRAIN + 0.3 * problem(seed, 4000, TRAIN)[0] for seed in (10, 11))
    test = test * np.exp([-0.1, 0.1, 0.0])
    test /= test.sum(axis=1, keepdims=True)  # right probabilities of other texts: nothing is to be corrected
    truth, test_truth = (np.array([rng.choice(3, p=row) for row in proba]) for proba in (oof, test))
    shift = guarded(oof, truth, test, utility=accuracy)
    assert not shift.applied
    assert shift.moved == apart(scaled(oof).mean(axis=0), scaled(test).mean(axis=0)) < MOVED
    assert shift.distance > 3 * max(shift.noise, shift.moved)
    believed = guarded(oof, truth, test, utility=accuracy, least=0.0)
    assert believed.applied
    assert accuracy(corrected(test, believed), test_truth) < accuracy(test, test_truth) - 0.1
