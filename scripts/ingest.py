"""Read the training rows, check them, and write the pipeline's table and the labels."""

from collections.abc import Sequence
from pathlib import Path

from podium import ingest
from podium.errors import UserError
from podium.files import write_json, write_table
from scripts import job


def main(
    *,
    train: Path,
    out: Path,
    labels: Path,
    id: str | None,
    text: Sequence[str | list[str]],
    target: str,
    group: str | None,
    encoding: str | None,
    separator: str | None,
) -> None:
    """Ingest the training rows of one task."""
    wanted = ingest.needed(id=id, text=text, target=target, group=group)
    rows = ingest.read_part(train, wanted, encoding=encoding, separator=separator)
    mistakes = ingest.train_mistakes(rows, id=id, text=text, target=target, group=group)
    if mistakes:
        raise UserError("; ".join(mistakes))
    write_table(ingest.train_table(rows, id=id, text=text, target=target, group=group), out)
    write_json(ingest.sort_labels(rows[target]), labels)


if __name__ == "__main__":
    job.run(main, snakemake)
