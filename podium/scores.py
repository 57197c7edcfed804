"""The table of all scores: members round by round, ensembles, the final decision."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from podium import metrics
from podium.alignment import fold_numbers, probabilities
from podium.targets import TaskType, to_array


def of_member(
    oof: pd.DataFrame,
    train: pd.DataFrame,
    folds: pd.DataFrame,
    labels: list[str],
    *,
    metric: str,
    type: TaskType,
) -> dict[str, Any]:
    """Score a member's out-of-fold predictions: ``metric``, ``cv``, ``se``, ``folds`` (value in each fold)."""
    truth, assigned = to_array(train["target"], labels, type), fold_numbers(folds, train["id"])
    proba = probabilities(oof, train["id"], labels, type)
    cv = metrics.score(metric, truth, None, proba, classes=len(labels))
    by_fold = metrics.fold_scores(metric, truth, None, proba, assigned, classes=len(labels))
    return {"metric": metric, "cv": cv.value, "se": cv.se, "folds": by_fold}


def table(
    members: Sequence[tuple[str, int, dict[str, Any]]],
    ensembles: Sequence[tuple[str, dict[str, Any]]],
    decision: dict[str, Any],
) -> pd.DataFrame:
    """One row a score: ``what``, ``name``, ``round``, ``metric``, ``cv``, ``se``, then ``fold0``...

    ``members`` holds (member, round, score facts), ``ensembles`` (method, score facts); facts have ``metric``, ``cv``,
    ``se``, ``folds``. Every score is of out-of-fold predictions; tuned ones are cross-fitted.
    """
    rows = [_row("member", name, str(number), facts) for name, number, facts in members]
    rows += [_row("ensemble", name, "", facts) for name, facts in ensembles]
    rows.append(_row("submitted", f"{decision['ensemble']} + {decision['method']}", "", decision))
    return pd.DataFrame(rows)


def _row(what: str, name: str, round: str, facts: dict[str, Any]) -> dict[str, Any]:
    folds = {f"fold{number}": value for number, value in enumerate(facts["folds"])}
    keys = {"what": what, "name": name, "round": round, "metric": facts["metric"]}
    return {**keys, "cv": facts["cv"], "se": facts["se"], **folds}


def best_member(scores: pd.DataFrame) -> pd.Series:
    """The row of the best single member; the first of equals."""
    members = scores[scores["what"] == "member"]
    sign = 1 if metrics.greater_is_better(str(members["metric"].iloc[0])) else -1
    return members.loc[(sign * members["cv"]).idxmax()]
