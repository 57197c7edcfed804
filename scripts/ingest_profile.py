"""Describe the competition's rows."""

from pathlib import Path
from typing import Any

from podium.files import write_json
from podium.ingest import from_files
from podium.ingest_profile import profile as describe
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
    """Write the profile; ``tokenizer`` (a file, or a folder that may hold one) counts the tokens."""
    ingested = from_files(train, test, sample, **form)
    if tokenizer and tokenizer.is_dir():
        tokenizer = tokenizer / "tokenizer.json"
    found = tokenizer if tokenizer and tokenizer.is_file() else None
    write_json(describe(ingested, max_lengths=max_lengths, tokenizer=found), profile)


if __name__ == "__main__":
    job.run(main, snakemake)
