"""Train one member on one fold in one round."""

from pathlib import Path
from typing import Any

import numpy as np

from podium import models, train
from podium.devices import device_for
from podium.files import read_json, read_table, write_json, write_table
from podium.lineage import training_table
from podium.predict import to_table
from podium.seeds import derive
from scripts import job


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
    """Write the model, its held-out predictions, the rows it was trained on, and its card.

    ``encoder`` only ties the job to the encoder's files; ``options`` names their folder.
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
    views = {"train": read_table(texts)}
    views |= {name: read_table(path) for name, path in zip(augment, augmented_texts or [], strict=True)}
    if test_texts:
        views["pseudo"] = read_table(test_texts)
    data = train.fold_data(table, views, assigned, fold, names)

    with device_for(kind) as device:
        classifier = models.make(
            kind,
            options,
            classes=len(names),
            seed=derive(seed, kind, fold, round),
            device=device,
            threads=threads,
        )
        proba = train.fit_and_predict(classifier, data, card.parent / "checkpoint")
        models.save(classifier, model)
    truth = data.held_out[["id"]].merge(train_rows, on="id", how="left")["target"].map(names.index)
    truth = truth.to_numpy(dtype=np.int64)
    facts = train.card(
        kind=kind, options=options, seed=seed, fold=fold, round=round, table=table, labels=names
    )
    facts["held_out"] = {
        "rows": len(proba),
        **train.held_out_facts(truth, proba),
    }
    write_table(to_table(data.held_out["id"], proba, names), oof)
    write_table(table, trained_on)
    write_json(facts, card)


if __name__ == "__main__":
    job.run(main, snakemake)
