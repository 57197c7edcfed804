"""Make new rows of a span task: the sentences of the contexts in another order."""

from pathlib import Path

from podium.files import read_table, write_table
from podium.span.augment import shuffled_copies
from scripts import job


def main(*, train: Path, out: Path, method: str, copies: int, seed: int) -> None:
    """Write the made rows, with their own targets."""
    write_table(shuffled_copies(read_table(train), method=method, copies=copies, seed=seed), out)


if __name__ == "__main__":
    job.run(main, snakemake)
