"""What a metric is, and what the metrics of all types of tasks share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Terms = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
Rows = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Metric:
    """What the other stages must know of a metric.

    ``uses`` says what it reads; ``argmax_is_optimal`` whether giving each row its most probable class (in a multi-label
    task: every class above 0.5) is the best decision when the probabilities are right.

    A metric of labels is a function of counts: ``terms`` maps the counts ``hits``, ``true``, ``predicted`` (..., K) of
    the classes ``label`` (K,) to additive terms (..., K, S), and ``combine`` maps their sums over classes (..., S) to
    the value (...). With ``ordinal``, ``hits`` is the sum of true positions over the rows given the class. ``of_row``
    is for metrics that are the mean over rows of a function of each row's ``hits``, ``true``, ``predicted`` (...) among
    K classes.

    Other metrics have a ``value`` and, but for a user's own, an ``influence``. Both take the truth and what the metric
    reads of N rows; the influence (N,) is the derivative of the value with respect to a row's weight, times N, up to a
    constant. Its standard deviation over sqrt(N) is the standard error (infinitesimal jackknife; Efron and Tibshirani,
    An Introduction to the Bootstrap, 1993, chapter 21).

    ``ranked`` is how many classes of each row a metric of probabilities looks at, best first, where that is all it
    reads of them: a submission then names these classes. ``whole`` says that values count as whole numbers.
    """

    greater_is_better: bool
    uses: Literal["labels", "proba", "values"]
    argmax_is_optimal: bool = False
    terms: Terms | None = None
    combine: Callable[[np.ndarray], np.ndarray] | None = None
    ordinal: bool = False
    of_row: Callable[[np.ndarray, np.ndarray, np.ndarray, int], np.ndarray] | None = None
    value: Callable[[np.ndarray, np.ndarray], float] | None = None
    influence: Rows | None = None
    ranked: int | None = None
    whole: bool = False


def divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Divide, with 0 where the denominator is 0 (as scikit-learn does for undefined scores)."""
    shape = np.broadcast_shapes(np.shape(top), np.shape(bottom))
    return np.divide(top, bottom, out=np.zeros(shape), where=np.asarray(bottom) != 0)


def f_beta(hits: np.ndarray, true: np.ndarray, predicted: np.ndarray, beta: float) -> np.ndarray:
    """Return the F score of counts, 0 where there is nothing true or predicted.

    ``beta`` says how many times as much recall counts as precision (van Rijsbergen, Information Retrieval, 1979,
    chapter 7).
    """
    return divide((1 + beta**2) * hits, beta**2 * true + predicted)


def ratio(sums: np.ndarray) -> np.ndarray:
    """Return the first of two sums (..., 2) over the second."""
    return divide(sums[..., 0], sums[..., 1])


def mean_of(rows: Rows) -> tuple[Callable[[np.ndarray, np.ndarray], float], Rows]:
    """Return value and influence of a metric that is the mean of ``rows`` (N,)."""
    return lambda truth, given: float(rows(truth, given).mean()), rows
