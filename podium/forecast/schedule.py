"""How long jobs take together on some cores and GPUs: a simulation of a scheduler that starts what it can."""

import dataclasses
import heapq
from collections.abc import Mapping, Sequence

from podium.forecast.jobs import Job


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What a simulation says: seconds to the end, seconds of the longest chain of jobs, the peak of memory in MB."""

    seconds: float
    chain: float
    peak: float


def simulate(
    jobs: Sequence[Job],
    seconds: Mapping[str, float],
    *,
    cores: int,
    gpus: int | None,
    running: frozenset[str],
    memory: Mapping[str, float],
) -> Timeline:
    """Run ``jobs`` on paper: each takes ``seconds`` and ``memory`` (MB) by its name; jobs not listed are done.

    A job starts as soon as what it needs is done and its threads (never more than ``cores``) and GPUs are free, in the
    order of the list (list scheduling; Graham 1966, Bell System Technical Journal 45). ``running`` ones have started:
    their seconds are those that are left. ``gpus`` None: GPUs are not counted.
    """
    names = {job.name for job in jobs}
    waiting = {job.name: sum(need in names for need in job.needs) for job in jobs}
    after: dict[str, list[Job]] = {name: [] for name in names}
    for job in jobs:
        for need in set(job.needs) & names:
            after[need].append(job)
    place = {job.name: index for index, job in enumerate(jobs)}
    ready = sorted(
        (job for job in jobs if not waiting[job.name] or job.name in running),
        key=lambda job: (job.name not in running, place[job.name]),
    )
    started: set[str] = set()
    ends: list[tuple[float, int, Job]] = []
    now, peak, used = 0.0, 0.0, 0.0
    free, devices = cores, gpus
    while ready or ends:
        held: list[Job] = []
        for job in ready:
            threads, wanted = min(job.threads, cores), 0 if gpus is None else min(job.gpus, gpus)
            fits = threads <= free and (devices is None or wanted <= devices)
            if not fits and job.name not in running:
                held.append(job)
                continue
            started.add(job.name)
            free -= threads
            devices = None if devices is None else devices - wanted
            used += memory.get(job.name, 0.0)
            heapq.heappush(ends, (now + seconds[job.name], place[job.name], job))
        peak, ready = max(peak, used), held
        if not ends:
            break
        now, _, done = heapq.heappop(ends)
        free += min(done.threads, cores)
        devices = None if devices is None or gpus is None else devices + min(done.gpus, gpus)
        used -= memory.get(done.name, 0.0)
        for job in after[done.name]:
            waiting[job.name] -= 1
            if not waiting[job.name] and job.name not in started:
                ready.append(job)
        ready.sort(key=lambda job: place[job.name])
    return Timeline(seconds=now, chain=_chain(jobs, seconds), peak=peak)


def _chain(jobs: Sequence[Job], seconds: Mapping[str, float]) -> float:
    """Seconds of the longest chain of jobs that wait for each other."""
    known = {job.name: job for job in jobs}
    finish: dict[str, float] = {}
    for first in jobs:
        stack = [first]
        while stack:
            job = stack[-1]
            open_needs = [known[need] for need in job.needs if need in known and need not in finish]
            if open_needs:
                stack += open_needs
                continue
            before = max((finish[need] for need in job.needs if need in known), default=0.0)
            finish[job.name] = before + seconds[job.name]
            stack.pop()
    return max(finish.values(), default=0.0)
