"""Make new training rows by one augmentation."""

from pathlib import Path
from typing import Any

from podium import augment
from podium.files import read_table, write_table
from scripts import job


def main(
    *, train: Path, out: Path, method: str, kind: str, seed: int, wordnet: Path, **settings: Any
) -> None:
    """Write the rows made of ``train``: ``id``, ``source_id``, ``made_by`` and the texts.

    ``wordnet`` is the file ``corpora/wordnet/data.noun`` of WordNet's folder.
    """
    folder = wordnet.parents[2]
    made = augment.run(kind, read_table(train), method=method, seed=seed, wordnet=folder, **settings)
    write_table(made, out)


if __name__ == "__main__":
    job.run(main, snakemake)
