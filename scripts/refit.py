"""Go on with one fold's model over all training rows, for the test rows alone."""

from pathlib import Path
from typing import Any

from podium import models, training_rows
from podium.devices import device_for
from podium.files import read_json, remove_folder, write_csv, write_table
from podium.seeds import derive
from podium.targets import TaskType
from scripts import job


def main(
    *,
    labels: Path,
    start: Path,
    model: Path,
    trained_on: Path,
    steps: Path,
    kind: str,
    type: TaskType,
    options: dict[str, Any],
    seed: int,
    fold: int,
    round: int,
    rows_of: dict[str, Any],
    threads: int,
    encoder: list[Path] | Path | None = None,
    **inputs: Any,
) -> None:
    """Write the model and the rows it was trained on; the rows of its own fold are among them, unjudged by noise."""
    names = read_json(labels)
    data = training_rows.fold_data(inputs, rows_of, fold, names, type, kind=kind, hold_out=False)
    with device_for(kind) as device:
        classifier = models.make(
            kind,
            options,
            classes=len(names),
            seed=derive(seed, kind, fold, round, "refit"),
            device=device,
            threads=threads,
        )
        scratch = model.parent / "refit_checkpoint"
        models.go_on(classifier, start, data.rows, data.target, data.weight, scratch=scratch, soft=data.soft)
        models.save(classifier, model)
    write_table(data.table, trained_on)
    if isinstance(classifier, models.Stepwise):
        write_csv(classifier.steps(), steps)
    remove_folder(scratch)


if __name__ == "__main__":
    job.run(main, snakemake)
