"""Errors of cross-validated scores: one bootstrap over near-duplicate clusters and folds for all that is scored.

What is estimated is the score of the submitted predictions on new rows of the same kind. Out-of-fold predictions come
from K models, each scored on rows of its own, so their score is off for two reasons.

1. The rows are a sample. Given the K models, the score has the error of independent rows: the central limit theorem of
   Bayle, Bayle, Janson and Mackey, Cross-validation Confidence Intervals for Test Error (NeurIPS 2020, arXiv
   2007.12671), whose target is the mean of the K models' own test errors, with their variance within folds. So units
   are drawn with replacement inside each fold. A unit is a cluster of the folds stage: near-duplicates and groups
   succeed and fail together.
2. The models are a sample, too: a fold whose model trained badly is wrong all at once. No unbiased estimator of the
   variance of a cross-validated score exists (Bengio and Grandvalet, JMLR 5, 2004), and the spread of the folds' values
   holds the sampling of rows a second time: folds resampled, then rows, give K equal models 1 + (K - 1) / K times the
   variance that they have. So fold effects are shrunk until their variance is that between folds less that within
   (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8), and then resampled. Of few folds
   this variance is itself uncertain: each draw divides it by a chi-squared of its own with K - 1 degrees of freedom, so
   that fold effects enter as Student's t does. A negative difference counts 0, which makes the standard error of equal
   models some 10% too large on average.

Cross-validation's bias is not in it: the submitted mean of K models is often a little better than each of them, which
``podium.averaging`` estimates, and where rows are few beside what is fitted its error depends on the training rows,
which only repeated training shows (Bates, Hastie and Tibshirani, Cross-validation: What Does It Estimate and How Well
Does It Do It?, JASA 2023, arXiv 2104.00673).

Units beyond 1000 are dealt at random to 1000 groups, within their folds, and groups are drawn: the variance of a mean
stays unbiased, with 4% of noise. All that is scored shares its draws: a paired difference is one of draws.
"""

from dataclasses import dataclass

import numpy as np

from podium.metric import Metric
from podium.metrics_errors import cell_draws

DRAWS = 2000
GROUPS = 1000
COMPUTED = 100
"""Groups for a user's own metric, which is computed without each of them."""
LEVEL = 0.9
"""Share of cases that an interval is to hold."""

_SEED = 20170
_STEP = 1e-3


@dataclass(frozen=True, eq=False)
class Units:
    """What is resampled: N rows in G groups of whole clusters inside K folds.

    ``group`` (N,) is the group of each row, ``fold`` (G,) the fold of each group from 0, ``rows`` (G,) its rows,
    ``weights`` (D, G) how often each draw takes it, ``fold_draws`` (D, K) how much of each fold effect it takes;
    ``strata`` counts the parts that groups are drawn in, ``clustered`` says whether some rows are near-duplicates.
    """

    group: np.ndarray
    fold: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    fold_draws: np.ndarray
    strata: int
    clustered: bool

    @classmethod
    def of(cls, folds: np.ndarray, clusters: np.ndarray, *, groups: int) -> "Units":
        """Deal the rows; ``folds`` and ``clusters`` are (N,) int, ``groups`` is about the most there may be."""
        numbers, fold_of_row = np.unique(folds, return_inverse=True)
        clusters = np.unique(clusters, return_inverse=True)[1]
        _, first, unit = np.unique(
            fold_of_row * (int(clusters.max()) + 1) + clusters, return_index=True, return_inverse=True
        )
        fold_of_unit = fold_of_row[first]
        random = np.random.default_rng(_SEED)
        parts, group_of_unit, start = [], np.empty(len(first), dtype=np.int64), 0
        for fold in range(len(numbers)):
            mine = np.flatnonzero(fold_of_unit == fold)
            count = min(len(mine), max(2, round(groups * len(mine) / len(first))))
            group_of_unit[random.permutation(mine)] = start + np.arange(len(mine)) % count
            start += count
            parts.append(count)
        # A fold that is one cluster says nothing of its own spread: all are then drawn from together
        strata = parts if min(parts) > 1 else [sum(parts)]
        group = group_of_unit[unit]
        return cls(
            group=group,
            fold=np.repeat(np.arange(len(parts)), parts),
            rows=np.bincount(group),
            weights=np.concatenate([_drawn(count, random) for count in strata], axis=1),
            fold_draws=_fold_draws(len(parts), random),
            strata=len(strata),
            clustered=len(first) < len(folds),
        )

    @property
    def correction(self) -> float:
        """What makes a bootstrap's variance unbiased: groups over groups less strata; 0 of a single group."""
        spare = len(self.fold) - self.strata
        return len(self.fold) / spare if spare else 0.0

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum ``values`` (N,) by group (G,)."""
        return np.bincount(self.group, values, minlength=len(self.fold))


def _drawn(count: int, random: np.random.Generator) -> np.ndarray:
    """How often each of ``count`` groups is among as many drawn with replacement, (D, count)."""
    taken = random.integers(count, size=(DRAWS, count)) + np.arange(DRAWS)[:, None] * count
    return np.bincount(taken.ravel(), minlength=DRAWS * count).reshape(DRAWS, count).astype(np.float64)


def _fold_draws(folds: int, random: np.random.Generator) -> np.ndarray:
    """Weights (D, K) such that the fold effects' mean is drawn with variance 1 / K, over its uncertain estimate."""
    taken = random.integers(folds, size=(DRAWS, folds))
    weights = np.stack([(taken == fold).mean(axis=1) for fold in range(folds)], axis=1)
    freedom = max(1, folds - 1)
    return weights * np.sqrt(freedom / random.chisquare(freedom, size=(DRAWS, 1)))


@dataclass(frozen=True, eq=False)
class Drawn:
    """A score, or a difference of two, with its draws.

    ``moved`` (D,) is what a draw of the rows adds to ``value``, ``slopes`` (G,) the derivative by the weight of each
    group, ``tested`` (D,) what the score of a sample as large as the test rows adds (None: not asked for).
    """

    value: float
    moved: np.ndarray
    slopes: np.ndarray
    units: Units
    tested: np.ndarray | None

    def less(self, other: "Drawn") -> "Drawn":
        """The difference to another score of the same rows; of equal predictions it is 0 in every draw."""
        moved, slopes = self.moved - other.moved, self.slopes - other.slopes
        return Drawn(self.value - other.value, moved, slopes, self.units, None)

    def _fold_effects(self) -> tuple[np.ndarray, float]:
        """Shrunk fold effects (K,), and the variance that they give the score."""
        units = self.units
        counts, rows = np.bincount(units.fold), np.bincount(units.fold, units.rows)
        if len(counts) < 2 or counts.min() < 2:
            return np.zeros(len(counts)), 0.0
        sums, share = np.bincount(units.fold, self.slopes), rows / rows.sum()
        effects = sums / share - (sums / share).mean()
        rest = self.slopes - sums[units.fold] * units.rows / rows[units.fold]
        within = np.bincount(units.fold, rest**2) / share**2 * counts / (counts - 1)
        between = (effects**2).sum() / (len(counts) - 1)
        excess = max(0.0, float(between - within.mean()))
        if excess == 0:
            return np.zeros(len(counts)), 0.0
        variance = excess * float((share**2).sum())
        return effects * np.sqrt(variance * len(counts) / (effects**2).mean()), variance

    @property
    def se(self) -> float:
        """Standard error."""
        return float(np.sqrt(self.rows_se**2 + self._fold_effects()[1]))

    @property
    def rows_se(self) -> float:
        """Standard error of the sampling of rows alone."""
        return float(np.sqrt(self.moved.var() * self.units.correction))

    def _deviations(self) -> np.ndarray:
        of_rows = (self.moved - self.moved.mean()) * np.sqrt(self.units.correction)
        return of_rows + self.units.fold_draws @ self._fold_effects()[0]

    def interval(self) -> tuple[float, float]:
        """Where the score on endless new rows is in 90% of the cases."""
        return _middle(self.value + self._deviations())

    def board(self, gain: float, se: float) -> tuple[float, float]:
        """Where the score on the test rows is in 90% of the cases: both errors together.

        ``gain`` is what the submission is expected to be better than what was scored (``podium.averaging``), ``se`` its
        standard error, drawn on top.
        """
        assert self.tested is not None
        drawn = gain + se * np.random.default_rng(_SEED + 2).standard_normal(DRAWS)
        return _middle(self.value + self._deviations() + self.tested + drawn)


def _middle(draws: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def draw(
    found: Metric,
    truth: np.ndarray,
    given: np.ndarray,
    units: Units,
    *,
    value: float,
    classes: int,
    test_rows: int | None,
) -> Drawn:
    """Draw a metric of what it reads, ``given``, as in ``podium.metrics.score``.

    A metric of counts is computed from each draw's counts. Of other metrics the linear part is drawn, from influences
    (``podium.metric.Metric``; the infinitesimal jackknife), and of a user's own from its values without each group.
    The test rows' own sampling is drawn as ``test_rows`` rows of the table of true and given classes, which also moves
    metrics that depend on the number of rows; of other metrics it is that of the train rows, scaled. Test rows are
    taken to come in clusters as train rows do.
    """
    if found.terms is None:
        slopes = _slopes(found, truth, given, units)
        moved = units.weights @ slopes - slopes.sum()
    else:
        sums = _counts(found, truth, given, units, classes)
        values = _of_counts(found, units.weights @ sums, classes)
        moved = values - _of_counts(found, sums.sum(axis=0), classes)
        total = sums.sum(axis=0)
        ahead, behind = (_of_counts(found, total + step * sums, classes) for step in (_STEP, -_STEP))
        slopes = (ahead - behind) / (2 * _STEP)
    tested = None
    if test_rows:
        tested = _tested(found, truth, given, units, test_rows, moved, value=value, classes=classes)
    return Drawn(value, moved, slopes, units, tested)


def _counts(found: Metric, truth: np.ndarray, given: np.ndarray, units: Units, classes: int) -> np.ndarray:
    """Sums by group (G, 3 K): hits, true and predicted rows of each class."""
    if truth.ndim == 2:
        columns = [truth * given, truth, given]
        return np.stack([units.sums(column) for table in columns for column in table.T], axis=1)
    groups = len(units.fold)

    def by_class(labels: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        cells = units.group * classes + labels
        return np.bincount(cells, weights, minlength=groups * classes).reshape(groups, classes)

    hits = truth if found.ordinal else truth == given
    parts = [by_class(given, hits), by_class(truth, None), by_class(given, None)]
    return np.concatenate(parts, axis=1).astype(np.float64)


def _of_counts(found: Metric, sums: np.ndarray, classes: int) -> np.ndarray:
    """The metric (...) of sums (..., 3 K)."""
    assert found.terms is not None
    assert found.combine is not None
    hits, true, predicted = (sums[..., k * classes : (k + 1) * classes] for k in range(3))
    return found.combine(found.terms(hits, true, predicted, np.arange(classes)).sum(axis=-2))


def _slopes(found: Metric, truth: np.ndarray, given: np.ndarray, units: Units) -> np.ndarray:
    """Derivatives (G,) of the value by the weights of the groups."""
    if found.influence is not None:
        moved = found.influence(truth, given)
        return units.sums(moved - moved.mean()) / len(truth)
    assert found.value is not None
    whole, slopes = found.value(truth, given), np.zeros(len(units.fold))
    for group, rows in enumerate(units.rows):
        kept = units.group != group
        if kept.any():
            without = found.value(truth[kept], given[kept])
            slopes[group] = (whole - without) * (len(truth) - rows) / len(truth)
    return slopes


def _tested(
    found: Metric,
    truth: np.ndarray,
    given: np.ndarray,
    units: Units,
    rows: int,
    moved: np.ndarray,
    *,
    value: float,
    classes: int,
) -> np.ndarray:
    """What the sampling of the test rows adds (D,); see ``draw``."""
    if found.terms is None or truth.ndim == 2:
        again = np.random.default_rng(_SEED + 1).permutation(moved - moved.mean())
        return again * np.sqrt(len(truth) / rows)
    values = cell_draws(found, truth, [given], classes=classes, rows=rows)[0]
    alone = cell_draws(found, truth, [given], classes=classes)[0].std() if units.clustered else 0.0
    scale = moved.std() / alone if alone > 0 else 1.0
    drawn = (values - values.mean()) * scale + values.mean() - (value + moved).mean()
    return np.resize(drawn, DRAWS)
