"""Figures of labels: scores by class, who is taken for whom, whether probabilities are to be believed.

N rows, K classes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

BINS = 10
"""Bins of a reliability diagram, of equal width (Guo et al. 2017, arXiv 1706.04599, section 2, with 15 of them)."""
WORST = 20
CELLS = 4_000
"""Squares of a confusion matrix at most: a thousand classes can have a million, each 200 bytes of the page."""


def by_class(truth: np.ndarray, said: np.ndarray, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return a line for each class: its rows, how often it was said, precision, recall and F1.

    ``truth`` and ``said`` are labels of ``podium.targets``: (N,) int, or flags (N, K). Precision of a class that was
    never said, and recall of one without rows, are None; F1 is 0 where either is 0, as scikit-learn has it.
    """
    one, other = (_flags(labels, len(names)) for labels in (truth, said))
    hits, true, given = (one & other).sum(axis=0), one.sum(axis=0), other.sum(axis=0)
    return [
        {
            "name": name,
            "rows": int(true[k]),
            "said": int(given[k]),
            "hits": int(hits[k]),
            "precision": None if not given[k] else float(hits[k] / given[k]),
            "recall": None if not true[k] else float(hits[k] / true[k]),
            "f1": None if not true[k] + given[k] else float(2 * hits[k] / (true[k] + given[k])),
        }
        for k, name in enumerate(names)
    ]


def _flags(labels: np.ndarray, classes: int) -> np.ndarray:
    if labels.ndim == 2:
        return labels > 0.5
    flags = np.zeros((len(labels), classes), dtype=bool)
    flags[np.arange(len(labels)), labels] = True
    return flags


def confusion(truth: np.ndarray, said: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Return ``names`` from the greatest class, ``cells`` (true, said, rows) that are not empty, and the worst pairs.

    ``truth`` and ``said`` are (N,) int. Of more than ``CELLS`` the diagonal is kept and then the greatest;
    ``left_out`` rows are in the others.
    """
    classes = len(names)
    rows = np.bincount(truth, minlength=classes)
    order = np.argsort(-rows, kind="stable")
    place = np.empty(classes, dtype=np.int64)
    place[order] = np.arange(classes)
    pairs, counts = np.unique(place[truth] * classes + place[said], return_counts=True)
    cells = [
        [int(pair) // classes, int(pair) % classes, int(n)] for pair, n in zip(pairs, counts, strict=True)
    ]
    wrong = sorted((cell for cell in cells if cell[0] != cell[1]), key=lambda cell: -cell[2])[:WORST]
    found: dict[str, Any] = {"names": [names[k] for k in order], "rows": rows[order].tolist()}
    found |= {"cells": cells, "worst": wrong}
    if len(cells) > CELLS:
        ordered = sorted(cells, key=lambda cell: (cell[0] != cell[1], -cell[2]))
        found |= {"cells": sorted(ordered[:CELLS]), "left_out": sum(cell[2] for cell in ordered[CELLS:])}
    return found


def reliability(chances: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """Return the bins of a reliability diagram, and the expected calibration error (ECE).

    ``chances`` (M,) are probabilities that were said, ``right`` (M,) bool whether what they were of was so. A bin holds
    its ``rows``, the mean ``said`` and the share that ``was`` so; ECE is the mean gap of the two, weighted by rows (the
    same section).
    """
    place = np.minimum((chances * BINS).astype(int), BINS - 1)
    rows = np.bincount(place, minlength=BINS)
    said, was = (np.bincount(place, values, minlength=BINS) for values in (chances, right.astype(float)))
    bins = [
        {"rows": int(n), "said": float(said[k] / n), "was": float(was[k] / n)} if n else {"rows": 0}
        for k, n in enumerate(rows)
    ]
    gap = float(np.abs(said - was).sum() / max(1, len(chances)))
    return {"bins": bins, "ece": gap, "said": float(chances.mean()), "was": float(right.mean())}


def of_probabilities(truth: np.ndarray, proba: np.ndarray) -> dict[str, Any]:
    """Reliability of probabilities (N, K): of the class said, or of every class of a row with several labels."""
    if truth.ndim == 2:
        return reliability(proba.ravel(), (truth > 0.5).ravel())
    said = proba.argmax(axis=1)
    return reliability(proba[np.arange(len(said)), said], said == truth)
