"""What there is to tell of a row: plain values, gathered by ``podium.explain.rows``."""

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["train", "test", "external", "unlabelled", "made"]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The row's text in a view; ``steps`` changed it (None: not known), ``same_as`` is an earlier row of equal text."""

    name: str
    texts: dict[str, str]
    steps: list[str] | None
    same_as: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another row of the same cluster of near-duplicates."""

    id: str
    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the noise stage said of the row's label for the models without fold ``fold``."""

    fold: int
    suggested: str
    confidence: float
    quality: float
    issue: bool
    pruned: bool
    relabelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A row that an augmentation made of this one (or this one itself).

    ``verdict`` is that of its text; ``labels`` by fold that of its label, where that was judged; ``taken`` names the
    members, rounds and folds whose training took it.
    """

    id: str
    method: str
    texts: dict[str, str]
    copy: int
    draw: int
    verdict: str
    labels: dict[int, str]
    taken: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A member and round whose folds in ``folds`` were trained on the row, always in the same way.

    ``made_by`` is train, an external file's name, pseudo or an augmentation. ``left_out`` are trained folds without it.
    ``refit``: a fold's model going on over all rows, for the test rows.
    """

    member: str
    round: int
    refit: bool
    folds: list[int]
    left_out: list[int]
    made_by: str
    target: str
    weight: float
    draws: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pseudo:
    """The pseudo-label that a fold's models gave the row in a round; ``votes`` is None where they are not counted."""

    round: int
    fold: int
    label: str
    votes: int | None
    confidence: float
    accepted: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a member (in a round) or an ensemble says of the row.

    ``values`` are probabilities of classes, or values, by name; of a span task ``answer`` is the best span and
    ``values`` holds the probability that there is none. ``right``: whether the plain decision is the given label; of a
    regression None. ``error`` is that of values.
    """

    what: Literal["member", "ensemble"]
    name: str
    round: str
    values: dict[str, float]
    answer: str | None
    right: bool | None
    error: float | None


@dataclass(slots=True, kw_only=True)
class Story:
    """Everything that happened to a row of a task.

    Labels are as in the tables (``podium.targets``), ``decision`` too (None: not decided). ``right`` and ``error`` are
    of the decision against the given label; of a span task ``points`` are what the task's metric gives it.
    ``left_out`` names what earlier configs left in the results, of which nothing is told.
    """

    task: str
    type: str
    metric: str | None
    kind: Kind
    part: str
    id: str
    texts: dict[str, str]
    label: str | None
    group: str | None
    source: str | None = None
    views: list[View] = field(default_factory=list)
    fold: int | None = None
    cluster: int | None = None
    neighbours: list[Neighbour] = field(default_factory=list)
    placed: dict[str, Any] = field(default_factory=dict)
    like_test: float | None = None
    overlaps: list[Neighbour] = field(default_factory=list)
    override: dict[str, Any] | None = None
    beside: dict[str, Any] = field(default_factory=dict)
    noise: list[Verdict] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    trained: list[Training] = field(default_factory=list)
    pseudo: list[Pseudo] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    submitted: str | None = None
    decision: str | None = None
    right: bool | None = None
    error: float | None = None
    points: float | None = None
    left_out: list[str] = field(default_factory=list)
