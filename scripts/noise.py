"""Judge the given labels of one fold's training part."""

from pathlib import Path

from podium import noise
from podium.files import read_json, read_table, write_table
from scripts import job


def main(
    *,
    train: Path,
    texts: Path,
    folds: Path,
    labels: Path,
    out: Path,
    fold: int,
    filter_by: str,
    inner_folds: int,
    max_share: float,
    seed: int,
    threads: int,
) -> None:
    """Write ``id``, ``given``, ``suggested``, ``quality``, ``pruned`` of the rows outside ``fold``."""
    table = noise.judge(
        read_table(train, columns=["id", "target"]),
        read_table(texts),
        read_table(folds),
        read_json(labels),
        fold=fold,
        filter_by=filter_by,
        inner_folds=inner_folds,
        max_share=max_share,
        seed=seed,
        threads=threads,
    )
    write_table(table, out)


if __name__ == "__main__":
    job.run(main, snakemake)
