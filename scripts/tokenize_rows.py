"""Make the token ids of one part of a text view, for one encoder."""

import os
from pathlib import Path

from podium import tokens
from podium.files import read_table
from scripts import job


def main(*, table: Path, tokenizer: Path, out: Path, threads: int) -> None:
    """Write ``id`` and the token ids of each segment of ``table``.

    ``tokenizer`` is the encoder's folder, or a file in it.
    """
    # Read by the tokenizers' own threads when they start
    os.environ |= {"TOKENIZERS_PARALLELISM": str(threads > 1).lower(), "RAYON_NUM_THREADS": str(threads)}
    folder = tokenizer if tokenizer.is_dir() else tokenizer.parent
    tokens.write(tokens.tokenise(folder, read_table(table)), out)


if __name__ == "__main__":
    job.run(main, snakemake)
