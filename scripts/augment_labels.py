"""Judge the labels of the rows that one augmentation made, for one fold."""

from pathlib import Path

import pandas as pd

from podium.augment import labels as made_labels
from podium.files import read_json, read_table, write_table
from podium.noise.overrides import apply
from scripts import job


def main(
    *,
    made: Path,
    train: Path,
    folds: Path,
    labels: Path,
    out: Path,
    method: str,
    fold: int,
    bar: float,
    inner_folds: int,
    seed: int,
    threads: int,
    overrides: Path | None = None,
) -> None:
    """Write ``id``, ``verdict`` of the made rows whose source is outside ``fold``, by the labels that a person gave."""
    rows = apply(read_table(train), None if overrides is None else read_table(overrides))
    parts = read_table(folds)
    verdicts: pd.DataFrame = made_labels.judge(
        read_table(made),
        rows,
        parts[parts["id"].isin(rows["id"])].reset_index(drop=True),
        read_json(labels),
        method=method,
        fold=fold,
        bar=bar,
        inner_folds=inner_folds,
        seed=seed,
        threads=threads,
    )
    write_table(verdicts, out)


if __name__ == "__main__":
    job.run(main, snakemake)
