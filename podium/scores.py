"""The table of all scores: members round by round, ensembles, what is submitted; each with its errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from podium import averaging, clustered, metrics, resampling
from podium.alignment import cluster_numbers, fold_numbers, positions, probabilities
from podium.averaging import Gain, Said
from podium.metric_file import is_own
from podium.resampling import Drawn
from podium.targets import JOINT, TaskType, to_array

SETTLED = "settled"
"""In the column ``round``: each fold in the round that counts for it (``podium.pseudo_rounds``)."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A row of the table: the value in each fold, the value with its draws, and what the test rows are to gain.

    See ``podium.resampling`` and ``podium.averaging``.
    """

    what: str
    name: str
    round: str
    folds: list[float]
    drawn: Drawn
    gain: Gain

    @property
    def cv(self) -> float:
        """The score."""
        return self.drawn.value


class Scorer:
    """Scores out-of-fold tables of one task, all with the same draws.

    ``train`` has ``id`` and ``target`` of the N training rows, ``folds`` their ``fold`` and ``cluster``; ``test_rows``
    is the number of rows that the leaderboard's score is of.
    """

    def __init__(
        self,
        train: pd.DataFrame,
        folds: pd.DataFrame,
        labels: list[str],
        *,
        metric: str,
        type: TaskType,
        test_rows: int,
    ) -> None:
        self.metric, self.type, self.labels, self.test_rows = metric, type, labels, test_rows
        self.ids = train["id"]
        self.truth = to_array(train["target"], labels, type)
        self.folds = fold_numbers(folds, self.ids)
        self.found = metrics.get(metric, type)
        self.units = clustered.units_of(metric, self.folds, cluster_numbers(folds, self.ids))

    def score(
        self,
        what: str,
        name: str,
        round: str,
        oof: pd.DataFrame,
        decided: pd.DataFrame | None = None,
        *,
        tested: Said | str,
    ) -> Scored:
        """Score predictions, or with ``decided`` (``id``, ``label``) what was decided from them.

        A metric that reads probabilities scores these whatever was decided. ``tested`` is what is said of test rows, or
        why the gain of averaging is not to be estimated from it.
        """
        proba = probabilities(oof, self.ids, self.labels, self.type)
        said = None
        if decided is not None and self.found.uses != "proba":
            texts = decided["label"].iloc[positions(decided, self.ids)]
            # Of labels in order the first is the decision; a multi-label row's are joined by the same sign
            single = self.type == "single_label"
            said = to_array(texts.str.split(JOINT).str[0] if single else texts, self.labels, self.type)
        classes = len(self.labels)
        value = metrics.value(self.metric, self.truth, said, proba, classes=classes)
        drawn = resampling.draw(
            self.found,
            self.truth,
            metrics.what_it_reads(self.metric, self.truth, said, proba),
            self.units,
            value=value,
            classes=classes,
            test_rows=self.test_rows,
        )
        by_fold = metrics.fold_scores(self.metric, self.truth, said, proba, self.folds, classes=classes)
        if isinstance(tested, str):
            gain = averaging.unknown(tested)
        else:
            gain = averaging.expected_gain(tested, metric=self.metric, cv=value, se=drawn.se)
        return Scored(what, name, round, by_fold, drawn, gain)

    def utility(self, value: float) -> float:
        """The value with its sign such that greater is better."""
        return metrics.utility(self.metric, value)


def table(rows: Sequence[Scored], *, task: str, metric: str, chosen: str) -> pd.DataFrame:
    """One row a score.

    Columns: ``task``, ``what`` (member, ensemble, submitted), ``name``, ``round``, ``metric``, ``cv``, ``se``, ``low``
    and ``high`` (where the score on endless new rows is in 90% of the cases), ``gain`` and ``gain_se`` (what averaging
    the fold models is expected to add to it on the test rows), ``board`` (the sum), ``board_low`` and ``board_high``
    (where the score on the test rows is in 90% of the cases), ``no_gain`` (why the gain is not estimated, or None),
    ``fold0``..., ``chosen``: whether it is the ensemble that predicts the test rows. Every score is of out-of-fold
    predictions; tuned ones are cross-fitted.
    """
    found = pd.DataFrame([_row(row, task=task, metric=metric, chosen=chosen) for row in rows])
    found["no_gain"] = pd.Series([row.gain.why for row in rows], dtype=object)  # None stays None
    return found


def _row(row: Scored, *, task: str, metric: str, chosen: str) -> dict[str, Any]:
    return {
        "task": task,
        "what": row.what,
        "name": row.name,
        "round": row.round,
        "metric": metric,
        "cv": row.cv,
        **errors(row, metric),
        **{f"fold{number}": value for number, value in enumerate(row.folds)},
        "chosen": row.what == "ensemble" and row.name == chosen,
    }


def errors(row: Scored, metric: str) -> dict[str, Any]:
    """Standard error, intervals and gain; an interval ends where the metric does."""
    gain = row.gain
    (low, high), (board_low, board_high) = row.drawn.interval(), row.drawn.board(gain.value, gain.se)
    ends = {"low": low, "high": high}
    board = {"board": row.cv + gain.value, "board_low": board_low, "board_high": board_high}
    if not is_own(metric):
        ends, board = ({name: _inside(end, metric) for name, end in part.items()} for part in (ends, board))
    given = {"gain": gain.value, "gain_se": gain.se}
    return {"se": row.drawn.se, **ends, **given, **board, "no_gain": gain.why}


_LEAST = {"mcc": -1.0, "qwk": -1.0, "pearson": -1.0, "spearman": -1.0, "r2": -np.inf}
"""Lowest values of metrics that may be negative."""


def _inside(end: float, metric: str) -> float:
    if metrics.greater_is_better(metric):
        return min(max(end, _LEAST.get(metric, 0.0)), 1.0)
    return min(max(end, 0.0), 1.0 if metric == "hamming_loss" else np.inf)


def best_member(scores: pd.DataFrame) -> pd.Series:
    """The row of the best single member; the first of equals."""
    members = scores[scores["what"] == "member"]
    sign = 1 if metrics.greater_is_better(str(members["metric"].iloc[0])) else -1
    return members.loc[(sign * members["cv"]).idxmax()]


def best(rows: Sequence[Scored], metric: str) -> Scored:
    """The best of some scores; the first of equals."""
    utilities = np.array([metrics.utility(metric, row.cv) for row in rows])
    return rows[int(utilities.argmax())]
