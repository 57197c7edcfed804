"""What the hold-out test says of its differences: their errors over splits that share rows, and coverage."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import norm

LEVEL = 0.9
"""Of the intervals whose coverage is counted."""


def plain_error(values: Sequence[float]) -> float:
    """Standard error of the mean of independent values; not a number for one alone."""
    array = np.asarray(values, dtype=float)
    return float(array.std(ddof=1) / np.sqrt(len(array))) if len(array) > 1 else float("nan")


def corrected_error(values: Sequence[float], *, share: float) -> float:
    """Standard error of the mean of J values, each measured on a random ``share`` of the same rows.

    Nadeau and Bengio, Inference for the Generalization Error (Machine Learning 52, 2003), section 5: sqrt((1/J +
    r / (1 - r)) s^2), where r is the correlation between two values, which they set to the share of the rows that a
    measurement uses; where the others are all trained on, r / (1 - r) is their n_test / n_train.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share must be in [0, 1), not {share}")
    return plain_error(values) * float(np.sqrt(1 + len(values) * share / (1 - share)))


def z_scores(cases: Sequence[dict[str, Any]]) -> np.ndarray:
    """Reported minus true score of each case (N,), in standard errors of both."""
    spread = [np.hypot(case["se"], case["true_se"]) for case in cases]
    difference = [case["cv"] - case["true"] for case in cases]
    return np.array([d / s if s > 0 else 0.0 for d, s in zip(difference, spread, strict=True)])


def coverage(cases: Sequence[dict[str, Any]]) -> float:
    """Share of the cases whose true score lies in the reported interval.

    The interval, of ``LEVEL``, is for the score on as many rows as the hold-out has: its standard error combines the
    reported one with the hold-out's own.
    """
    return float((np.abs(z_scores(cases)) <= norm.ppf((1 + LEVEL) / 2)).mean())


def summary(runs: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Any]:
    """Mean z and coverage of the cases of independent runs.

    The cases of one run share its rows, so that the error of the mean z is that over the runs' means.
    """
    runs = [run for run in runs if run]
    cases = [case for run in runs for case in run]
    if not cases:
        return {"runs": 0, "cases": 0}
    z = z_scores(cases)
    means = [float(z_scores(run).mean()) for run in runs]
    return {
        "runs": len(runs),
        "cases": len(cases),
        "mean_z": float(np.mean(means)),
        "mean_z_se": plain_error(means),
        "sd_z": float(z.std(ddof=1)) if len(z) > 1 else float("nan"),
        "level": LEVEL,
        "inside": coverage(cases),
        "inside_se": plain_error([coverage(run) for run in runs]),
        **_boards(cases),
        "mean_difference": float(np.mean([case["cv"] - case["true"] for case in cases])),
    }


def _boards(cases: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Share inside the run's own interval for the score on the test rows, where it reports one."""
    if not all("board_low" in case for case in cases):
        return {}
    inside = [case["board_low"] <= case["true"] <= case["board_high"] for case in cases]
    return {"inside_board": float(np.mean(inside))}
