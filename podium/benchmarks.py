"""The tables of time and memory that Snakemake leaves of each job, in ``results/benchmarks/``.

They are looked at where they are: what is missing or cannot be read is left out.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What a job took: ``seconds``, CPU seconds, and MiB at most; the last two are None of a job that was too short."""

    seconds: float
    cpu: float | None
    memory: float | None


def read(path: Path) -> Took | None:
    """Read the table of one job; None where there is none."""
    try:
        row = pd.read_csv(path, sep="\t", na_values=["-"]).iloc[0]
        seconds, cpu, memory = (
            None if pd.isna(row.get(key)) else float(row[key]) for key in ("s", "cpu_time", "max_rss")
        )
    except (OSError, ValueError, LookupError):
        return None
    return None if seconds is None else Took(seconds=seconds, cpu=cpu, memory=memory)


def by_stage(results: Path) -> dict[str, list[Took]]:
    """Read the tables of all jobs, by stage."""
    folder, found = results / "benchmarks", dict[str, list[Took]]()
    for path in sorted(folder.rglob("*.tsv")):
        took = read(path)
        if took is not None:
            found.setdefault(path.relative_to(folder).parts[0].removesuffix(".tsv"), []).append(took)
    return found


def of_log(log: str) -> str:
    """The path of the table of the job with this log."""
    return log.replace("results/logs/", "results/benchmarks/", 1).removesuffix(".log") + ".tsv"
