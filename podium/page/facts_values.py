"""Figures of a regression: how far values are off, and whether small and great ones are right on average.

N rows, T value columns.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

BINS, BARS = 10, 24


def of_values(truth: np.ndarray, given: np.ndarray, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return a dict for each value: errors, tenths of the rows by what was predicted, and the spread of errors.

    ``truth`` and ``given`` are (N, T). ``r2`` is None where all true values are the same. A tenth has its ``rows`` and
    the means that were ``said`` and that ``was`` so; ``spread`` counts errors (predicted minus true) in equal steps
    between the two ``ends``, the outermost 1% in the steps at the ends.
    """
    return [
        {"name": name, **_of_value(truth[:, column], given[:, column])} for column, name in enumerate(names)
    ]


def _of_value(truth: np.ndarray, given: np.ndarray) -> dict[str, Any]:
    off = given - truth
    spread = float(((truth - truth.mean()) ** 2).sum())
    low, high = (float(value) for value in np.quantile(off, [0.005, 0.995]))
    if low == high:
        low, high = low - 0.5, high + 0.5
    counts = np.histogram(np.clip(off, low, high), bins=BARS, range=(low, high))[0]
    parts = [part for part in np.array_split(np.argsort(given, kind="stable"), BINS) if len(part)]
    return {
        "mae": float(np.abs(off).mean()),
        "rmse": float(np.sqrt((off**2).mean())),
        "bias": float(off.mean()),
        "r2": 1 - float((off**2).sum()) / spread if spread else None,
        "tenths": [
            {"rows": len(part), "said": float(given[part].mean()), "was": float(truth[part].mean())}
            for part in parts
        ],
        "spread": {"ends": [low, high], "counts": counts.tolist()},
    }
