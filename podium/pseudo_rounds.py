"""Rounds only as long as they help: the round whose predictions count, for each fold by the scores on the other folds.

A member's round r helps fold k where its out-of-fold predictions of the rows outside k score higher than those of
round r - 1. The first round that does not help ends the member's rounds for fold k, and the one before it counts. So
the choice for the rows of fold k is made by scores of other rows, and a score of what is chosen is a cross-fitted one
(the models behind these scores were trained with fold k: docs/honesty.md, "What cross-fitting over the members' own
folds leaves"). The test rows have the mean over the folds' models, each in its own round.

Shapes: N train rows, K classes, F folds.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from podium import metrics

_TIE = 1e-12


def judge(
    metric: str,
    truth: np.ndarray,
    folds: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    *,
    verdict: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the verdict on one more round, JSON-able.

    Parameters
    ----------
    metric
        Name of the metric.
    truth, folds
        Classes (N,) and folds (N,) from 0 of the train rows.
    before, after
        Out-of-fold probabilities (N, K) of the round before, and of the round.
    verdict
        The verdict on the round before; None for that on round 1.

    Returns
    -------
    ``round``; ``rounds``: for each fold, the round that counts by now; ``goes_on``: whether another round can matter,
    since this one counts for some fold; ``gains``: of each round from 1, ``folds`` (for each, on the rows outside it)
    and ``all``, greater is better whatever the metric.
    """
    count = int(folds.max()) + 1
    known = verdict or {"round": 0, "rounds": [0] * count, "gains": []}
    number = int(known["round"]) + 1
    gains = [_gain(metric, truth, before, after, folds != fold) for fold in range(count)]
    rounds = [
        number if last == number - 1 and gain > _TIE else last
        for last, gain in zip(known["rounds"], gains, strict=True)
    ]
    every = _gain(metric, truth, before, after, np.ones(len(truth), dtype=bool))
    return {
        "round": number,
        "rounds": rounds,
        "goes_on": number in rounds,
        "gains": [*known["gains"], {"folds": gains, "all": every}],
    }


def _gain(metric: str, truth: np.ndarray, before: np.ndarray, after: np.ndarray, rows: np.ndarray) -> float:
    old, new = (
        metrics.value(metric, truth[rows], None, proba[rows], classes=proba.shape[1])
        for proba in (before, after)
    )
    return metrics.utility(metric, new) - metrics.utility(metric, old)


def settled(oof: Sequence[np.ndarray], folds: np.ndarray) -> np.ndarray:
    """Return out-of-fold probabilities (N, K): the rows of fold k from ``oof[k]`` (N, K), those of its round."""
    result = np.empty_like(oof[0])
    for fold, proba in enumerate(oof):
        result[folds == fold] = proba[folds == fold]
    return result


def of_fold(table: pd.DataFrame, fold: int) -> pd.DataFrame:
    """Rows of a predictions table that the fold's model made."""
    return table[table["fold"] == fold]
