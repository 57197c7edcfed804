"""Temperature scaling: each member's probabilities made as sure as its own errors allow, by one number."""

from collections.abc import Callable

import numpy as np
from scipy.special import expit, softmax

from podium.ensembles.odds import log_odds, logs
from podium.ensembles.predictions import Known
from podium.targets import TaskType

ROWS = 50_000
"""Rows that a temperature is fitted on at most, evenly spaced: its standard error is then far below one per cent."""
COLDEST, HOTTEST = 0.05, 20.0
_STEPS, _CLOSE = 60, 1e-6

Slope = Callable[[float], tuple[float, float]]


def temperatures(known: Known) -> list[float]:
    """Return a temperature for each member (M), by which log-probabilities (or log-odds of labels) are divided.

    Fitted by log-loss on rows that the member did not see (Guo, Pleiss, Sun and Weinberger, On Calibration of Modern
    Neural Networks, ICML 2017, arXiv 1706.04599, section 4.2). It changes no member's labels, but what a mean of them
    says.
    """
    step = max(1, -(-len(known.truth) // ROWS))
    kept = np.arange(len(known.truth)) % step == 0
    given, truth = (known.given, known.truth) if step == 1 else (known.given.take(kept), known.truth[kept])
    return [temperature(given.member(member), truth, given.type) for member in range(given.shape[0])]


def scaled(proba: np.ndarray, temperature: float | np.ndarray, type: TaskType) -> np.ndarray:
    """Return probabilities (..., n, K) at a temperature."""
    if type == "multi_label":
        return expit(log_odds(proba) / temperature)
    return softmax(logs(proba) / temperature, axis=-1)


def temperature(proba: np.ndarray, truth: np.ndarray, type: TaskType) -> float:
    """Return the temperature from 0.05 to 20 with the lowest log-loss of ``proba`` (N, K).

    It is convex in 1/T: Newton's method, with bisection where a step would leave what is known of the minimum.
    """
    slope = _of_labels(proba, truth) if type == "multi_label" else _of_classes(proba, truth)
    low, high, now = 1 / HOTTEST, 1 / COLDEST, 1.0
    for _ in range(_STEPS):
        first, second = slope(now)
        low, high = (now, high) if first < 0 else (low, now)
        tried = now - first / second if second > 0 else np.inf
        if not low <= tried <= high:
            tried = np.sqrt(low * high)
        if abs(tried - now) <= _CLOSE * now:
            break
        now = tried
    return float(1 / now)


def _of_classes(proba: np.ndarray, truth: np.ndarray) -> Slope:
    """First and second derivative of the mean log-loss by 1/T."""
    scores = logs(proba)
    scores -= scores.max(axis=1, keepdims=True)
    own = float(np.take_along_axis(scores, truth[:, None], axis=1).mean())

    def slope(inverse: float) -> tuple[float, float]:
        share = np.exp(inverse * scores)
        share /= share.sum(axis=1, keepdims=True)
        share *= scores
        mean = share.sum(axis=1)
        return float(mean.mean()) - own, float(((share * scores).sum(axis=1) - mean**2).mean())

    return slope


def _of_labels(proba: np.ndarray, truth: np.ndarray) -> Slope:
    """``_of_classes`` of a multi-label task."""
    scores = log_odds(proba)

    def slope(inverse: float) -> tuple[float, float]:
        sure = expit(inverse * scores)
        return float(((sure - truth) * scores).mean()), float((sure * (1 - sure) * scores**2).mean())

    return slope
