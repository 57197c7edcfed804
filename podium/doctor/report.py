"""All checks and the estimate, in words for a person and as plain values for programs."""

import dataclasses
import os
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from podium.config import Config
from podium.doctor import inputs, machine, software, storage
from podium.doctor.check import Check, amount
from podium.errors import UserError
from podium.forecast import ask, history, sizes
from podium.forecast.costs import Costs
from podium.forecast.estimate import Estimator, Forecast, forecast
from podium.forecast.jobs import Job
from podium.forecast.measure import Measured, measure
from podium.plans import Plans
from podium.readable import duration

WIDTH = 110
_NOTHING = Measured(seen=[], notes=[])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What will be asked of Snakemake: config ``files``, ``cores`` and ``gpus`` (None: all); whether to ``measure``."""

    files: Sequence[Path]
    cores: int | None
    gpus: int | None
    measure: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The checks in the order of what they are about, and the estimate; None where nothing can be estimated."""

    checks: list[Check]
    forecast: Forecast | None
    notes: list[str]

    @property
    def fine(self) -> bool:
        """Whether nothing would stop the run."""
        return all(check.mark != "error" for check in self.checks)

    def plain(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        estimate = None if self.forecast is None else self.forecast.plain()
        checks = [dataclasses.asdict(check) for check in self.checks]
        return {"fine": self.fine, "checks": checks, "estimate": estimate, "notes": self.notes}


def examine(config: Config | UserError, root: Path, settings: Settings) -> Report:
    """Look at everything that a run of ``config`` in the current folder needs; ``root`` is that of the Snakefile.

    A ``config`` with mistakes is the error that told them; what does not depend on it is looked at all the same.
    Nothing stays of what is written.
    """
    checks = list(software.python_version(sys.version_info[:3]))
    plans = None
    if isinstance(config, UserError):
        checks += inputs.mistakes("config", config)
    else:
        plans = Plans(config, root)
    checks += software.packages(root / "envs", software.extras_of(plans) if plans else {})
    checks += software.programs(plans) if plans else []
    checks += machine.cores(settings.cores, plans, machine.CGROUP)
    checks += machine.threads_settings(os.environ)
    needed = max(
        (plan.training_gpus(member) for plan in (plans or {}).values() for member in plan.members), default=0
    )
    found = machine.find_gpus()
    checks += machine.gpus(found, settings.gpus, needed, os.environ)
    estimate, notes = None, ["no estimate: the config has mistakes"]
    if plans is not None:
        told = list(inputs.files(plans))
        told += [*inputs.owner(root, plans.config.competition), *inputs.hub(plans, os.environ)]
        sound = all(check.mark != "error" for check in told)
        told += inputs.causes(plans, root) if sound else []
        estimate, notes = _estimate(plans, root, settings, found.count) if sound else (None, [_UNSOUND])
        checks += told
    checks += machine.memory(None if estimate is None else estimate.memory, machine.CGROUP)
    checks += storage.room(_needs(root, estimate))
    checks += storage.usable(
        [root / "results", root / "data", root / ".snakemake", Path(tempfile.gettempdir())]
    )
    return Report(checks=checks, forecast=estimate, notes=notes)


_UNSOUND = "no estimate: mend the errors above first"


def _needs(root: Path, estimate: Forecast | None) -> dict[Path, float]:
    """Megabytes that a run is expected to add to each folder."""
    made = 0.0 if estimate is None else estimate.disk + estimate.temporary
    fetched = (
        0.0 if estimate is None else sum(stage.disk for stage in estimate.stages if stage.name == "fetch")
    )
    temporary = 0.0 if estimate is None else 100.0
    folders = {root / "results": made - fetched, root / "data": fetched, root / ".snakemake": 10.0}
    return folders | {Path(tempfile.gettempdir()): temporary}


def _estimate(plans: Plans, root: Path, settings: Settings, gpus: int) -> tuple[Forecast | None, list[str]]:
    try:
        listed, pending = ask.ask(settings.files, root)
    except UserError as told:
        return None, [f"no estimate: {line}" for line in str(told).splitlines()]
    usable, limit = machine.usable_cores(machine.CGROUP)
    cores = settings.cores or (usable if limit is None else min(usable, max(1, int(limit))))
    devices = gpus if settings.gpus is None else min(gpus, settings.gpus)
    costs = Costs(plans, {task: sizes.planned(plan) for task, plan in plans.items()})
    earlier = history.of(plans, listed, root / "results")
    known = {one.cost.usual.family for one in earlier}
    measured = (
        measure(costs, known, "cuda:0" if devices else "cpu") if settings.measure and pending else _NOTHING
    )
    estimator = Estimator(costs, earlier, measured.seen, on_gpu=devices > 0)
    notes = [f"not measured: {note}" for note in measured.notes]
    return forecast(pending, estimator, cores=cores, gpus=devices, measured=measured.seen), notes + _unsure(
        plans, pending
    )


def _unsure(plans: Plans, pending: Sequence[Job]) -> list[str]:
    """What the estimate cannot know."""
    notes = []
    if any(plan.settles(member) for plan in plans.values() for member in plan.members) and pending:
        notes.append(
            "pseudo.until_helps: scores decide how many rounds follow; only those known so far are counted"
        )
    if any(job.rule.startswith("fetch") for job in pending):
        notes.append("what is fetched takes as long as the network does")
    return notes


def text(report: Report) -> str:
    """The report as a person reads it."""
    lines = [line for check in report.checks for line in _line(check)]
    lines += ["", *_forecast(report.forecast)] if report.forecast is not None else [""]
    lines += [f"note: {note}" for note in report.notes]
    bad = sum(check.mark == "error" for check in report.checks)
    doubts = sum(check.mark == "warning" for check in report.checks)
    verdict = (
        "nothing would stop a run" if report.fine else f"{bad} error{'s' * (bad > 1)} would stop the run"
    )
    lines.append(verdict + (f", {doubts} warning{'s' * (doubts > 1)}" if doubts else ""))
    return "\n".join(lines) + "\n"


def _line(check: Check) -> Iterator[str]:
    mend = f" -> {check.mend}" if check.mend else ""
    yield f"{check.mark:<8} {check.name:<9} {check.what}{mend}"


def _forecast(found: Forecast) -> Iterator[str]:
    if not found.jobs:
        yield "estimate: nothing is left to do"
        return
    on = f"{found.cores} cores" + (f" and {found.gpus} GPU{'s' * (found.gpus > 1)}" if found.gpus else "")
    yield f"estimate: {found.jobs} jobs, about {duration(found.seconds)} on {on}"
    yield f"  the longest chain of jobs, which more cores do not shorten: {duration(found.chain)}"
    checkpoints = f", {amount(found.temporary)} more while networks train" if found.temporary else ""
    yield f"  memory {amount(found.memory)} at the peak; disk {amount(found.disk)}{checkpoints}"
    yield f"  {'stage':<12} {'jobs':>5} {'seconds':>9} {'memory':>9} {'disk':>9}"
    for stage in found.stages:
        sized = f"{amount(stage.memory):>9} {amount(stage.disk):>9}"
        yield f"  {stage.name:<12} {stage.jobs:>5} {stage.seconds:>9.0f} {sized}"
    basis = f"{found.earlier} earlier jobs of this folder" if found.earlier else "usual figures"
    more = f", and a short measurement ({', '.join(found.measured)})" if found.measured else ""
    yield from textwrap.wrap(f"based on {basis}{more}", WIDTH, initial_indent="  ", subsequent_indent="  ")
