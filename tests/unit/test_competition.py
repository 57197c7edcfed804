"""The score of a competition of several tasks."""

import numpy as np
import pytest

from podium import metrics
from podium.competition import by_fold, combined, shares
from podium.errors import UserError
from podium.metrics import Score

TASKS = {"a": "accuracy", "b": "accuracy"}


def test_the_error_is_that_of_repeated_samples() -> None:
    """The spread of the weighted mean over many draws of both test sets."""
    random = np.random.default_rng(0)
    share = shares(TASKS, {"a": 3.0})
    assert share == {"a": 0.75, "b": 0.25}
    sizes, rates, values, errors = {"a": 400, "b": 90}, {"a": 0.8, "b": 0.6}, [], []
    for _ in range(400):
        scores = {}
        for name, rows in sizes.items():
            right = (random.random(rows) < rates[name]).astype(np.int64)
            scores[name] = metrics.score("accuracy", np.ones(rows, dtype=np.int64), right, None, classes=2)
        found = combined(scores, share)
        values.append(found.value)
        errors.append(found.se)
    assert np.mean(values) == pytest.approx(0.75 * 0.8 + 0.25 * 0.6, abs=0.005)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)


def test_means_by_fold_and_in_all() -> None:
    share = shares({"a": "macro_f1", "b": "accuracy", "c": "mcc"}, None)
    assert combined({"a": Score(0.3, 0.0), "b": Score(0.6, 0.03), "c": Score(0.9, 0.0)}, share) == Score(
        pytest.approx(0.6), pytest.approx(0.01)
    )
    assert by_fold({"a": [0.0, 3.0], "b": [0.3, 0.0], "c": [0.0, 0.0]}, share) == pytest.approx([0.1, 1.0])
    with pytest.raises(ValueError, match="different numbers of folds"):
        by_fold({"a": [1.0], "b": [1.0, 2.0], "c": [1.0]}, share)


def test_what_has_no_mean_is_refused() -> None:
    with pytest.raises(UserError, match="accuracy of task a is better when greater and log_loss of task b"):
        shares({"a": "accuracy", "b": "log_loss"}, None)
    with pytest.raises(UserError, match="no task 'x'"):
        shares(TASKS, {"x": 1.0})
    with pytest.raises(UserError, match="above 0"):
        shares(TASKS, {"a": -1.0})
