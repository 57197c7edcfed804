"""Go on with one fold's reader over all questions, for the test rows alone."""

from pathlib import Path
from typing import Any

from podium.devices import device_for
from podium.files import remove_folder, write_csv, write_table
from podium.seeds import derive
from podium.span import members
from podium.span.fold import fold_data
from scripts import job


def main(
    *,
    rows: Path,
    folds: Path,
    start: Path,
    model: Path,
    trained_on: Path,
    steps: Path,
    kind: str,
    options: dict[str, Any],
    seed: int,
    fold: int,
    round: int,
    rows_of: dict[str, Any],
    threads: int,
    encoder: list[Path] | Path | None = None,
    augmented: list[Path] | None = None,
    pseudo: Path | None = None,
    test: Path | None = None,
) -> None:
    """Write the model and the rows it was trained on, those of its own fold among them."""
    data = fold_data(
        rows=rows,
        folds=folds,
        fold=None,
        rows_of=rows_of,
        augmented=augmented,
        pseudo=pseudo,
        test=test,
    )
    with device_for(kind) as device:
        reader: Any = members.make(
            kind, options, seed=derive(seed, kind, fold, round, "refit"), device=device, threads=threads
        )
        scratch = model.parent / "refit_checkpoint"
        reader.fit(data.rows, data.target.tolist(), data.weight, scratch=scratch, start=start)
        members.save(reader, model)
    write_table(data.table, trained_on)
    write_csv(reader.steps(), steps)
    remove_folder(scratch)


if __name__ == "__main__":
    job.run(main, snakemake)
