"""What test rows gain because the models of all folds are averaged for them, while a validation row has only one.

Cross-validation scores K models, each alone; a test row gets their mean, which is better. For the squared error of
probabilities the gain is exactly the spread of the models about their mean (Krogh and Vedelsby, Neural Network
Ensembles, Cross Validation, and Active Learning, NIPS 1995, equation 6): it needs no labels. Metrics of labels have no
such identity, so their gain is computed in a world that the models themselves describe:

1. The submitted probabilities of the test rows, at a temperature T, stand for the chances of their true classes. The
   expected value of a metric of counts is then taken as that of expected counts.
2. T is such that the models of single folds, each alone, have the score in this world that cross-validation reports.
3. The gain is the submitted labels' expected value less the mean of the single models'.

Its standard error has three parts, added in squares: how much the gain over one model differs from model to model (over
the square root of their number); how much it moves when the reported score moves by its own standard error; and a
quarter of the gain, the standard deviation of measured over expected gain among 12 pairs of data set and member
(docs/honesty_holdout.md), for the probabilities of a world of one's own are never quite the true ones.

Shapes: n test rows, K classes, J fold models.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from podium import metrics
from podium.alignment import positions, probabilities
from podium.ensembles.temperature import scaled
from podium.metric_file import is_own, shown
from podium.targets import TaskType

ROWS = 10_000
"""Test rows that the estimate is made of at most."""
MODEL_ERROR = 0.25
_TEMPERATURES = np.exp(np.linspace(-3, 3, 41))
_CLOSE = 1e-5


@dataclass(frozen=True)
class Gain:
    """What to add to a reported score for the test rows, and its standard error; or ``why`` it is not known."""

    value: float
    se: float
    why: str | None


def unknown(why: str) -> Gain:
    """No gain, for a reason."""
    return Gain(0.0, 0.0, why)


def sampled(ids: pd.Series) -> pd.Series:
    """Return the ids of the test rows (n) to look at, evenly spaced."""
    return ids.iloc[:: max(1, -(-len(ids) // ROWS))].reset_index(drop=True)


@dataclass(frozen=True)
class Said:
    """What is said of test rows: submitted probabilities (n, K), labels (n,), labels of each fold model (J, n).

    ``averaged`` says whether the submitted probabilities are the mean of the fold models'.
    """

    proba: np.ndarray
    labels: np.ndarray
    alone: np.ndarray
    averaged: bool

    @classmethod
    def of(cls, proba: np.ndarray, alone: np.ndarray) -> "Said":
        """Of submitted probabilities (n, K) and those of each fold model (J, n, K), the most probable class taken."""
        averaged = np.allclose(alone.mean(axis=0), proba, atol=_CLOSE)
        return cls(proba, proba.argmax(axis=1), alone.argmax(axis=2), averaged)

    @classmethod
    def of_tables(cls, test: pd.DataFrame, folds: pd.DataFrame, ids: pd.Series, labels: list[str]) -> "Said":
        """Of prediction tables with exactly the rows ``ids`` (n), ``folds`` with each of them for every ``fold``."""
        alone = [probabilities(rows, ids, labels) for _, rows in folds.groupby("fold")]
        return cls.of(probabilities(test, ids, labels), np.stack(alone))

    def decided(self, test: pd.DataFrame, folds: pd.DataFrame, ids: pd.Series, labels: list[str]) -> "Said":
        """The same with labels decided otherwise: tables with a ``label`` (and ``fold``) of the rows ``ids`` (n)."""
        codes = pd.Index(labels)

        def read(table: pd.DataFrame) -> np.ndarray:
            return codes.get_indexer(table["label"].iloc[positions(table, ids)])

        alone = np.stack([read(rows) for _, rows in folds.groupby("fold")])
        return replace(self, labels=read(test), alone=alone)


def mistake(metric: str, type: TaskType) -> str | None:
    """Return why the gain cannot be estimated for a metric; None where it can."""
    if type != "single_label":
        return f"it is estimated for tasks of type single_label, not {type}"
    found = metrics.get(metric, type)
    if is_own(metric) or found.terms is None or found.uses != "labels" or found.ordinal:
        return f"it is estimated for metrics of right and wrong labels, which {shown(metric)} is not"
    return None


def expected_gain(said: Said, *, metric: str, cv: float, se: float) -> Gain:
    """Estimate the gain for a reported score ``cv`` with standard error ``se``; a metric that ``mistake`` lets pass."""
    return of_world(lambda temperature: _values(said, metric, temperature), cv=cv, se=se)


def of_world(values: Callable[[float], Sequence[float]], *, cv: float, se: float) -> Gain:
    """Estimate the gain in worlds: ``values`` says of a temperature what the submission and each model (J) are worth.

    The temperature is looked for from exp(-3) to exp(3), linearly between 41 of them; where no temperature makes the
    single models as good, or as bad, as reported, the nearest is taken.
    """
    found = np.array([values(float(temperature)) for temperature in _TEMPERATURES])
    single = found[:, 1:].mean(axis=1)
    falling = np.minimum.accumulate(single)[::-1]
    gains = (found[:, :1] - found[:, 1:])[::-1]

    def at(reported: float) -> np.ndarray:
        """Gains over each model (J,) where the single models' score is as reported."""
        return np.array([np.interp(reported, falling, column) for column in gains.T])

    over = at(cv)
    value = float(over.mean())
    models = float(over.std(ddof=1)) / np.sqrt(len(over)) if len(over) > 1 else abs(value)
    moved = float(at(cv + se).mean() - at(cv - se).mean()) / 2
    return Gain(value, float(np.sqrt(models**2 + moved**2 + (MODEL_ERROR * value) ** 2)), None)


def _values(said: Said, metric: str, temperature: float) -> list[float]:
    """Expected values of the submitted labels and of each model's."""
    chances = scaled(said.proba, float(temperature), "single_label")
    return [expected(chances, labels, metric) for labels in (said.labels, *said.alone)]


def expected(chances: np.ndarray, labels: np.ndarray, metric: str) -> float:
    """A metric of counts of ``labels`` (n,) against classes of the given ``chances`` (n, K)."""
    classes = chances.shape[1]
    hits = np.bincount(labels, chances[np.arange(len(labels)), labels], minlength=classes)
    given = np.bincount(labels, minlength=classes)
    return float(metrics.from_counts(metric, hits, chances.sum(axis=0), given))
