"""Go on with one fold's model over all training rows, for the test rows alone."""

from pathlib import Path
from typing import Any

from podium import models, train
from podium.devices import device_for
from podium.files import read_json, read_table, write_csv, write_table
from podium.lineage import training_table
from podium.seeds import derive
from podium.targets import TaskType
from scripts import job


def main(
    *,
    rows: Path,
    texts: Path,
    folds: Path,
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
    augment: list[str],
    pseudo_weight: float,
    threads: int,
    noise: Path | None = None,
    augmented: list[Path] | None = None,
    augmented_texts: list[Path] | None = None,
    pseudo: Path | None = None,
    test_texts: Path | None = None,
    encoder: list[Path] | Path | None = None,
) -> None:
    """Write the model and the rows it was trained on; the rows of its own fold are among them, unjudged by noise."""
    names, assigned = read_json(labels), read_table(folds)
    table = training_table(
        read_table(rows, columns=["id", "target"]),
        assigned,
        None,
        noise=read_table(noise) if noise else None,
        augmented=[read_table(path) for path in augmented or []],
        pseudo=read_table(pseudo) if pseudo else None,
        pseudo_weight=pseudo_weight,
    )
    views = train.views(texts, augment, augmented_texts, test_texts)
    data = train.fold_data(table, views, assigned, fold, names, type)
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
        models.go_on(classifier, start, data.rows, data.target, data.weight, scratch=scratch)
        models.save(classifier, model)
    write_table(table, trained_on)
    if isinstance(classifier, models.Stepwise):
        write_csv(classifier.steps(), steps)


if __name__ == "__main__":
    job.run(main, snakemake)
