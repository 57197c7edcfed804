"""Choose the test questions that one fold is trained on in the next round, with the answers of its own models."""

from pathlib import Path
from typing import Any

from podium.alignment import fold_numbers
from podium.files import read_table, write_json, write_table
from podium.span.predictions import read
from podium.span.pseudo import PseudoOptions, label
from podium.span.rules import RuleOptions
from scripts import job


def main(
    *,
    test_fold: list[Path],
    oof: list[Path],
    train: Path,
    test: Path,
    folds: Path,
    out: Path,
    facts: Path,
    fold: int,
    rules: dict[str, Any],
    decoding: dict[str, Any],
) -> None:
    """Write the verdict on every question (``podium.span.pseudo``), and how many answers are right.

    ``test_fold`` and ``oof`` are the voters' predictions of the test questions by this fold's models, and of the
    training questions, of which those outside the fold set the rules and tell how often an accepted answer is right.
    """
    rows = read_table(train)
    table, told = label(
        [read(path) for path in test_fold],
        [read(path).in_order(rows["id"].tolist()) for path in oof],
        rows,
        read_table(test),
        fold_numbers(read_table(folds), rows["id"]),
        fold=fold,
        metric=decoding["metric"],
        decision=RuleOptions(**decoding["options"]),
        options=PseudoOptions(**rules),
    )
    write_table(table, out)
    write_json({"fold": fold, **told}, facts)


if __name__ == "__main__":
    job.run(main, snakemake)
