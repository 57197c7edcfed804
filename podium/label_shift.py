"""Label shift: the test rows' class shares, estimated without their labels, and when to believe in them.

Where only the shares of the classes differ between train and test, the right test probabilities are the given ones
times (test share / train share), scaled to sum to 1 (Saerens, Latinne and Decaestecker, Adjusting the Outputs of a
Classifier to New a Priori Probabilities, Neural Computation 14, 2002, equation 2.4). The shares are a maximum a
posteriori (Ye, Tsuchida, Petersson and Barnes, Label Shift Estimation for Class-Imbalance Problem: A Bayesian Approach,
WACV 2024), with training shares for a prior, its strength fixed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

HELD = 0.1
"""How many rows with the training shares are counted with each test row. The likelihood alone lets rare classes vanish
and takes any change of the texts for one of the classes; ``python -m bench.label_shift`` measures what it costs."""
MOVED = 0.05
"""How far the mean test probabilities must be from those of train, half the summed difference, for a correction."""
NOISE = 0.15
"""How far from the training shares the estimates of samples without a shift may be for a correction."""

_STEPS = 200
_TOLERANCE = 1e-5
_ROWS = 20_000
"""At most so many rows are drawn at a time: with more test rows the noise is taken to be larger than it is."""
_DRAWS = 100
_SURE = 0.95
_SEED = 14021


def estimate(proba: np.ndarray, train: np.ndarray, *, held: float = HELD) -> np.ndarray:
    """Return the class shares (K,) of the rows of ``proba`` (N, K) by EM from the shares ``train`` (K,).

    Equations 2.9 of Saerens et al. (2002): the mean of the probabilities that the shares so far imply, again and again
    until none moves by more than 1e-5, 200 times at most. ``held`` times N rows with the training shares are counted
    with them: the maximum a posteriori under a Dirichlet distribution, 1 + held N train its parameters. A fixed point
    is where likelihood times density, whose logarithm is concave, is largest; with 0 that is the authors' method.
    """
    shares = train
    for _ in range(_STEPS):
        ratio = shares / train
        counted = ratio * ((1 / (proba @ ratio)) @ proba) / len(proba)
        new = (counted + held * train) / (1 + held)
        moved = np.abs(new - shares).max()
        shares = new / new.sum()
        if moved <= _TOLERANCE:
            break
    return shares


def correct(proba: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return probabilities (N, K) for class shares ``test`` (K,) where they were ``train`` (equation 2.4)."""
    changed = proba * (test / train)
    return changed / changed.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Shift:
    """The estimated test shares, and what the guard found.

    ``distance`` is half the sum of the absolute differences of ``train`` and ``test`` (K,); ``noise`` the distance
    that 95% of samples of out-of-fold rows, where nothing has shifted, stay below; ``moved`` how far the mean
    probabilities of the test rows are from those of the out-of-fold rows, measured alike; ``gains`` the 5% quantile
    and the mean of the metric's gain on samples with the estimated shift (None where they were not needed);
    ``applied`` whether the test probabilities are corrected.
    """

    train: np.ndarray
    test: np.ndarray
    distance: float
    noise: float
    moved: float
    gains: tuple[float, float] | None
    applied: bool

    def found(self) -> dict[str, Any]:
        """What the guard found of the shares, JSON-able, without the shares themselves."""
        return {key: getattr(self, key) for key in ("applied", "distance", "noise", "moved")}


def guarded(
    oof: np.ndarray,
    truth: np.ndarray,
    test: np.ndarray,
    *,
    utility: Callable[[np.ndarray, np.ndarray], float],
    held: float = HELD,
    least: float = MOVED,
    most: float = NOISE,
) -> Shift:
    """Estimate the shares of the test rows and say whether to correct for them.

    ``oof`` is (N, K) with classes ``truth`` (N,), ``test`` (M, K); ``utility`` gives what decisions on probabilities
    are worth for class indices, the greater the better. The guard has three parts, the last two on 100 samples of
    out-of-fold rows as large as the test set (at most 20,000, drawn with replacement):

    1. The mean of the test probabilities has itself moved by ``least``. Classes that are hard to tell apart make a
       large shift out of a small move, and texts that are otherwise unlike the training texts make a small move.
    2. The test set's estimate is farther from the training shares than those of 95 samples drawn as the rows are, and
       these are no farther than ``most``. So a model whose probabilities are biased, whose estimates are off without
       any shift, is not believed.
    3. Of samples drawn with the estimated shares, at least 95 do better by the metric when they are corrected with
       the shares estimated from their own probabilities.
    """
    generator = np.random.default_rng(_SEED)
    size, classes = min(len(test), _ROWS), oof.shape[1]
    train = np.bincount(truth, minlength=classes) / len(truth)
    if not train.all():
        raise ValueError("a class has no row")
    oof, test = scaled(oof), scaled(test)
    shares = estimate(test, train, held=held)
    nothing = [
        apart(train, estimate(oof[generator.integers(len(oof), size=size)], train, held=held))
        for _ in range(_DRAWS)
    ]
    distance, noise = apart(train, shares), float(np.quantile(nothing, _SURE))
    moved = apart(oof.mean(axis=0), test.mean(axis=0))
    if distance <= noise or noise > most or moved < least:
        return Shift(train, shares, distance, noise, moved, None, False)
    weights, gains = (shares / train)[truth], []
    for _ in range(_DRAWS):
        rows = generator.choice(len(oof), size=size, p=weights / weights.sum())
        drawn = oof[rows]
        changed = correct(drawn, train, estimate(drawn, train, held=held))
        gains.append(utility(changed, truth[rows]) - utility(drawn, truth[rows]))
    low = float(np.quantile(gains, 1 - _SURE))
    return Shift(train, shares, distance, noise, moved, (low, float(np.mean(gains))), low > 0)


def corrected(proba: np.ndarray, shift: Shift) -> np.ndarray:
    """Return test probabilities (N, K), corrected where the guard allows it."""
    return correct(scaled(proba), shift.train, shift.test) if shift.applied else proba


def scaled(proba: np.ndarray) -> np.ndarray:
    """Floor at 1e-12 and scale rows to sum 1: a row of zeros would have no place anywhere."""
    floored = np.maximum(proba, 1e-12)
    return floored / floored.sum(axis=1, keepdims=True)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Half the summed absolute difference of two shares (K,) of the classes."""
    return float(np.abs(one - other).sum() / 2)
