"""Means of the members that fit nothing: arithmetic, geometric, and of ranks."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import expit, softmax

from podium.ensembles.odds import log_odds, logs
from podium.ensembles.predictions import Known, Predictions
from podium.ranking import ranks

Average = Literal["arithmetic", "geometric", "rank"]


@dataclass(frozen=True, kw_only=True)
class Mean:
    """The mean of the members.

    ``arithmetic`` is of probabilities or values. ``geometric`` is of probabilities, scaled to sum 1, or of the odds of
    each label (the logarithmic opinion pool: Genest and Zidek, Statistical Science 1986, section 3). ``rank`` is of
    ranks, column by column, among the rows that are predicted together; it takes a member for the order that it gives.
    The mean rank goes back to the scale of the predictions through the mean of the members' sorted columns (as quantile
    normalisation does: Bolstad et al., Bioinformatics 2003), so that labels can be decided; a single-label row is then
    scaled to sum 1.
    """

    average: Average

    def fit(self, known: Known) -> dict[str, Any]:
        """Return no parameters."""
        return {}

    def predict(self, given: Predictions, params: dict[str, Any]) -> np.ndarray:
        """Return the mean over members (N, K)."""
        if self.average == "rank":
            return _rank_mean(given)
        if self.average == "arithmetic":
            return given.mapped(lambda block: block.mean(axis=0))
        if given.type == "multi_label":
            return given.mapped(lambda block: expit(log_odds(block).mean(axis=0)))
        return given.mapped(lambda block: softmax(logs(block).mean(axis=0), axis=1))


def _rank_mean(given: Predictions) -> np.ndarray:
    """See ``Mean``; member by member, never all of them in memory."""
    members, rows, classes = given.shape
    standing, scale = np.zeros((rows, classes)), np.zeros((rows, classes))
    for member in range(members):
        table = given.member(member)
        scale += np.sort(table, axis=0) / members
        for k in range(classes):
            standing[:, k] += ranks(table[:, k]) / members
    position = np.arange(1.0, rows + 1)
    found = np.column_stack([np.interp(standing[:, k], position, scale[:, k]) for k in range(classes)])
    if given.type != "single_label":
        return found
    total = found.sum(axis=1, keepdims=True)
    return np.divide(found, total, out=np.full_like(found, 1 / classes), where=total > 0)
