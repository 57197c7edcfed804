"""Figures of a span task: exact answers and shared words, answered and unanswered questions. N questions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from podium.page.facts_labels import confusion
from podium.span import metrics
from podium.span.answers import Answer, texts

STATES = ["answered", "left without an answer"]


def of_answers(gold: Sequence[Sequence[Answer]], said: Sequence[str], metric: str) -> dict[str, Any]:
    """Return how right the answers are, overall and by what the question has; and who was answered at all.

    ``said`` (N) are answers, "" for none. A group's ``value`` is the mean of the metric, ``exact`` the share of answers
    that are a true one letter for letter. Groups of questions with answers are thirds by the length of the first.
    """
    wanted = [texts(answers) for answers in gold]
    value, exact = metrics.rows(metric, said, wanted), metrics.rows("exact", said, wanted)
    none = np.array([not answers for answers in gold])
    found = [_group("all questions", np.ones(len(none), dtype=bool), value, exact)]
    if none.any():
        found += [
            _group("with an answer", ~none, value, exact),
            _group("without an answer", none, value, exact),
        ]
    lengths = np.array([0 if not answers else len(answers[0].text) for answers in gold])
    having = np.flatnonzero(~none)
    ordered = having[np.argsort(lengths[having], kind="stable")]
    for part in np.array_split(ordered, 3) if len(ordered) >= 30 else []:
        mask = np.zeros(len(none), dtype=bool)
        mask[part] = True
        low, high = int(lengths[part].min()), int(lengths[part].max())
        found.append(_group(f"answers of {low} to {high} characters", mask, value, exact))
    silent = np.array([not text for text in said])
    states = confusion(none.astype(int), silent.astype(int), STATES) if none.any() or silent.any() else None
    return {"groups": found, "answered": states, "rights": value}


def _group(name: str, rows: np.ndarray, value: np.ndarray, exact: np.ndarray) -> dict[str, Any]:
    count = int(rows.sum())
    error = float(value[rows].std(ddof=1) / np.sqrt(count)) if count > 1 else None
    means = {"value": float(value[rows].mean()), "exact": float(exact[rows].mean())} if count else {}
    return {"name": name, "rows": count, **means, "se": error}
