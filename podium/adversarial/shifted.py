"""The score to expect on test rows that are unlike the training rows: importance-weighted cross-validation.

Sugiyama, Krauledat and Mueller (Covariate Shift Adaptation by Importance Weighted Cross Validation, JMLR 8, 2007): a
training row counts by how much more often such rows occur in test than in train. With a classifier of the two parts
that ratio is p / (1 - p) but for a constant, p being the probability that the row is a test row (Bickel, Brueckner and
Scheffer, Discriminative Learning for Differing Training and Test Distributions, ICML 2007).
"""

from typing import Any

import numpy as np

from podium import label_shift, metrics_weighted
from podium.metrics_errors import jackknife
from podium.targets import type_of

_EDGE = 1e-6
_DRAWN = 5_000
_STEPS = 20
_SEED = 14087


def weights(proba: np.ndarray, *, limit: float) -> np.ndarray:
    """Return p / (1 - p) of ``proba`` (N,), scaled to mean 1, none above ``limit``."""
    kept = np.clip(proba, _EDGE, 1 - _EDGE)
    ratio = kept / (1 - kept)
    for _ in range(_STEPS):  # to clip lowers the mean
        ratio = np.minimum(ratio / ratio.mean(), limit)
    return ratio


def effective_rows(weight: np.ndarray) -> float:
    """Return how many rows of equal weight would give as sure a mean as these (N,) (Kish, Survey Sampling, 1965)."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def score(
    metric: str,
    truth: np.ndarray,
    predicted: np.ndarray | None,
    proba: np.ndarray | None,
    weight: np.ndarray,
    *,
    classes: int,
) -> dict[str, Any]:
    """Return the score of the weighted rows beside that of the same rows unweighted.

    Keys ``rows``, ``effective_rows``, ``unweighted``, ``value`` and its ``se``, ``difference`` from unweighted and
    ``difference_se``; value and what follows is None where the metric takes no weights (``reason`` says why). Errors
    are from a delete-a-group jackknife; they do not hold the error of the weights themselves.
    """
    found = {"rows": len(truth), "effective_rows": effective_rows(weight), "reason": None}
    if reason := metrics_weighted.mistake(metric, type_of(truth)):
        return found | nothing(reason)

    def of(kept: np.ndarray, weight: np.ndarray) -> float:
        labels, chances = (None if each is None else each[kept] for each in (predicted, proba))
        return metrics_weighted.value(metric, truth[kept], labels, chances, weight[kept], classes=classes)

    alike, everything = np.ones(len(truth)), np.ones(len(truth), dtype=bool)
    value, plain = of(everything, weight), of(everything, alike)
    return found | {
        "unweighted": plain,
        "value": value,
        "se": jackknife(lambda kept: of(kept, weight), len(truth)),
        "difference": value - plain,
        "difference_se": jackknife(lambda kept: of(kept, weight) - of(kept, alike), len(truth)),
    }


def nothing(reason: str) -> dict[str, Any]:
    """Return what ``score`` returns where there is none."""
    return dict.fromkeys(("unweighted", "value", "se", "difference", "difference_se")) | {"reason": reason}


def class_shares(
    oof: np.ndarray, truth: np.ndarray, test: np.ndarray, labels: list[str], *, level: float, bar: float
) -> dict[str, Any] | None:
    """Estimate the class shares of the test rows (``podium.label_shift``), and test whether they are those of train.

    ``oof`` (N, K) and ``test`` (M, K) are probabilities, ``truth`` (N,) class indices. ``p`` is the chance that rows
    drawn from the training rows have an estimate as far from the training shares; they are as many as make up for the
    chance in both parts (1 / n = 1 / N + 1 / M), 5,000 at most. It is None where ``distance``, half the sum of the
    absolute differences, is below ``bar``. ``moved`` is how far the mean probabilities are apart, measured alike.
    Returns None where a class has no training row.
    """
    train = np.bincount(truth, minlength=oof.shape[1]) / len(truth)
    if not train.all():
        return None
    oof, test = label_shift.scaled(oof), label_shift.scaled(test)
    shares = label_shift.estimate(test, train)
    distance = label_shift.apart(shares, train)
    p = None
    if distance >= bar:
        generator, draws = np.random.default_rng(_SEED), 2 * int(np.ceil(1 / level)) - 1
        size = min(_DRAWN, max(1, len(oof) * len(test) // (len(oof) + len(test))))
        farther = 0
        for _ in range(draws):
            rows = generator.integers(len(oof), size=size)
            farther += label_shift.apart(label_shift.estimate(oof[rows], train), train) >= distance
        p = (1 + farther) / (1 + draws)
    named = {
        name: dict(zip(labels, found.tolist(), strict=True))
        for name, found in (("train", train), ("test", shares))
    }
    return {
        "distance": distance,
        "moved": label_shift.apart(oof.mean(axis=0), test.mean(axis=0)),
        "p": p,
        **named,
    }
