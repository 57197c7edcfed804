"""Predict training rows by a cross-validation for the noise stage."""

from pathlib import Path
from typing import Any

from podium.devices import device_for
from podium.files import read_json, read_table, remove_folder, write_table
from podium.noise import crossfit
from podium.noise.overrides import apply
from podium.targets import TaskType
from scripts import job


def main(
    *,
    train: Path,
    labels: Path,
    folds: Path,
    texts: Path,
    out: Path,
    type: TaskType,
    kind: str,
    options: dict[str, Any],
    seed: int,
    threads: int,
    fold: int | None,
    inner_folds: int | None,
    split_seed: int,
    encoder: list[Path] | Path | None = None,
    overrides: Path | None = None,
) -> None:
    """Write predictions of the rows outside ``fold`` by ``inner_folds`` folds of their own; None: of all by the run's.

    ``encoder`` only ties the job to the encoder's files.
    """
    word = None if overrides is None else read_table(overrides)
    rows, parts = apply(read_table(train, columns=["id", "target"]), word), read_table(folds)
    if fold is None or inner_folds is None:
        parts = parts[parts["id"].isin(rows["id"])].reset_index(drop=True)
    else:
        parts = crossfit.inner_folds(rows, parts, fold, n=inner_folds, seed=split_seed, type=type)
    scratch = out.parent / f"{out.stem}.checkpoint"
    with device_for(kind) as device:
        table = crossfit.cross_fit(
            rows,
            read_table(texts),
            parts,
            read_json(labels),
            type=type,
            kind=kind,
            options=options,
            seed=seed,
            device=device,
            threads=threads,
            scratch=scratch,
        )
    write_table(table, out)
    remove_folder(scratch)


if __name__ == "__main__":
    job.run(main, snakemake)
