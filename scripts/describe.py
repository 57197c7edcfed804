"""Describe the competition's rows."""

from pathlib import Path
from typing import Any

from podium.describe import profile as describe
from podium.files import write_json
from podium.ingest import from_files
from scripts import job


def main(
    *,
    train: Path,
    test: Path,
    profile: Path,
    max_lengths: list[int],
    sample: Path | None = None,
    tokenizer: Path | None = None,
    **form: Any,
) -> None:
    """Write the profile; ``tokenizer`` counts the tokens where it is given."""
    ingested = from_files(train, test, sample, **form)
    write_json(describe(ingested, max_lengths=max_lengths, tokenizer=tokenizer), profile)


if __name__ == "__main__":
    job.run(main, snakemake)
