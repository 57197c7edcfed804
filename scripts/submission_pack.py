"""Put the submission files of all tasks into one archive."""

from pathlib import Path

from podium.submission_files import write_zip
from scripts import job


def main(*, files: list[Path], out: Path) -> None:
    """Write the archive, which has the same bytes whenever the files have."""
    write_zip(files, out, deflate=True)


if __name__ == "__main__":
    job.run(main, snakemake)
