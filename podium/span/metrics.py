"""Exact match and F1 of spans, each as the official evaluation script of its data set counts it.

A prediction is a text, "" for "no answer"; of several true answers the best counts. All values are from 0 to 1.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from podium.errors import UserError, hint
from podium.metrics import Score
from podium.span.segmentation import chinese, english, english_words, mixed_words

CACHED = 1 << 18


def exact(prediction: str, answer: str) -> float:
    """1 where the texts are the same, spaces around them left aside: what a checker of plain files compares."""
    return float(prediction.strip() == answer.strip())


def exact_without_commas(prediction: str, answer: str) -> float:
    """:func:`exact` where neither text has a half-width comma: the leaderboard of homework 7, whose truth has none."""
    return exact(_without_commas(prediction), _without_commas(answer))


def _without_commas(text: str) -> str:
    return text.replace(",", "").strip()


def squad_em(prediction: str, answer: str) -> float:
    """Exact match of SQuAD's normal forms (Rajpurkar et al. 2016, arXiv 1606.05250, section 6.1)."""
    return float(english(prediction) == english(answer))


@lru_cache(CACHED)
def squad_f1(prediction: str, answer: str) -> float:
    """F1 of the bags of words (the same section); where either is empty both must be (the script of SQuAD 2.0)."""
    found, wanted = english_words(prediction), english_words(answer)
    if not found or not wanted:
        return float(found == wanted)
    return _f1(sum((Counter(found) & Counter(wanted)).values()), len(found), len(wanted))


def cmrc_em(prediction: str, answer: str) -> float:
    """Exact match without punctuation, lower case (Cui et al. 2019, arXiv 1810.07366, section 3.1; also for DRCD)."""
    return float(chinese(prediction) == chinese(answer))


@lru_cache(CACHED)
def cmrc_f1(prediction: str, answer: str) -> float:
    """F1 by the longest run of characters and words that both share (the script of CMRC 2018; also for DRCD).

    The script divides by what it shares with the answer, so two texts of punctuation alone have 0; an empty answer,
    which its data does not have, is met by an empty prediction.
    """
    if not prediction.strip() and not answer.strip():
        return 1.0
    found, wanted = mixed_words(prediction), mixed_words(answer)
    return _f1(_longest_run(found, wanted), len(found), len(wanted))


def _f1(shared: int, found: int, wanted: int) -> float:
    if shared == 0:
        return 0.0
    precision, recall = shared / found, shared / wanted
    return 2 * precision * recall / (precision + recall)


def _longest_run(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest list of neighbours that stands in both."""
    best, before = 0, [0] * (len(second) + 1)
    for unit in first:
        now = [0] * (len(second) + 1)
        for place, other in enumerate(second):
            if unit == other:
                now[place + 1] = before[place] + 1
                best = max(best, now[place + 1])
        before = now
    return best


METRICS: dict[str, Callable[[str, str], float]] = {
    "exact": exact,
    "exact_without_commas": exact_without_commas,
    "squad_em": squad_em,
    "squad_f1": squad_f1,
    "cmrc_em": cmrc_em,
    "cmrc_f1": cmrc_f1,
}
"""Metrics by name; greater is better in all of them."""

_HANDED_IN: dict[str, Callable[[str], str]] = {"exact_without_commas": _without_commas}
_NORMAL: dict[str, Callable[[str], str]] = {**_HANDED_IN, "squad_em": english, "squad_f1": english}


def get(metric: str) -> Callable[[str, str], float]:
    """Return the metric of that name for one prediction and one answer; an unknown one raises ``UserError``."""
    if metric not in METRICS:
        raise UserError(f"metric: there is no metric '{metric}' of spans; {hint(metric, METRICS)}")
    return METRICS[metric]


def handed_in(metric: str, answer: str) -> str:
    """Return ``answer`` as a leaderboard with this metric wants it: what its truth never has is left out."""
    change = _HANDED_IN.get(metric)
    return answer if change is None else change(answer)


def best(metric: str, prediction: str, answers: Sequence[str]) -> float:
    """Return the value of a prediction against the best of its true answers; none means that there is no answer.

    As SQuAD's script does, answers that are empty in its normal form are left aside where others remain.
    """
    normal = _NORMAL.get(metric, str.strip)
    wanted = [answer for answer in answers if normal(answer)] or [""]
    value = get(metric)
    return max(value(prediction, answer) for answer in wanted)


def rows(metric: str, predictions: Sequence[str], answers: Sequence[Sequence[str]]) -> np.ndarray:
    """Return the value of each of N predictions (N,), ``answers`` being the texts of each row's true answers."""
    return np.array([best(metric, text, wanted) for text, wanted in zip(predictions, answers, strict=True)])


def score(metric: str, predictions: Sequence[str], answers: Sequence[Sequence[str]]) -> Score:
    """Return the mean over the rows and its standard error."""
    values = rows(metric, predictions, answers)
    error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return Score(float(values.mean()), float(error))
