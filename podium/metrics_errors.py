"""Standard errors of label metrics and of differences between two decisions on the same rows.

A single-label metric of counts is drawn from its cells: rows drawn with replacement give multinomial cells (Efron and
Tibshirani, An Introduction to the Bootstrap, 1993, chapter 6). A metric with influences has their standard deviation. A
user's own metric, which can only be computed, has a delete-a-group jackknife (Kott, The Delete-a-Group Jackknife,
Journal of Official Statistics 17, 2001).
"""

from collections.abc import Callable, Sequence

import numpy as np

from podium.metric import Metric

DRAWS = 500
"""Bootstrap draws behind a standard error; the noise of that error itself is then about 3%."""
GROUPS = 100
"""Groups of rows of the jackknife; the noise of its error is about 7%."""

_SEED = 20170


def cell_draws(
    found: Metric, truth: np.ndarray, given: Sequence[np.ndarray], *, classes: int, rows: int | None = None
) -> np.ndarray:
    """Return a metric of counts (G, D) of each of G decisions (N,) on the same D = 500 draws of the rows.

    ``rows`` is how many are drawn; None draws N.
    """
    assert found.terms is not None
    assert found.combine is not None
    joint = truth.astype(np.int64)
    for labels in given:
        joint = joint * classes + labels
    cells, filled = np.unique(joint, return_counts=True)
    drawn = np.random.default_rng(_SEED).multinomial(rows or len(truth), filled / filled.sum(), size=DRAWS)
    columns = [cells // classes**power % classes for power in range(len(given), -1, -1)]
    row, true = columns[0], _sum_by(drawn, columns[0], classes)
    values = []
    for column in columns[1:]:
        match = row if found.ordinal else row == column
        hits, predicted = _sum_by(drawn * match, column, classes), _sum_by(drawn, column, classes)
        values.append(found.combine(found.terms(hits, true, predicted, np.arange(classes)).sum(axis=-2)))
    return np.stack(values)


def _sum_by(drawn: np.ndarray, group: np.ndarray, classes: int) -> np.ndarray:
    """Sum the columns of ``drawn`` (D, C) that share a ``group`` (C,) into (D, K)."""
    membership = np.zeros((len(group), classes))
    membership[np.arange(len(group)), group] = 1
    return drawn @ membership


def jackknife(value: Callable[[np.ndarray], float], rows: int) -> float:
    """Return the standard error of ``value``, a function of a mask (N,) of the rows that are kept.

    Rows are dealt at random to 100 groups (or one each); each group is left out in turn.
    """
    groups = min(GROUPS, rows)
    if groups < 2:
        return 0.0
    dealt = np.random.default_rng(_SEED).permutation(rows) % groups
    found = np.array([value(dealt != group) for group in range(groups)])
    return float(np.sqrt((groups - 1) * found.var()))


def spread(found: Metric, truth: np.ndarray, given: np.ndarray, *, classes: int) -> float:
    """Return the standard error of a metric's value; what is ``given`` is what the metric reads."""
    if found.influence is not None:
        moved = found.influence(truth, given)
        return float(moved.std(ddof=1) / np.sqrt(len(truth))) if len(truth) > 1 else 0.0
    if found.terms is not None:
        return float(cell_draws(found, truth, [given], classes=classes)[0].std(ddof=1))
    assert found.value is not None
    value = found.value
    return jackknife(lambda kept: value(truth[kept], given[kept]), len(truth))


def paired_spread(
    found: Metric, truth: np.ndarray, first: np.ndarray, second: np.ndarray, *, classes: int
) -> float:
    """Return the standard error of the difference of a metric's values for two decisions on the same rows.

    Rows on which both are right, or both wrong alike, add next to nothing: it is far below that of two separate values.
    """
    if found.influence is not None:
        moved = found.influence(truth, second) - found.influence(truth, first)
        return float(moved.std(ddof=1) / np.sqrt(len(truth))) if len(truth) > 1 else 0.0
    if found.terms is not None:
        one, other = cell_draws(found, truth, [first, second], classes=classes)
        return float((other - one).std(ddof=1))
    assert found.value is not None
    value = found.value
    return jackknife(
        lambda kept: value(truth[kept], second[kept]) - value(truth[kept], first[kept]), len(truth)
    )
