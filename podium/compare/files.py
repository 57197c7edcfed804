"""Which files one run alone has, and how long the stages of each took."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from podium.benchmarks import by_stage

_LEFT_OUT = ("logs", "benchmarks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """A file, or a folder with so many files, that one run alone has."""

    path: str
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Seconds and jobs of a stage in both runs, as their benchmarks files have it; None where there is none."""

    stage: str
    seconds_a: float | None
    seconds_b: float | None
    jobs_a: int
    jobs_b: int


def only(a: Path, b: Path) -> tuple[list[Only], list[Only]]:
    """Return what is in the results ``a`` alone, and in ``b`` alone; whole folders as one. Logs are left aside."""
    names = [set(_names(folder)) for folder in (a, b)]
    return _folded(names[0] - names[1], names[1]), _folded(names[1] - names[0], names[0])


def _names(folder: Path) -> Iterable[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] not in _LEFT_OUT and not name.name.startswith("."):
            yield name.as_posix()


def _folded(names: set[str], other: set[str]) -> list[Only]:
    """The files, those of the highest folders that the other run does not have together."""
    folders = {parent.as_posix() for name in other for parent in Path(name).parents}
    found: dict[str, int] = {}
    for name in sorted(names):
        parents = [parent.as_posix() for parent in Path(name).parents][::-1]
        new = next((parent for parent in parents if parent not in folders), None)
        shown = name if new is None else f"{new}/"
        found[shown] = found.get(shown, 0) + 1
    return [Only(path=path, files=count) for path, count in found.items()]


def stages(a: Path, b: Path) -> list[Stage]:
    """Return the time of each stage, in the order of the alphabet."""
    times = [by_stage(folder) for folder in (a, b)]
    return [
        Stage(
            stage=stage,
            seconds_a=sum(job.seconds for job in times[0][stage]) if stage in times[0] else None,
            seconds_b=sum(job.seconds for job in times[1][stage]) if stage in times[1] else None,
            jobs_a=len(times[0].get(stage, [])),
            jobs_b=len(times[1].get(stage, [])),
        )
        for stage in sorted({*times[0], *times[1]})
    ]
