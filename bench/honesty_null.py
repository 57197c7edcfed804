"""How far a reported score lies from chance, when the labels have nothing to do with the texts.

The null of a figure: its predictions stay, and inside each fold the labels are dealt anew to the clusters of each size.
Under permuted labels this is exact, fold by fold: the predictions of a fold come from the labels of the others, and
given these every way to deal the fold's own labels to its clusters of one size is as likely as the next. It also has
what is sometimes taken for a bias: folds are stratified, so a class of which a fold has fewer rows has more in the
training part; the null keeps each fold's own numbers.

The folds of one run are not independent. Two alike rows in two folds are each predicted from the other's label: both
are right, or both wrong, so they count as one. The sum over folds varies more than its folds' variances say, and
``whole`` takes their correlation into account.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

DRAWS = 400
Metric = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Truth:
    """Labels (N,) int of 0..K-1, the ``folds`` (N,) that their rows are held out in, their ``clusters`` (N,)."""

    labels: np.ndarray
    folds: np.ndarray
    clusters: np.ndarray
    classes: int

    def draws(self, count: int, *, seed: int) -> np.ndarray:
        """Labels under the null (count, N)."""
        rng = np.random.default_rng([seed, 2])
        found = np.tile(self.labels, (count, 1))
        _, unit = np.unique(np.stack([self.folds, self.clusters]), axis=1, return_inverse=True)
        unit = unit.ravel()
        sizes = np.bincount(unit)
        _, first = np.unique(unit, return_index=True)
        fold = self.folds[first]
        for key in np.unique(np.stack([fold, sizes]), axis=1).T:
            same = np.flatnonzero((fold == key[0]) & (sizes == key[1]))
            dealt = rng.permuted(np.tile(self.labels[first[same]], (count, 1)), axis=1)
            rows = np.flatnonzero(np.isin(unit, same))
            found[:, rows] = dealt[:, np.searchsorted(same, unit[rows])]
        return found


def accuracy(truth: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Share of right labels (D,) for each of some truths (D, N)."""
    return np.asarray((truth == labels).mean(axis=1))


def macro_f1(truth: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Mean over classes of F1 (D,) for each of some truths (D, N)."""
    found = np.zeros((classes, len(truth)))
    for k in range(classes):
        right = (truth[:, labels == k] == k).sum(axis=1)
        found[k] = 2 * right / np.maximum((truth == k).sum(axis=1) + (labels == k).sum(), 1)
    return np.asarray(found.mean(axis=0))


METRICS: dict[str, Metric] = {"accuracy": accuracy, "macro_f1": macro_f1}


@dataclass(frozen=True)
class Distance:
    """A score, what it is by chance, and how far it is from there; ``folds`` (F,) are z of the folds' accuracies."""

    score: float
    chance: float
    sd: float
    folds: list[float]

    @property
    def z(self) -> float:
        """Distance in standard deviations of the null."""
        return (self.score - self.chance) / self.sd if self.sd > 0 else 0.0


def distance(score: float, labels: np.ndarray, truth: Truth, drawn: np.ndarray, *, metric: str) -> Distance:
    """How far a reported ``score`` lies from chance, given the predicted ``labels`` (N,) and drawn truths (D, N).

    A label of -1 is that of a row that was not scored.
    """
    scored = labels >= 0
    null = METRICS[metric](drawn[:, scored], labels[scored], truth.classes)
    folds = []
    for fold in np.unique(truth.folds):
        held = (truth.folds == fold) & scored
        found = accuracy(drawn[:, held], labels[held], truth.classes)
        own = float((truth.labels[held] == labels[held]).mean())
        folds.append(float((own - found.mean()) / found.std()) if found.std() > 0 else 0.0)
    return Distance(score, float(null.mean()), float(null.std()), folds)


def fold_correlation(folds: Sequence[Sequence[Sequence[float]]]) -> float:
    """Mean correlation of two folds of a run; ``folds`` has the folds' z (F,) of each figure of each run."""
    products, squares = [], []
    for run in folds:
        for figure in run:
            z = np.asarray(figure)
            count = len(z)
            products.append((z.sum() ** 2 - (z**2).sum()) / (count * (count - 1)))
            squares.append((z**2).mean())
    return float(np.mean(products) / np.mean(squares)) if squares else 0.0


def inflation(correlation: float, folds: int) -> float:
    """By how much the standard deviation of a sum over ``folds`` is larger than that of independent ones."""
    return float(np.sqrt(max(1 + (folds - 1) * correlation, 1 / folds)))


def look_normal(z: Sequence[float]) -> float:
    """The p-value of a Kolmogorov-Smirnov test of z-scores against the standard normal distribution."""
    return float(stats.kstest(np.asarray(z), "norm").pvalue) if len(z) > 1 else float("nan")


def above(z: Sequence[float]) -> float:
    """The mean of z-scores over its standard error, which is never taken smaller than that of standard normal ones."""
    array = np.asarray(z)
    spread = array.std(ddof=1) if len(array) > 1 else 1.0
    return float(array.mean() * len(array) ** 0.5 / max(1.0, spread))
