"""Go on with one fold's model over all training rows of its tasks, for the test rows alone."""

from pathlib import Path
from typing import Any

import numpy as np

from podium import joint_rows, models
from podium.devices import device_for
from podium.files import remove_folder, write_csv, write_table
from podium.seeds import derive
from scripts import job


def main(
    *,
    start: Path,
    model: Path,
    trained_on: Path,
    steps: Path,
    kind: str,
    options: dict[str, Any],
    seed: int,
    fold: int,
    round: int,
    rows_of: dict[str, dict[str, Any]],
    threads: int,
    encoder: list[Path] | Path | None = None,
    **inputs: Any,
) -> None:
    """Write the model and the rows it was trained on; the rows of its own fold are among them, unjudged by noise."""
    data, labels = joint_rows.fold_data(inputs, rows_of, fold, kind=kind, hold_out=False)
    with device_for(kind) as device:
        classifier = models.make(
            kind,
            options,
            classes=[len(names) for names in labels.values()],
            seed=derive(seed, kind, fold, round, "refit"),
            device=device,
            threads=threads,
        )
        scratch = model.parent / "refit_checkpoint"
        models.go_on(classifier, start, data.rows, data.target, data.weight, scratch=scratch, soft=data.soft)
        models.save(classifier, model)
    write_table(data.table.assign(task=np.array(list(labels))[data.table["task"]]), trained_on)
    if isinstance(classifier, models.Stepwise):
        write_csv(classifier.steps(), steps)
    remove_folder(scratch)


if __name__ == "__main__":
    job.run(main, snakemake)
