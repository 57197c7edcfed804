"""Time left: what jobs are expected to take, corrected by those of the run that are done."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

from podium.errors import UserError
from podium.forecast import history, sizes
from podium.forecast.costs import Costs
from podium.forecast.estimate import Estimator
from podium.forecast.jobs import Job
from podium.forecast.schedule import simulate
from podium.live.notes import Run
from podium.plans import Plans

ENOUGH = 0.05
"""Share of a training's steps from which on its own pace says more than what is usual."""


class Timed(Protocol):
    """A running job."""

    @property
    def left(self) -> float | None:
        """Seconds that are left of it."""


class Left:
    """Seconds that are left of jobs and of a run; ``expected`` are seconds of its jobs by name."""

    def __init__(self, expected: Mapping[str, float], alike: Mapping[str, str]) -> None:
        self.expected, self.alike = dict(expected), dict(alike)
        self._pace: dict[str, float] = {}

    def learn(self, run: Run) -> None:
        """Set the jobs that are done beside what was expected of them; others of their kind are corrected by it."""
        ratios: dict[str, list[float]] = {}
        for name, note in run.notes.items():
            if note["state"] == "done" and name in self.expected:
                took = note["ended"] - note["started"]
                ratios.setdefault(self.alike[name], []).append(took / max(0.1, self.expected[name]))
        self._pace = {kind: sorted(found)[len(found) // 2] for kind, found in ratios.items()}

    def seconds(self, name: str) -> float | None:
        """Seconds of a whole job; None for one that nothing is known of."""
        if name not in self.expected:
            return None
        return self.expected[name] * self._pace.get(self.alike[name], 1.0)

    def job(self, name: str, note: Mapping[str, Any], elapsed: float) -> float | None:
        """Seconds that are left of a job with this ``note``, ``elapsed`` after its start.

        A training is judged by its own steps, once it made some of them; a judge of labels trains several times.
        """
        told = note.get("progress")
        if told and note.get("rule") != "predict_for_noise":
            before, until = told.get("before", 0), told["at"] - note["started"]
            # Steps of this job, not of a killed one's
            own, wanted = told["done"] - before, told["of"] - before
            if own and own >= ENOUGH * wanted:
                return max(0.0, until * wanted / own - elapsed)
        seconds = self.seconds(name)
        return None if seconds is None else max(0.1 * elapsed, seconds - elapsed)

    def run(self, run: Run, done: Collection[str], active: Mapping[str, Timed]) -> float:
        """Seconds that are left of a run."""
        jobs = [job for job in run.jobs if job.name not in done]
        seconds = {job.name: self.seconds(job.name) or 0.0 for job in jobs}
        for name, one in active.items():
            if name in seconds and one.left is not None:
                seconds[name] = one.left
        running = frozenset(name for name in active if name in seconds)
        return simulate(
            *(jobs, seconds),
            cores=run.cores,
            gpus=run.gpus,
            running=running,
            memory=dict.fromkeys(seconds, 0.0),
        ).seconds


def of_run(run: Run, root: Path) -> Left | None:
    """What the run's jobs are expected to take, from earlier ones in this folder; None where its data cannot be read.

    The current folder must be ``root``: paths of the config are relative to it.
    """
    try:
        plans = Plans.from_raw(run.config, root)
        planned = {task: sizes.planned(plan) for task, plan in plans.items()}
        earlier = history.of(plans, run.jobs, root / "results")
        on_gpu = any(job.gpus for job in run.jobs) and bool(run.gpus)
        estimator = Estimator(Costs(plans, planned), earlier, [], on_gpu=on_gpu)
        return of_jobs(run.jobs, estimator)
    except UserError:
        return None


def of_jobs(jobs: list[Job], estimator: Estimator) -> Left:
    """The same from an estimator."""
    costs = {job.name: estimator.costs.of(job) for job in jobs}
    return Left(
        {job.name: estimator.of(job).seconds for job in jobs},
        {name: f"{cost.usual.family} {cost.own}" for name, cost in costs.items()},
    )
