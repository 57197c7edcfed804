"""Read the test rows, check them against the sample submission, and write the pipeline's table."""

from collections.abc import Sequence
from pathlib import Path

from podium import ingest
from podium.files import write_table
from scripts import job


def main(
    *,
    test: Path,
    out: Path,
    id: str | None,
    text: Sequence[str | list[str]],
    encoding: str | None,
    separator: str | None,
    columns: list[str] | None,
    sample: Path | None = None,
) -> None:
    """Ingest the test rows of one task."""
    wanted = ingest.needed(id=id, text=text, target=None, group=None)
    rows = ingest.read_part(test, wanted, encoding=encoding, separator=separator, columns=columns)
    ingest.check_test(rows, test, sample, id=id, text=text)
    write_table(ingest.renamed(rows, id=id, text=text), out)


if __name__ == "__main__":
    job.run(main, snakemake)
