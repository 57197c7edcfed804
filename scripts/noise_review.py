"""Put the folds' noise tables together, worst rows first, for a person to read."""

from pathlib import Path

from podium import noise
from podium.files import read_table, write_csv
from scripts import job


def main(*, train: Path, tables: list[Path], out: Path) -> None:
    """Write one line for each train row."""
    write_csv(noise.review(read_table(train), [read_table(path) for path in tables]), out)


if __name__ == "__main__":
    job.run(main, snakemake)
