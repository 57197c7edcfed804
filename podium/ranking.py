"""Metrics of the order of rows: area under the ROC curve, average precision, rank correlation; with influences.

The influence of a row is the derivative of the value with respect to its weight, times the number of rows
(``podium.metric.Metric``).
"""

import numpy as np


def ranks(column: np.ndarray) -> np.ndarray:
    """Return the ranks (N,) from 1 of a column (N,), equal values with their mean rank.

    As SciPy's ``rankdata``, whose import takes half a second of every job.
    """
    _, level, rows = np.unique(column, return_inverse=True, return_counts=True)
    return (np.cumsum(rows) - (rows - 1) / 2)[level]


def roc_auc(truth: np.ndarray, score: np.ndarray) -> float:
    """Return the share of pairs of a true and a false row (N,) that ``score`` orders rightly; a tie counts half.

    NaN where all rows are true or none is.
    """
    # Two sorted halves: blends are scored thousands of times, and ranks of all would take many times as long
    true, false = np.sort(score[truth > 0]), np.sort(score[~(truth > 0)])
    if not len(true) or not len(false):
        return np.nan
    below = np.searchsorted(false, true, "left").sum() + np.searchsorted(false, true, "right").sum()
    return float(below / (2 * len(true) * len(false)))


def roc_auc_influence(truth: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the influences (N,) of ``roc_auc``: the structural components of DeLong et al. (Biometrics 1988)."""
    positive = truth > 0
    true, false = positive.sum(), (~positive).sum()
    among_all, right = ranks(score), np.empty(len(score))
    right[positive] = (among_all[positive] - ranks(score[positive])) / false
    right[~positive] = 1 - (among_all[~positive] - ranks(score[~positive])) / true
    return (right - roc_auc(truth, score)) * len(score) / np.where(positive, true, false)


def average_precision(truth: np.ndarray, score: np.ndarray) -> float:
    """Return the mean over true rows of the precision among rows (N,) that score as high or higher; NaN without any."""
    order = np.argsort(-score)
    found, ordered = np.cumsum(truth[order] > 0), score[order]
    if not len(found) or not found[-1]:
        return np.nan
    ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])  # the last of equal scores
    return float((np.diff(found[ends], prepend=0) * found[ends] / (ends + 1)).sum() / found[-1])


def average_precision_influence(truth: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the influences (N,) of ``average_precision``.

    A row counts by itself, if it is true, and in the precision of every true row that scores as high or lower.
    """
    positive = truth > 0
    precision, rows = _precision(positive, score), len(score)
    own = np.where(positive, precision - precision[positive].mean(), 0.0)
    level, inverse = np.unique(score, return_inverse=True)
    reached = _at_or_above(np.ones(rows), inverse)

    def at_or_below(weights: np.ndarray) -> np.ndarray:
        return np.cumsum(np.bincount(inverse, weights * positive, minlength=len(level)))[inverse]

    shared = positive * at_or_below(1 / reached) - at_or_below(precision / reached)
    return (own + shared) * rows / positive.sum()


def _precision(positive: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the share of true rows among those that score as high as each row or higher (N,)."""
    inverse = np.unique(score, return_inverse=True)[1]
    return _at_or_above(positive.astype(float), inverse) / _at_or_above(np.ones(len(score)), inverse)


def _at_or_above(weights: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return the sum of ``weights`` (N,) over rows of the same ``level`` (N,) int or a higher one, for each row."""
    return np.cumsum(np.bincount(level, weights)[::-1])[::-1][level]


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Pearson's correlation of two columns (N,); 0 where one of them is constant."""
    first, second = one - one.mean(), other - other.mean()
    scale = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / scale) if scale > 0 else 0.0


def correlation_influence(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the influences (N,) of ``correlation`` (Hampel et al., Robust Statistics, 1986, section 4.2)."""
    if correlation(one, other) == 0 and (np.ptp(one) == 0 or np.ptp(other) == 0):
        return np.zeros(len(one))
    first, second = ((column - column.mean()) / column.std() for column in (one, other))
    return first * second - correlation(one, other) * (first**2 + second**2) / 2


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's correlation, that of the ranks, ties with their mean rank."""
    return correlation(ranks(one), ranks(other))


def rank_correlation_influence(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the influences (N,) of ``rank_correlation``: a row also moves the ranks of the others.

    As Croux and Dehon (Statistical Methods and Applications, 2010, section 3) for continuous columns; with ties the
    variances of the ranks move, too.
    """
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return np.zeros(len(one))
    rows = len(one)
    first, second = ((ranks(column) - 0.5) / rows - 0.5 for column in (one, other))

    def moment(a: np.ndarray, b: np.ndarray, of_a: np.ndarray, of_b: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean of the product of ranks ``a`` and ``b`` of the columns ``of_a`` and ``of_b``, and its influence."""
        mean = float((a * b).mean())
        return mean, a * b - 3 * mean + (_above(of_a, b) + _above(of_b, a)) / rows

    cross, cross_moved = moment(first, second, one, other)
    squares, squares_moved = moment(first, first, one, one)
    others, others_moved = moment(second, second, other, other)
    scale = np.sqrt(squares * others)
    return cross_moved / scale - cross / scale * (squares_moved / squares + others_moved / others) / 2


def _above(column: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return, for each row, the sum of ``weights`` (N,) over rows higher in ``column`` (N,), equal ones at half."""
    level = np.unique(column, return_inverse=True)[1]
    return _at_or_above(weights, level) - np.bincount(level, weights)[level] / 2
