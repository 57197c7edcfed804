"""Describe the questions of a span task."""

from pathlib import Path

from podium.files import read_json, read_table, write_json
from podium.span.profile import profile as describe
from scripts import job


def main(*, train: Path, test: Path, counts: list[Path], profile: Path) -> None:
    """Write the profile; ``counts`` are those of train and test."""
    found = dict(zip(("train", "test"), map(read_json, counts), strict=True))
    write_json(describe(read_table(train), read_table(test), found), profile)


if __name__ == "__main__":
    job.run(main, snakemake)
