"""The jobs of a run: what each needs before it, and what it takes of the machine."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from podium import benchmarks


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job; ``name`` is the path of its log, the one file that no other job has.

    ``needs`` are the names of jobs that must be done before it, ``gpus`` and ``threads`` what it takes while it runs.
    """

    name: str
    rule: str
    wildcards: Mapping[str, str]
    threads: int
    gpus: int
    needs: tuple[str, ...]

    @property
    def benchmark(self) -> str:
        """The table of its time and memory that Snakemake leaves."""
        return benchmarks.of_log(self.name)

    @property
    def short(self) -> str:
        """Its name as people read it: ``train/topic/bert-s0/round0/fold1``."""
        return self.name.removeprefix("results/logs/").removesuffix(".log")


def plain(jobs: Iterable[Job]) -> list[dict[str, Any]]:
    """The jobs as plain values, for JSON."""
    return [dataclasses.asdict(job) for job in jobs]


def from_plain(values: Iterable[Mapping[str, Any]]) -> list[Job]:
    """The jobs of plain values."""
    return [Job(**{**value, "needs": tuple(value["needs"])}) for value in values]
