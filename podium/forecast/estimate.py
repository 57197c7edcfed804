"""The estimate: time, memory and disk of the jobs that are left, stage by stage and together."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from podium.forecast import rates
from podium.forecast.costs import Cost, Costs
from podium.forecast.history import Past, expected, memory_factor
from podium.forecast.jobs import Job
from podium.forecast.rates import GPU_RATE, Seen
from podium.forecast.schedule import Timeline, simulate

_FAMILY_DOUBT = 3.0  # machines differ by as much
_OWN_DOUBT = 0.3  # a member's own rate against that of its family
CHECKPOINTS = (
    2.0  # of the size of a saved model: a checkpoint has weights and two moments of those that are trained
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What one job is expected to take: seconds, and megabytes of memory and of disk."""

    seconds: float
    memory: float
    disk: float


class Estimator:
    """Expected costs of jobs, from usual figures, earlier jobs (``history``) and measurements of this machine."""

    def __init__(
        self, costs: Costs, history: Sequence[Past], measured: Sequence[Seen], *, on_gpu: bool
    ) -> None:
        self.costs, self.history, self.on_gpu = costs, history, on_gpu
        self.seen = [one.seen() for one in history]
        self.starts = rates.starts_of(self.seen)
        told = {one.family for one in self.seen if one.amount > 0}
        self.seen += [one for one in measured if one.family not in told]
        self._rates: dict[tuple[str, str, float], float] = {}

    def of(self, job: Job) -> Expected:
        """What a job is expected to take."""
        cost = self.costs.of(job)
        seconds = self.starts * cost.usual.start + self._rate(cost) * cost.work.amount
        if cost.usual.family == "fetch":
            seconds = cost.usual.start
        factor = memory_factor(self.history, cost)
        return Expected(seconds=seconds, memory=factor * expected(cost), disk=cost.work.disk)

    def _rate(self, cost: Cost) -> float:
        prior = GPU_RATE if self.on_gpu and cost.usual.family == "network" else cost.usual.rate
        key = (cost.usual.family, cost.own, prior)
        if key not in self._rates:
            family = [one for one in self.seen if one.family == cost.usual.family]
            base = self._of_family(family, prior)
            own = [one for one in family if one.own == cost.own]
            self._rates[key] = rates.rate(base, _OWN_DOUBT, own, starts=self.starts)
        return self._rates[key]

    def _of_family(self, family: Sequence[Seen], prior: float) -> float:
        return rates.rate(prior, _FAMILY_DOUBT, family, starts=self.starts)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Jobs of one stage together; ``memory`` is the largest of one job."""

    name: str
    jobs: int
    seconds: float
    memory: float
    disk: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run is expected to take with ``cores`` and ``gpus``.

    ``seconds`` to the end, ``chain`` those of the longest chain of jobs, which more cores do not shorten; ``memory`` at
    its peak and ``disk`` at the end in MB, ``temporary`` that of checkpoints. ``earlier`` jobs and ``measured`` ones
    are what the figures rest on besides usual ones.
    """

    jobs: int
    cores: int
    gpus: int
    seconds: float
    chain: float
    memory: float
    disk: float
    temporary: float
    stages: list[Stage]
    earlier: int
    measured: list[str]

    def plain(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return dataclasses.asdict(self)


def forecast(
    jobs: Sequence[Job], estimator: Estimator, *, cores: int, gpus: int, measured: Sequence[Seen]
) -> Forecast:
    """What ``jobs`` are expected to take together."""
    each = {job.name: estimator.of(job) for job in jobs}
    timeline = together(jobs, each, cores=cores, gpus=gpus or None)
    fits = [each[job.name].disk for job in jobs if job.short.startswith(("train/", "joint/", "pretrain/"))]
    stages = []
    for name in dict.fromkeys(job.short.partition("/")[0] for job in jobs):
        own = [each[job.name] for job in jobs if job.short.partition("/")[0] == name]
        stages.append(
            Stage(
                name=name,
                jobs=len(own),
                seconds=sum(one.seconds for one in own),
                memory=max(one.memory for one in own),
                disk=sum(one.disk for one in own),
            )
        )
    return Forecast(
        jobs=len(jobs),
        cores=cores,
        gpus=gpus,
        seconds=timeline.seconds,
        chain=timeline.chain,
        memory=timeline.peak,
        disk=sum(one.disk for one in each.values()),
        temporary=CHECKPOINTS * max(fits, default=0.0) * max(1, gpus),
        stages=stages,
        earlier=len(estimator.history),
        measured=[one.own for one in measured],
    )


def together(jobs: Sequence[Job], each: Mapping[str, Expected], *, cores: int, gpus: int | None) -> Timeline:
    """The simulation of ``jobs`` that have not begun."""
    return simulate(
        jobs,
        {name: one.seconds for name, one in each.items()},
        cores=cores,
        gpus=gpus,
        running=frozenset(),
        memory={name: one.memory for name, one in each.items()},
    )
