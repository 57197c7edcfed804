"""What a blend is tuned for: its metric or its loss as a function of a sum of the members, in as few numbers as do.

Each member is a vector (D,) such that the same weighted sum of the vectors stands for the blend. A search then adds and
scales vectors and asks for the value of a blend whose weights sum to 1.
"""

from collections.abc import Callable
from typing import Any, Literal, Protocol

import numpy as np

from podium import metrics
from podium.ensembles.flags import Disputes, Flags
from podium.ensembles.predictions import Known
from podium.targets import TaskType

Objective = Literal["metric", "loss"]
LOSSES: dict[TaskType, str] = {"single_label": "log_loss", "multi_label": "log_loss", "regression": "r2"}
"""The metric that is the loss of a type; R2 is the squared error in units of each value's variance."""
_EPS = np.finfo(np.float64).eps
TIE = 1e-12


class Value(Protocol):
    """The value of blends; greater is better."""

    members: int

    def vector(self, member: int) -> np.ndarray:
        """Return what stands for a member (D,)."""

    def utility(self, blend: np.ndarray) -> float:
        """Return the value of a blend (D,)."""

    def trial(self, total: np.ndarray, vector: np.ndarray, size: int) -> float:
        """Return the utility of a blend that is the sum of two parts (D,) over ``size``."""

    def tie(self, blend: np.ndarray) -> float:
        """Return what tells blends of the same value apart: minus a loss."""


def value_of(known: Known, metric: str, objective: Objective) -> Value:
    """Return the value of blends of the members; ``objective`` takes the metric, or the loss of its type of task.

    Held in memory are, of a single-label task, one number a member and row, and for metrics of labels those classes
    of rows on which members differ that some blend can choose; for multi-label metrics of counts the cells on which
    members differ; otherwise two tables (N, K) and one member's at a time.
    """
    type = known.given.type
    metric = LOSSES[type] if objective == "loss" else metric
    found = metrics.get(metric, type)
    if type == "single_label" and metric == "log_loss":
        return LogLoss(known)
    if type == "regression" or found.uses != "labels" or found.terms is None or found.combine is None:
        return Whole(known, metric)
    if type == "single_label":
        return Labels(known, metric)
    return Flags(known, metric, _noted(known, "disputes", Disputes.of).take(known.rows))


def better(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Compare pairs of (utility, tie); differences below 1e-12 are ties."""
    if abs(one[0] - other[0]) > TIE:
        return one[0] > other[0]
    return one[1] > other[1] + TIE


class _Plain:
    """A value that has no shorter way to a trial."""

    def utility(self, blend: np.ndarray) -> float:
        """See ``Value``."""
        raise NotImplementedError

    def trial(self, total: np.ndarray, vector: np.ndarray, size: int) -> float:
        """See ``Value``."""
        return self.utility((total + vector) / size)


class LogLoss(_Plain):
    """Minus the log-loss of a single-label task: D = N, each row's probability of its true class."""

    def __init__(self, known: Known) -> None:
        self.own = own_class(known)  # (M, N)
        self.members = len(self.own)

    def vector(self, member: int) -> np.ndarray:
        """See ``Value``."""
        return self.own[member]

    def utility(self, blend: np.ndarray) -> float:
        """See ``Value``."""
        return float(np.log(np.maximum(blend, _EPS)).mean())

    def tie(self, blend: np.ndarray) -> float:
        """See ``Value``; nothing is better than the log-loss itself."""
        return 0.0


class Labels:
    """A metric of a single-label task's labels: D = candidates and N; equals are told apart by log-loss."""

    def __init__(self, known: Known, metric: str) -> None:
        self.metric, self.classes = metric, known.given.shape[2]
        self.members = known.given.shape[0]
        own, contest = own_class(known), contest_of(known)
        self.columns = np.concatenate([contest.values, own], axis=1)  # (M, D)
        self.split = contest.values.shape[1]
        self.candidate = contest.candidate
        self.starts, self.row = contest.starts, contest.row
        self.sum = np.empty(self.split)
        self.open_truth = known.truth[contest.open]
        settled = ~contest.open
        self.settled = metrics.counts(
            metric, known.truth[settled], contest.label[settled], classes=self.classes
        )

    def vector(self, member: int) -> np.ndarray:
        """See ``Value``."""
        return self.columns[member]

    def labels(self, blend: np.ndarray) -> np.ndarray:
        """Return the classes of the open rows."""
        values = blend[: self.split]
        if not self.split:
            return np.zeros(0, dtype=np.int64)
        highest = np.flatnonzero(values == np.maximum.reduceat(values, self.starts)[self.row])
        # Of equal classes the first, as argmax does
        first = np.diff(self.row[highest], prepend=-1) > 0
        return self.candidate[highest[first]]

    def trial(self, total: np.ndarray, vector: np.ndarray, size: int) -> float:
        """See ``Value``; the size of a sum changes no label."""
        return self.utility(np.add(total[: self.split], vector[: self.split], out=self.sum))

    def utility(self, blend: np.ndarray) -> float:
        """See ``Value``."""
        moving = metrics.counts(self.metric, self.open_truth, self.labels(blend), classes=self.classes)
        value = metrics.from_counts(self.metric, *(a + b for a, b in zip(self.settled, moving, strict=True)))
        return metrics.utility(self.metric, float(value))

    def tie(self, blend: np.ndarray) -> float:
        """See ``Value``."""
        return float(np.log(np.maximum(blend[self.split :], _EPS)).mean())


class Whole(_Plain):
    """Any metric of any type: D = N x K; equals are told apart by log-loss, values by squared error."""

    def __init__(self, known: Known, metric: str) -> None:
        self.known, self.metric = known, metric
        self.members, _, self.classes = known.given.shape
        self.second = "rmse" if known.given.type == "regression" else "log_loss"

    def vector(self, member: int) -> np.ndarray:
        """See ``Value``."""
        return self.known.given.member(member).ravel()

    def utility(self, blend: np.ndarray) -> float:
        """See ``Value``; a value that is not defined, such as an area without true rows, is the worst."""
        value = metrics.utility(self.metric, self._value(self.metric, blend))
        return value if np.isfinite(value) else -np.inf

    def tie(self, blend: np.ndarray) -> float:
        """See ``Value``."""
        return 0.0 if self.metric == self.second else -self._value(self.second, blend)

    def _value(self, metric: str, blend: np.ndarray) -> float:
        table = blend.reshape(-1, self.classes)
        return metrics.value(metric, self.known.truth, None, table, classes=self.classes)


def own_class(known: Known) -> np.ndarray:
    """Return each member's probability of each row's true class (M, N), rows scaled to sum 1."""
    return _noted(known, "own", _own_class)[:, known.rows]


def _own_class(whole: Known) -> np.ndarray:
    found = np.empty(whole.given.shape[:2], dtype=whole.given.source.dtype)
    for where, block in whole.given.blocks():
        truth = whole.truth[where]
        found[:, where] = block[:, np.arange(len(truth)), truth] / block.sum(axis=2)
    return found


class Contest:
    """The rows whose label depends on the weights, and the classes that can win there.

    Every blend gives its most probable class at least L, the largest over classes of the least that a member gives it;
    so a class that no member gives L cannot win, nor can one that each member gives less than another. A row where one
    class is left, or that all members give the same
    class, is settled: ``label`` (N,) holds its class, ``open`` (N,) is false. The candidates of the open rows, row
    after row, are ``candidate`` (E,), with their ``values`` (M, E) and the ``row`` (E,) among the open ones; a row's
    begin at ``starts``.
    """

    def __init__(
        self, open: np.ndarray, label: np.ndarray, row: np.ndarray, candidate: np.ndarray, values: np.ndarray
    ) -> None:
        self.open, self.label, self.candidate, self.values, self.row = open, label, candidate, values, row
        self.starts = np.flatnonzero(np.diff(row, prepend=-1))

    def take(self, rows: np.ndarray) -> "Contest":
        """Return the contest of some rows (positions)."""
        if len(rows) == len(self.open):
            return self
        kept = np.zeros(len(self.open), dtype=bool)
        kept[rows] = True
        entries = kept[self.open][self.row]
        number = np.cumsum(kept[self.open]) - 1
        return Contest(
            self.open[rows],
            self.label[rows],
            number[self.row[entries]],
            self.candidate[entries],
            self.values[:, entries],
        )


def contest_of(known: Known) -> Contest:
    """Return the contest of the rows, worked out once for the rows that they were taken from."""
    return _noted(known, "contest", _contest).take(known.rows)


def _contest(whole: Known) -> Contest:
    _, rows, _ = whole.given.shape
    open_rows, label = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=np.int64)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    opened = 0
    for where, block in whole.given.blocks():
        ballots = block.argmax(axis=2)
        able = block.max(axis=0) >= block.min(axis=0).max(axis=1, keepdims=True)  # (n, K)
        contested = (ballots != ballots[0]).any(axis=0) & (able.sum(axis=1) > 1)
        open_rows[where], label[where] = contested, ballots[0]
        row, candidate = np.nonzero(able[contested])
        place = np.flatnonzero(contested)[row]
        values = block[:, place, candidate]
        kept = np.ones(len(row), dtype=bool)
        for rival in (block.min(axis=0).argmax(axis=1)[place], block.mean(axis=0).argmax(axis=1)[place]):
            kept &= ~_beaten(values, candidate, block[:, place, rival], rival)
        values = values[:, kept].astype(whole.given.source.dtype)
        parts.append((row[kept] + opened, candidate[kept], values))
        opened += int(contested.sum())
    return Contest(
        open_rows,
        label,
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts], axis=1),
    )


def _beaten(values: np.ndarray, candidate: np.ndarray, rivals: np.ndarray, rival: np.ndarray) -> np.ndarray:
    """Tell where all members (M, e) give a class less than its rival, or as much and the rival stands first."""
    return np.where(rival < candidate, (rivals >= values).all(axis=0), (rivals > values).all(axis=0))


def _noted(known: Known, name: str, work: Callable[[Known], Any]) -> Any:
    """Return ``work`` of the rows that these were taken from, done once."""
    whole = known if known.whole is None else known.whole
    notes = whole.notes if whole.notes is not None else {}
    if name not in notes:
        notes[name] = work(whole)
    return notes[name]
