"""Predict the test questions with a member's fold models, and put its held-out predictions together."""

from pathlib import Path

import numpy as np

from podium.devices import device_for
from podium.files import read_table
from podium.span import members
from podium.span.predictions import Spans, average, join, read, write
from scripts import job


def main(
    *,
    fold_models: list[Path],
    fold_oof: list[Path],
    texts: Path,
    rows: Path,
    oof: Path,
    test: Path,
    test_folds: list[Path],
    kind: str,
    threads: int,
    refit_models: list[Path] | None = None,
) -> None:
    """Write OOF predictions, test predictions of each fold model, and the average that is submitted.

    The average is that of the ``refit_models`` where there are some; the fold models' own predictions still vote.
    """
    asked = read_table(texts)
    with device_for(kind) as device:

        def predictions(folders: list[Path]) -> list[Spans]:
            """What the model in each folder says of the test questions."""
            loaded = (members.load(kind, folder, device=device, threads=threads) for folder in folders)
            return [member.predict(asked) for member in loaded]

        per_fold = predictions(fold_models)
        submitted = predictions(refit_models) if refit_models else per_fold
    for said, path in zip(per_fold, test_folds, strict=True):
        write(said, path)
    write(average(submitted, np.ones(len(submitted))), test)
    ids = read_table(rows, columns=["id"])["id"].tolist()
    write(join([read(path) for path in fold_oof]).in_order(ids), oof)


if __name__ == "__main__":
    job.run(main, snakemake)
