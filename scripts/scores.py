"""Gather all scores in one table."""

from pathlib import Path

from podium import scores
from podium.files import read_json, read_table, write_csv, write_json
from podium.targets import TaskType
from scripts import job


def main(
    *,
    oof: list[Path],
    ensembles: list[Path],
    decision: Path,
    train: Path,
    folds: Path,
    labels: Path,
    table: Path,
    facts: Path,
    member_rounds: list[tuple[str, int]],
    methods: list[str],
    submit: str,
    metric: str,
    type: TaskType,
) -> None:
    """Write ``scores.csv`` for people and ``scores.json`` for programs."""
    fits = [read_json(path) for path in ensembles]
    names, rows_in, assigned = (
        read_json(labels),
        read_table(train, columns=["id", "target"]),
        read_table(folds),
    )
    rows = scores.table(
        [
            (
                name,
                number,
                scores.of_member(read_table(path), rows_in, assigned, names, metric=metric, type=type),
            )
            for (name, number), path in zip(member_rounds, oof, strict=True)
        ],
        [
            (method, {"metric": fit["metric"], **fit["cv"], "cv": fit["cv"]["value"]})
            for method, fit in zip(methods, fits, strict=True)
        ],
        {**read_json(decision), "ensemble": submit},
    )
    write_csv(rows, table)
    write_json(rows.to_dict(orient="records"), facts)


if __name__ == "__main__":
    job.run(main, snakemake)
