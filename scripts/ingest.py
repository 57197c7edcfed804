"""Read the training rows, check them, and write the pipeline's table and the names of the labels or values."""

from collections.abc import Sequence
from pathlib import Path

from podium import ingest
from podium.errors import UserError
from podium.files import write_json, write_table
from podium.targets import TaskType
from scripts import job


def main(
    *,
    train: Path,
    out: Path,
    labels: Path,
    id: str | None,
    text: Sequence[str | list[str]],
    type: TaskType,
    target: str | list[str],
    label_separator: str | None,
    group: str | None,
    encoding: str | None,
    separator: str | None,
    columns: list[str] | None,
) -> None:
    """Ingest the training rows of one task."""
    wanted = ingest.needed(id=id, text=text, target=target, group=group)
    rows = ingest.read_part(train, wanted, encoding=encoding, separator=separator, columns=columns)
    mistakes = ingest.train_mistakes(
        rows, id=id, text=text, type=type, target=target, label_separator=label_separator, group=group
    )
    if mistakes:
        raise UserError(f"{train}: {'; '.join(mistakes)}")
    table, names = ingest.train_table(
        rows, id=id, text=text, type=type, target=target, label_separator=label_separator, group=group
    )
    write_table(table, out)
    write_json(names, labels)


if __name__ == "__main__":
    job.run(main, snakemake)
