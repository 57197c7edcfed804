"""Scores of answers with their errors, for the table of scores (``podium.scores``)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from podium import clustered, metrics, resampling
from podium.alignment import cluster_numbers, fold_numbers
from podium.averaging import unknown
from podium.scores import Scored
from podium.span import metrics as span_metrics
from podium.span.answers import decode_all, texts
from podium.span.averaging import Said, expected_gain


class AnswerScorer:
    """Scores answers to the N training questions of one task, all with the same draws.

    ``train`` has ``id`` and ``target``, ``folds`` their ``fold`` and ``cluster``: questions on one paragraph are drawn
    together. ``test_rows`` is the number of questions that the leaderboard's score is of.
    """

    def __init__(self, train: pd.DataFrame, folds: pd.DataFrame, *, metric: str, test_rows: int) -> None:
        self.metric, self.test_rows = metric, test_rows
        self.ids = train["id"]
        self.gold = [texts(answers) for answers in decode_all(train["target"])]
        self.folds = fold_numbers(folds, self.ids)
        self.units = clustered.units_of(metric, self.folds, cluster_numbers(folds, self.ids))

    def score(self, what: str, name: str, round: str, answers: Sequence[str], tested: Said | str) -> Scored:
        """Score the answers (N), in the order of ``train``; "" where there is none.

        ``tested`` is what is said of the test questions, or why the gain of averaging is not to be estimated from it.
        """
        rows = span_metrics.rows(self.metric, answers, self.gold)
        drawn = resampling.draw(
            metrics.get(self.metric, "span"),
            np.zeros(len(rows)),
            rows,
            self.units,
            value=float(rows.mean()),
            classes=0,
            test_rows=self.test_rows,
        )
        folds = [float(rows[self.folds == fold].mean()) for fold in np.unique(self.folds)]
        if isinstance(tested, str):
            return Scored(what, name, round, folds, drawn, unknown(tested))
        gain = expected_gain(tested, cv=float(rows.mean()), se=drawn.se)
        return Scored(what, name, round, folds, drawn, gain)
