"""The score of a competition of several tasks: the mean of the tasks' own metrics, with its standard error."""

from collections.abc import Mapping

import numpy as np

from podium import metrics
from podium.errors import UserError, hint
from podium.metrics import Score


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
