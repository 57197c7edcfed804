"""Read the rows of a file without labels, check them, and write the pipeline's table."""

from collections.abc import Sequence
from pathlib import Path

from podium import ingest_external
from podium.files import write_table
from scripts import job


def main(
    *,
    file: Path,
    out: Path,
    where: str,
    id: str | None,
    task_id: str | None,
    text: Sequence[str | list[str]],
    encoding: str | None,
    separator: str | None,
    columns: list[str] | None,
) -> None:
    """Ingest one unlabelled file."""
    rows, own_id = ingest_external.read(
        file,
        id=id,
        task_id=task_id,
        text=text,
        target=None,
        encoding=encoding,
        separator=separator,
        columns=columns,
    )
    write_table(ingest_external.unlabelled_table(where, rows, id=own_id, text=text), out)


if __name__ == "__main__":
    job.run(main, snakemake)
