"""The score of a competition of several tasks: the mean of the tasks' own metrics, with its standard error."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from podium import metrics
from podium.errors import UserError, hint
from podium.metrics import Score

METRIC = "mean of the tasks"


def shares(tasks: Mapping[str, str], weights: Mapping[str, float] | None) -> dict[str, float]:
    """Return each task's share of the competition's score; shares sum to 1.

    Parameters
    ----------
    tasks
        Name and metric of each task.
    weights
        Weights of tasks, above 0; one that is not named has 1. None: all alike.

    Raises
    ------
    UserError
        An unknown task, a weight that is not above 0, or metrics of which some are better when greater and some when
        smaller, so that no mean of them says anything.
    """
    for name, weight in (weights or {}).items():
        if name not in tasks:
            raise UserError(f"metric.weights: there is no task '{name}'; {hint(name, tasks)}")
        if not weight > 0:
            raise UserError(f"metric.weights.{name}: must be above 0, found {weight}")
    directions = {name: metrics.greater_is_better(metric) for name, metric in tasks.items()}
    if len(set(directions.values())) > 1:
        good, bad = (next(name for name, up in directions.items() if up is way) for way in (True, False))
        raise UserError(
            f"metric: {tasks[good]} of task {good} is better when greater and {tasks[bad]} of task {bad} when smaller; "
            "give both tasks metrics of one direction"
        )
    given = {name: float((weights or {}).get(name, 1.0)) for name in tasks}
    total = sum(given.values())
    return {name: weight / total for name, weight in given.items()}


def combined(scores: Mapping[str, Score], share: Mapping[str, float]) -> Score:
    """Return the competition's score: sum of share times value, and the error of that sum.

    The tasks' rows are different rows, so their errors are independent: se^2 = sum of (share se_t)^2. The same holds
    for the difference of two members, with the tasks' paired errors (``podium.metrics.paired_se``).
    """
    value = sum(share[name] * score.value for name, score in scores.items())
    error = np.sqrt(sum((share[name] * score.se) ** 2 for name, score in scores.items()))
    return Score(float(value), float(error))


def by_fold(scores: Mapping[str, list[float]], share: Mapping[str, float]) -> list[float]:
    """Return the competition's score in each fold; the tasks have the same folds (``podium.joint_folds``)."""
    count = {len(values) for values in scores.values()}
    if len(count) != 1:
        raise ValueError(f"the tasks have different numbers of folds: {sorted(count)}")
    weights = np.array([share[name] for name in scores])
    found: list[float] = (weights @ np.array(list(scores.values()))).tolist()
    return found


def table(tables: Mapping[str, pd.DataFrame], share: Mapping[str, float]) -> pd.DataFrame:
    """Return the competition's own rows beside the tasks' tables of scores (``podium.scores.table``).

    A row for each member, round and ensemble that every task has, and one for what is submitted; ``task`` is empty,
    ``metric`` is ``mean of the tasks``. Errors are of independent tasks, so that half-widths of intervals add up as
    standard errors do.
    """
    keyed = {name: _keyed(rows) for name, rows in tables.items()}
    first = next(iter(keyed.values()))
    common = [key for key in first if all(key in rows for rows in keyed.values())]
    return pd.DataFrame(
        [_row(key, {name: rows[key] for name, rows in keyed.items()}, share) for key in common]
    )


def _keyed(rows: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Rows by what they are of; the submission has no name, for tasks choose theirs by themselves."""
    found = {}
    for row in rows.to_dict(orient="records"):
        what = str(row["what"])
        found[what, "" if what == "submitted" else str(row["name"]), str(row["round"])] = row
    return found


def _row(
    key: tuple[str, str, str], rows: Mapping[str, Mapping[str, Any]], share: Mapping[str, float]
) -> dict[str, Any]:
    score = combined({name: Score(row["cv"], row["se"]) for name, row in rows.items()}, share)
    folds = [name for name in next(iter(rows.values())) if name.startswith("fold")]
    values = by_fold({name: [row[fold] for fold in folds] for name, row in rows.items()}, share)
    return {
        "task": "",
        **dict(zip(("what", "name", "round"), key, strict=True)),
        "metric": METRIC,
        "cv": score.value,
        "se": score.se,
        **_interval("low", "high", rows, share),
        **_gain(rows, share),
        **_interval("board_low", "board_high", rows, share),
        **dict(zip(folds, values, strict=True)),
    }


def _gain(rows: Mapping[str, Mapping[str, Any]], share: Mapping[str, float]) -> dict[str, float | str | None]:
    """What averaging fold models adds (``podium.averaging``); a task that it is not estimated of adds nothing."""
    gain = sum(share[name] * row["gain"] for name, row in rows.items())
    error = np.sqrt(sum((share[name] * row["gain_se"]) ** 2 for name, row in rows.items()))
    board = sum(share[name] * row["board"] for name, row in rows.items())
    lacking = [f"{name}: {row['no_gain']}" for name, row in rows.items() if row["no_gain"] is not None]
    reason = "; ".join(lacking) if len(lacking) == len(rows) else None
    return {"gain": float(gain), "gain_se": float(error), "board": float(board), "no_gain": reason}


def _interval(
    low: str, high: str, rows: Mapping[str, Mapping[str, Any]], share: Mapping[str, float]
) -> dict[str, float]:
    middle = sum(share[name] * (row[low] + row[high]) / 2 for name, row in rows.items())
    half = np.sqrt(sum((share[name] * (row[high] - row[low]) / 2) ** 2 for name, row in rows.items()))
    return {low: float(middle - half), high: float(middle + half)}
