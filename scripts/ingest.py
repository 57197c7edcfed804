"""Read the competition's files, check them, and write the pipeline's tables and labels."""

from pathlib import Path
from typing import Any

from podium.files import write_json, write_table
from podium.ingest import from_files
from scripts import job


def main(
    *,
    train: Path,
    test: Path,
    train_out: Path,
    test_out: Path,
    labels: Path,
    sample: Path | None = None,
    **form: Any,
) -> None:
    """Ingest one task; ``form`` says what the files look like (``podium.ingest.from_files``)."""
    ingested = from_files(train, test, sample, **form)
    write_table(ingested.train, train_out)
    write_table(ingested.test, test_out)
    write_json(ingested.labels, labels)


if __name__ == "__main__":
    job.run(main, snakemake)
