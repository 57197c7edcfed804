"""The value of blends in multi-label metrics of counts, from the labels that members disagree on alone."""

from dataclasses import dataclass

import numpy as np

from podium import metrics
from podium.ensembles.predictions import Known

_EPS = 1e-12


@dataclass(frozen=True, eq=False)
class Disputes:
    """The cells (row and class) where some members say above 0.5 and others do not; no blend changes the rest.

    ``given`` and ``open`` (N, K) bool: what all members say of a cell, and whether it is disputed. ``row``, ``label``
    (E,) and ``values`` (M, E): the disputed cells, row after row.
    """

    given: np.ndarray
    open: np.ndarray
    row: np.ndarray
    label: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, whole: Known) -> "Disputes":
        """Find them among all rows."""
        _, rows, classes = whole.given.shape
        given, opened = np.zeros((rows, classes), dtype=bool), np.zeros((rows, classes), dtype=bool)
        parts = []
        for where, block in whole.given.blocks():
            cast = block > 0.5
            given[where] = cast.all(axis=0)
            opened[where] = cast.any(axis=0) & ~given[where]
            row, label = np.nonzero(opened[where])
            parts.append((row + where.start, label, block[:, row, label].astype(whole.given.source.dtype)))
        row, label = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
        return cls(given, opened, row, label, np.concatenate([part[2] for part in parts], axis=1))

    def take(self, rows: np.ndarray) -> "Disputes":
        """Return those of some rows (positions, increasing)."""
        if len(rows) == len(self.open):
            return self
        kept = np.zeros(len(self.open), dtype=bool)
        kept[rows] = True
        cells = kept[self.row]
        place = np.cumsum(kept) - 1
        return Disputes(
            self.given[rows],
            self.open[rows],
            place[self.row[cells]],
            self.label[cells],
            self.values[:, cells],
        )


class Flags:
    """A multi-label metric of counts: D = E disputed cells; equals are told apart by the log-loss of these."""

    def __init__(self, known: Known, metric: str, disputes: Disputes) -> None:
        self.values, self.label = disputes.values, disputes.label
        self.members, _, self.classes = known.given.shape
        self.metric = metrics.get(metric, "multi_label")
        self.name = metric
        true, given = known.truth > 0, disputes.given & ~disputes.open
        self.hits, self.true, self.predicted = (true & given).sum(axis=0), true.sum(axis=0), given.sum(axis=0)
        self.own = true[disputes.row, disputes.label]

    def vector(self, member: int) -> np.ndarray:
        """See ``podium.ensembles.objectives.Value``."""
        return self.values[member]

    def trial(self, total: np.ndarray, vector: np.ndarray, size: int) -> float:
        """See ``podium.ensembles.objectives.Value``."""
        return self.utility((total + vector) / size)

    def utility(self, blend: np.ndarray) -> float:
        """See ``podium.ensembles.objectives.Value``."""
        said = blend > 0.5
        hits = self.hits + np.bincount(self.label[said & self.own], minlength=self.classes)
        predicted = self.predicted + np.bincount(self.label[said], minlength=self.classes)
        assert self.metric.terms is not None
        assert self.metric.combine is not None
        terms = self.metric.terms(hits, self.true, predicted, np.arange(self.classes))
        return metrics.utility(self.name, float(self.metric.combine(terms.sum(axis=-2))))

    def tie(self, blend: np.ndarray) -> float:
        """See ``podium.ensembles.objectives.Value``."""
        right = np.where(self.own, blend, 1 - blend)
        return float(np.log(np.maximum(right, _EPS)).sum()) / max(1, len(right))
