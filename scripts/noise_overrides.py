"""Read and check a person's table of corrected and dropped rows."""

from collections.abc import Sequence
from pathlib import Path

from podium.files import read_json, read_table, write_table
from podium.noise.overrides import read_overrides
from podium.targets import TaskType
from scripts import job


def main(
    *,
    table: Path,
    train: Path,
    labels: Path,
    out: Path,
    type: TaskType,
    separator: str,
    task: str | None = None,
    tasks: Sequence[str] = (),
) -> None:
    """Write ``id``, ``drop``, ``label``."""
    ids = read_table(train, columns=["id"])["id"]
    found = read_overrides(
        table, ids, read_json(labels), type=type, separator=separator, task=task, tasks=tasks
    )
    write_table(found, out)


if __name__ == "__main__":
    job.run(main, snakemake)
