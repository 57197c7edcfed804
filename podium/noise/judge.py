"""The noise table of one fold: what is found of the given labels, and which verdicts are acted on."""

import dataclasses
import logging
from typing import Any

import numpy as np
import pandas as pd

from podium.noise import issues
from podium.noise.averages import Average
from podium.noise.limits import within
from podium.targets import TaskType, to_array, to_text

log = logging.getLogger(__name__)

MOST_CELLS = 20_000_000
"""Rows times classes up to which probabilities are judged in memory (160 MB, and some copies)."""
BATCH_ROWS = 10_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The config's keys; see ``podium.config.Noise``."""

    filter_by: str
    margin: float
    score: str
    max_share: float
    class_max_share: float
    min_rows: int
    relabel_confidence: float


def judge(
    rows: pd.DataFrame,
    proba: Average,
    labels: list[str],
    rules: Rules,
    *,
    type: TaskType,
    certain: pd.Series,
    most_cells: int = MOST_CELLS,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Judge ``rows`` (id, target) by out-of-sample probabilities.

    Rows without a probability cannot be judged: their quality is NaN, and they are kept. Those in ``certain`` (ids)
    have a person's label: they are judged, and never pruned. Above ``most_cells`` rows times classes a rule that allows
    it reads the probabilities in batches.

    Returns
    -------
    The table ``id``, ``given``, ``suggested``, ``confidence``, ``quality``, ``issue``, ``pruned``, ``relabelled``, and
    its figures for the summary.
    """
    target = to_array(rows["target"], labels, type)
    place = pd.Series(np.arange(len(rows)), index=rows["id"])[proba.ids].to_numpy()
    table = pd.DataFrame({"id": rows["id"], "given": rows["target"], "suggested": rows["target"]})
    table = table.reset_index(drop=True).assign(confidence=np.nan, quality=np.nan, issue=False)
    estimate, batched = 0, False
    if len(place):
        found, batched = _find(target[place], proba, rules, most_cells)
        estimate = found.estimate
        table.loc[place, "suggested"] = to_text(found.suggested, labels)
        table.loc[place, "confidence"] = found.confidence
        table.loc[place, "quality"] = found.quality
        table.loc[place, "issue"] = found.issue
    table["pruned"] = within(
        (table["issue"] & ~table["id"].isin(certain)).to_numpy(),
        table["quality"].to_numpy(),
        target,
        max_share=rules.max_share,
        class_max_share=rules.class_max_share,
        min_rows=rules.min_rows,
    )
    sure = table["confidence"] >= rules.relabel_confidence
    table["relabelled"] = table["pruned"] & sure & (table["suggested"] != table["given"])
    facts = {
        "rows": len(table),
        "judged": len(place),
        "issues": int(table["issue"].sum()),
        "pruned": int(table["pruned"].sum()),
        "relabelled": int(table["relabelled"].sum()),
        "noise_rate": round(estimate / len(place), 6) if len(place) else None,
        "in_batches": batched,
    }
    log.info("%(judged)d of %(rows)d rows judged: %(issues)d flagged, %(pruned)d within the limits", facts)
    return table.astype({"confidence": "float32", "quality": "float32"}), facts


def _find(target: np.ndarray, proba: Average, rules: Rules, most_cells: int) -> tuple[issues.Verdicts, bool]:
    settings: dict[str, Any] = {"filter_by": rules.filter_by, "margin": rules.margin, "score": rules.score}
    big = proba.cells > most_cells
    able = target.ndim == 1 and rules.filter_by in issues.BATCHED and len(np.unique(target)) > 1
    if big and able:
        log.info("%d rows x %d classes: judged in batches", len(target), len(proba.labels))
        batches = lambda: proba.batches(BATCH_ROWS)  # noqa: E731
        return issues.find_in_batches(target, batches, **settings), True
    if big:
        log.info(
            "%d rows x %d classes: judged in memory, for %s cannot be judged in batches",
            len(target),
            len(proba.labels),
            rules.filter_by if target.ndim == 1 else "a multi-label task",
        )
    return issues.find(target, proba.whole(), **settings), False
