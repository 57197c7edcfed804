"""Train one member on one fold in one round."""

import logging
from pathlib import Path
from typing import Any

from podium import models, train, training_rows
from podium.devices import device_for
from podium.files import read_json, read_table, remove_folder, write_csv, write_json, write_table
from podium.predict import to_table
from podium.seeds import derive
from podium.targets import TaskType, to_array
from scripts import job

log = logging.getLogger("podium.train")


def main(
    *,
    labels: Path,
    model: Path,
    oof: Path,
    trained_on: Path,
    card: Path,
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
    teacher: Path | None = None,
    **inputs: Any,
) -> None:
    """Write the model, its held-out predictions, the rows it was trained on, and its card.

    ``rows_of`` and ``inputs`` say which rows (``podium.training_rows``). ``encoder`` only ties the job to the encoder's
    files; ``options`` names their folder. ``teacher`` is the fold's model of the round before, ``steps`` a log of every
    training step for the kinds that have steps.
    """
    names = read_json(labels)
    data = training_rows.fold_data(inputs, rows_of, fold, names, type, kind=kind)

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
        scratch = card.parent / "checkpoint"
        proba = train.fit_and_predict(classifier, data, scratch, before)
        models.save(classifier, model)
    if isinstance(classifier, models.Stepwise):
        write_csv(classifier.steps(), steps)
    train_rows = read_table(inputs["rows"], columns=["id", "target"])
    truth = data.held_out[["id"]].merge(train_rows, on="id", how="left")["target"]
    facts = train.card(
        kind=kind,
        options=options,
        seed=seed,
        fold=fold,
        round=round,
        table=data.table,
        labels=names,
        target=data.target,
    )
    facts |= models.shortages(classifier)
    facts["held_out"] = {
        "rows": len(proba),
        **train.held_out_facts(to_array(truth, names, type), proba),
    }
    write_table(to_table(data.held_out["id"], proba, names, type), oof)
    write_table(data.table, trained_on)
    write_json(facts, card)
    remove_folder(scratch)


if __name__ == "__main__":
    job.run(main, snakemake)
