"""Read the labelled rows of another file, check them, and write them with the task's own labels."""

from collections.abc import Sequence
from pathlib import Path

from podium import ingest_external
from podium.files import read_json, write_json, write_table
from podium.targets import TaskType
from scripts import job


def main(
    *,
    file: Path,
    labels: Path,
    out: Path,
    counts: Path,
    where: str,
    id: str | None,
    task_id: str | None,
    text: Sequence[str | list[str]],
    type: TaskType,
    target: str | list[str],
    label_separator: str | None,
    label_map: dict[str, str | None],
    encoding: str | None,
    separator: str | None,
    columns: list[str] | None,
) -> None:
    """Write the rows, and how many were read and left out by their label."""
    rows, own_id = ingest_external.read(
        file,
        id=id,
        task_id=task_id,
        text=text,
        target=target,
        encoding=encoding,
        separator=separator,
        columns=columns,
    )
    table, dropped = ingest_external.external_table(
        where,
        rows,
        id=own_id,
        text=text,
        type=type,
        target=target,
        label_separator=label_separator,
        label_map=label_map,
        labels=read_json(labels),
    )
    write_table(table, out)
    write_json({"rows": len(rows), "dropped_labels": dropped}, counts)


if __name__ == "__main__":
    job.run(main, snakemake)
