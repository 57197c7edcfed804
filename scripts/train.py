"""Train one member on one fold in one round."""

import logging
from pathlib import Path
from typing import Any

from podium import models, train
from podium.devices import device_for
from podium.files import read_json, read_table, write_csv, write_json, write_table
from podium.lineage import training_table
from podium.predict import to_table
from podium.seeds import derive
from podium.targets import TaskType, to_array
from scripts import job

log = logging.getLogger("podium.train")


def main(
    *,
    rows: Path,
    texts: Path,
    folds: Path,
    labels: Path,
    model: Path,
    oof: Path,
    trained_on: Path,
    card: Path,
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
    teacher: Path | None = None,
    steps: Path | None = None,
) -> None:
    """Write the model, its held-out predictions, the rows it was trained on, and its card.

    ``encoder`` only ties the job to the encoder's files; ``options`` names their folder. ``teacher`` is the fold's
    model of the round before, ``steps`` a log of every training step for the kinds that have steps.
    """
    names, assigned = read_json(labels), read_table(folds)
    train_rows = read_table(rows, columns=["id", "target"])
    table = training_table(
        train_rows,
        assigned,
        fold,
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
            seed=derive(seed, kind, fold, round),
            device=device,
            threads=threads,
        )
        before = None
        if teacher:
            log.info("taught by %s", teacher)
            before = models.load(kind, teacher, device=device, threads=threads)
        proba = train.fit_and_predict(classifier, data, card.parent / "checkpoint", before)
        models.save(classifier, model)
    if steps and isinstance(classifier, models.Stepwise):
        write_csv(classifier.steps(), steps)
    truth = data.held_out[["id"]].merge(train_rows, on="id", how="left")["target"]
    facts = train.card(
        kind=kind,
        options=options,
        seed=seed,
        fold=fold,
        round=round,
        table=table,
        labels=names,
        target=data.target,
    )
    facts["held_out"] = {
        "rows": len(proba),
        **train.held_out_facts(to_array(truth, names, type), proba),
    }
    write_table(to_table(data.held_out["id"], proba, names, type), oof)
    write_table(table, trained_on)
    write_json(facts, card)


if __name__ == "__main__":
    job.run(main, snakemake)
