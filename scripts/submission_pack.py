"""Put the submission files of all tasks into one archive."""

from pathlib import Path

from podium.archive import pack
from scripts import job


def main(*, files: list[Path], out: Path) -> None:
    """Write the archive, which has the same bytes whenever the files have."""
    pack(files, out)


if __name__ == "__main__":
    job.run(main, snakemake)
