"""Train one member of a span task on one fold in one round."""

from pathlib import Path
from typing import Any

from podium import models
from podium.devices import device_for
from podium.files import read_table, remove_folder, write_csv, write_json, write_table
from podium.seeds import derive
from podium.span import members, metrics
from podium.span.answers import decode_all, texts
from podium.span.decode import DecodeOptions, decode
from podium.span.fold import fold_data
from podium.span.predictions import write
from scripts import job

PLAIN = DecodeOptions(max_characters=1_000, candidates=20, complete=False)


def main(
    *,
    rows: Path,
    folds: Path,
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
    rows_of: dict[str, Any],
    threads: int,
    encoder: list[Path] | Path | None = None,
    augmented: list[Path] | None = None,
    pseudo: Path | None = None,
    test: Path | None = None,
) -> None:
    """Write the model, its held-out predictions, the rows it was trained on, and its card.

    ``rows_of`` names the augmentations and their copies, and the weight of ``pseudo``; ``encoder`` only ties the job to
    the encoder's files.
    """
    data = fold_data(
        rows=rows,
        folds=folds,
        fold=fold,
        rows_of=rows_of,
        augmented=augmented,
        pseudo=pseudo,
        test=test,
    )
    with device_for(kind) as device:
        member = members.make(
            kind, options, seed=derive(seed, kind, fold, round), device=device, threads=threads
        )
        scratch = card.parent / "checkpoint"
        member.fit(data.rows, data.target.tolist(), data.weight, scratch=scratch)
        said = member.predict(data.held_out)
        members.save(member, model)
    if isinstance(member, models.Stepwise):
        write_csv(member.steps(), steps)
    truth = read_table(rows, columns=["id", "target"]).set_index("id").loc[data.held_out["id"], "target"]
    answers = decode(said, data.held_out["text_b"].tolist(), options=PLAIN).answers(None)
    exact = metrics.rows("exact", answers, [texts(row) for row in decode_all(truth)])
    counted = data.table["made_by"].value_counts(sort=False)
    facts: dict[str, Any] = {"kind": kind, "options": options, "seed": seed, "fold": fold, "round": round}
    facts["training_rows"] = {str(name): int(count) for name, count in counted.items()}
    facts |= models.shortages(member)
    facts["held_out"] = {"rows": len(exact), "exact_without_rules": float(exact.mean())}
    write(said, oof)
    write_table(data.table, trained_on)
    write_json(facts, card)
    remove_folder(scratch)


if __name__ == "__main__":
    job.run(main, snakemake)
