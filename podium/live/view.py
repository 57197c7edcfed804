"""What is going on in a run at one moment: from its own notes, and from whether its processes live."""

import dataclasses
import os
from typing import Any, Literal

from podium import guard
from podium.forecast.jobs import Job
from podium.live.left import Left
from podium.live.notes import Run

Status = Literal["running", "finished", "failed", "stopped", "killed"]
KILLED = "its process is gone without a word: killed, perhaps for want of memory"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """A job that runs: seconds since its start and to its end (None: unknown), what training told of itself last."""

    name: str
    seconds: float
    device: str | None
    progress: dict[str, Any] | None
    left: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A job that failed: one line of why, and the path of its log."""

    name: str
    error: str
    log: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A run at one moment.

    ``done`` of ``total`` jobs; ``open``: more may follow, as results decide on them. ``stages`` are done and all jobs
    by stage. ``seconds`` since the start, ``left`` to the end (None: unknown, or over). ``log`` is Snakemake's own.
    """

    competition: str
    status: Status
    host: str | None
    done: int
    total: int
    open: bool
    seconds: float
    left: float | None
    running: list[Active]
    failed: list[Failed]
    stages: dict[str, tuple[int, int]]
    log: str | None

    def plain(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return dataclasses.asdict(self)


def look(run: Run, left: Left | None, now: float) -> View:
    """A ``run`` at the time ``now`` (seconds since 1970); ``left`` knows what jobs are expected to take."""
    listed = {job.name: job for job in run.jobs}
    states = {name: _state(note, run) for name, note in run.notes.items()}
    names = [*listed, *(name for name in run.notes if name not in listed)]
    done = {name for name, state in states.items() if state == "done"}
    status = _status(run, states)
    over = status != "running"
    active = (
        [] if over else [_active(run, name, left, now) for name in names if states.get(name) == "running"]
    )
    return View(
        competition=str(run.config.get("competition", "?")),
        status=status,
        host=None if run.here else run.host,
        done=len(done),
        total=len(names),
        open=run.open,
        seconds=(run.ended or (now if not over else _last(run))) - run.started,
        left=None if over or left is None else left.run(run, done, {one.name: one for one in active}),
        running=[dataclasses.replace(one, name=_short(one.name)) for one in active],
        failed=_failures(run, states, over),
        stages=_stages(names, done),
        log=run.log,
    )


def _short(name: str) -> str:
    return Job(name=name, rule="", wildcards={}, threads=1, gpus=0, needs=()).short


def _state(note: dict[str, Any], run: Run) -> str:
    """What a job's note says; one that runs on this machine without a process was killed."""
    if (
        note["state"] == "running"
        and note["host"] == os.uname().nodename
        and not guard.alive(note["process"])
    ):
        return "lost"
    return str(note["state"])


def _status(run: Run, states: dict[str, str]) -> Status:
    if run.ended is not None:
        broken = any(state in ("failed", "lost") for state in states.values())
        return "finished" if run.ok else ("failed" if broken else "stopped")
    if run.here and not guard.alive(run.process):
        return "killed"
    return "running"


def _last(run: Run) -> float:
    """The last sign of a run that ended without a word."""
    times = [run.started]
    for note in run.notes.values():
        told = note.get("progress") or {}
        times += [value for value in (note["started"], note.get("ended"), told.get("at")) if value]
    return max(times)


def _active(run: Run, name: str, left: Left | None, now: float) -> Active:
    note = run.notes[name]
    told = note.get("progress")
    seconds = now - note["started"]
    return Active(
        name=name,
        seconds=seconds,
        device=note.get("device"),
        progress=told,
        left=None if left is None else left.job(name, note, seconds),
    )


def _failures(run: Run, states: dict[str, str], over: bool) -> list[Failed]:
    wanted = {"failed": None, "lost": KILLED}
    found = []
    for name, state in states.items():
        if state in wanted and not (
            state == "lost" and run.ended is None and over
        ):  # they end with a killed run
            error = wanted[state] or str(run.notes[name].get("error") or "it told no reason")
            found.append(Failed(name=_short(name), error=error, log=name))
    return found


def _stages(names: list[str], done: set[str]) -> dict[str, tuple[int, int]]:
    stages: dict[str, tuple[int, int]] = {}
    for name in names:
        stage = _short(name).partition("/")[0]
        ready, jobs = stages.get(stage, (0, 0))
        stages[stage] = (ready + (name in done), jobs + 1)
    return stages
