"""Train one member of several tasks on one fold in one round."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from podium import joint_rows, models, train
from podium.devices import device_for
from podium.files import read_table, remove_folder, write_csv, write_json, write_table
from podium.joint_train import rows_per_class, split, to_table
from podium.seeds import derive
from podium.targets import encode
from scripts import job

log = logging.getLogger("podium.train")


def main(
    *,
    model: Path,
    oof: Path,
    trained_on: Path,
    card: Path,
    steps: Path,
    kind: str,
    options: dict[str, Any],
    seed: int,
    fold: int,
    round: int,
    rows_of: dict[str, dict[str, Any]],
    threads: int,
    encoder: list[Path] | Path | None = None,
    fused: Path | None = None,
    teacher: Path | None = None,
    **inputs: Any,
) -> None:
    """Write the model, its held-out predictions for all tasks, the rows it was trained on, and its card.

    ``rows_of`` and ``inputs`` say which rows (``podium.joint_rows``). ``encoder`` and ``fused`` only tie the job to
    files whose folder ``options`` names. ``teacher`` is the fold's model of the round before.
    """
    data, labels = joint_rows.fold_data(inputs, rows_of, fold, kind=kind)
    sizes = [len(names) for names in labels.values()]
    with device_for(kind) as device:
        settings: dict[str, Any] = {"device": device, "threads": threads}
        classifier = models.make(
            kind, options, classes=sizes, seed=derive(seed, kind, fold, round), **settings
        )
        before = None
        if teacher:
            log.info("taught by %s", teacher)
            before = models.load(kind, teacher, **settings)
        scratch = card.parent / "checkpoint"
        proba = train.fit_and_predict(classifier, data, scratch, before)
        models.save(classifier, model)
    if isinstance(classifier, models.Stepwise):
        write_csv(classifier.steps(), steps)
    files, number = joint_rows.of_tasks(inputs, list(labels)), data.held_out["task"].to_numpy()
    facts: dict[str, Any] = {"kind": kind, "options": options, "seed": seed, "fold": fold, "round": round}
    facts |= {
        "tasks": list(labels),
        "training_rows": data.table["made_by"].value_counts(sort=False).to_dict(),
        "training_rows_per_class": rows_per_class(data.target, labels),
    }
    facts |= models.shortages(classifier)
    facts["held_out"] = {}
    own = zip(labels.items(), split(proba, number, sizes), strict=True)
    for place, ((task, names), said) in enumerate(own):
        given = read_table(files[task]["rows"], columns=["id", "target"]).set_index("id")["target"]
        truth = encode(given.loc[data.held_out.loc[number == place, "id"]], names)
        facts["held_out"][task] = {"rows": len(said), **train.held_out_facts(truth, said)}
    write_table(to_table(data.held_out, proba, labels), oof)
    write_table(data.table.assign(task=np.array(list(labels))[data.table["task"]]), trained_on)
    write_json(facts, card)
    remove_folder(scratch)


if __name__ == "__main__":
    job.run(main, snakemake)
