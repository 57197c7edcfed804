"""Compare a submission with true labels that the run never saw, to see whether its score was honest."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from podium.errors import UserError, hint

LabelMetric = Callable[[list[str], list[str]], tuple[float, float]]


def compare(
    submission: pd.DataFrame,
    truth: pd.DataFrame,
    *,
    id: str | None,
    target: str,
    metric: str,
    metric_value: LabelMetric,
    reported_cv: float,
    reported_se: float,
) -> dict[str, Any]:
    """Score a submission and put the reported cross-validated score beside it.

    Parameters
    ----------
    submission, truth
        Columns ``id`` and ``target`` (or one other column), one row an id, the same ids in any order; where
        ``id`` is None, rows in the same order.
    metric
        The metric's name, for the result.
    metric_value
        From true labels (N) and predicted labels (N) to the metric and its standard error.
    reported_cv, reported_se
        The score the run reported and its standard error.

    Returns
    -------
    dict
        ``metric``, ``reported_cv``, ``reported_se``, ``true_score``, ``true_se``, ``n``, ``difference``
        (reported minus true: above 0 is optimism where more is better), ``standard_errors`` (difference /
        sqrt(reported_se^2 + true_se^2); None where both are 0), ``accuracy``.

    Raises
    ------
    UserError
        A column is missing, an id is repeated, or one file has an id that the other lacks.
    """
    labels = {
        "the submission": _labels(submission, "the submission", id, target),
        "the truth": _labels(truth, "the truth", id, target),
    }
    predicted, true = labels["the submission"], labels["the truth"]
    for name, have, lack in (("the submission", predicted, true), ("the truth", true, predicted)):
        missing = lack.index[~lack.index.isin(have.index)]
        if len(missing):
            raise UserError(f"{name} lacks {len(missing)} ids (first '{missing[0]}') that the other file has")
    predicted = predicted.loc[true.index]
    true_score, true_se = metric_value(true.tolist(), predicted.tolist())
    difference = reported_cv - true_score
    spread = math.hypot(reported_se, true_se)
    return {
        "metric": metric,
        "reported_cv": reported_cv,
        "reported_se": reported_se,
        "true_score": float(true_score),
        "true_se": float(true_se),
        "n": len(true),
        "difference": float(difference),
        "standard_errors": float(difference / spread) if spread else None,
        "accuracy": float((predicted == true).mean()),
    }


def _labels(table: pd.DataFrame, name: str, id: str | None, target: str) -> pd.Series:
    """Labels indexed by id, or by row number."""
    if table.empty:
        raise UserError(f"{name} has no rows")
    if id is not None and id not in table:
        raise UserError(f"{name} has no column '{id}'; {hint(id, table.columns)}")
    others = [column for column in table.columns if column != id]
    if target not in others and len(others) != 1:
        raise UserError(f"{name} has no column '{target}'; {hint(target, others)}")
    labels = table[target if target in others else others[0]]
    if id is None:
        return labels.reset_index(drop=True)
    repeated = table[id][table[id].duplicated()]
    if len(repeated):
        raise UserError(f"{name} has {len(repeated)} ids more than once (first '{repeated.iloc[0]}')")
    return labels.set_axis(table[id])


def render(result: dict[str, Any]) -> str:
    """Few short lines for a person, from :func:`compare`'s result."""
    away = result["standard_errors"]
    return "\n".join(
        [
            f"{result['metric']} on {result['n']} held-out rows",
            f"  reported by cross-validation  {result['reported_cv']:.4f} +- {result['reported_se']:.4f}",
            f"  true score                    {result['true_score']:.4f} +- {result['true_se']:.4f}",
            f"  reported minus true          {result['difference']:+.4f}"
            + ("" if away is None else f"  ({away:+.2f} standard errors)"),
            f"  accuracy                      {result['accuracy']:.4f}",
        ]
    )
