"""Find out in which folds the rows of another file may be trained on."""

from pathlib import Path

from podium import external
from podium.alignment import fold_numbers
from podium.files import read_json, read_table, write_json
from scripts import job


def main(
    *,
    rows: Path,
    train: Path,
    test: Path,
    folds: Path,
    out: Path,
    report: Path,
    near_duplicates: float | None,
    seed: int,
    weight: float | None,
    counts: Path | None = None,
    beside_train: list[Path] | None = None,
    beside_folds: list[Path] | None = None,
) -> None:
    """Write ``id``, ``twins`` and, of labelled rows, ``target`` and ``weight``; and a report of counts.

    ``counts`` tells what was read and left out at ingest, where labels leave rows out. ``beside_train`` and
    ``beside_folds`` are of the competition's other tasks.
    """
    trained = read_table(train)
    beside = []
    for path, dealt in zip(beside_train or [], beside_folds or [], strict=True):
        others = read_table(path)
        beside.append((others, fold_numbers(read_table(dealt), others["id"])))
    table, found = external.place(
        read_table(rows),
        trained,
        read_table(test),
        fold_numbers(read_table(folds), trained["id"]),
        near_duplicates=near_duplicates,
        seed=seed,
        beside=beside,
    )
    if weight is not None:
        table.insert(2, "weight", weight)
    external.write(table, out)
    write_json({**found, **(read_json(counts) if counts else {})}, report)


if __name__ == "__main__":
    job.run(main, snakemake)
