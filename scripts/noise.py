"""Judge the given labels of one fold's training part."""

from pathlib import Path
from typing import Any

from podium.files import read_json, read_table, write_json, write_table
from podium.noise.averages import Average
from podium.noise.judge import Rules, judge
from podium.noise.overrides import apply
from podium.targets import TaskType
from scripts import job


def main(
    *,
    train: Path,
    labels: Path,
    folds: Path,
    proba: list[Path],
    out: Path,
    facts: Path,
    type: TaskType,
    fold: int,
    rules: dict[str, Any],
    overrides: Path | None = None,
) -> None:
    """Write the verdicts on the rows outside ``fold``, and their figures."""
    word = None if overrides is None else read_table(overrides)
    parts, names = read_table(folds), read_json(labels)
    outside = parts.loc[parts["fold"] != fold, "id"]
    rows = read_table(train, columns=["id", "target"])
    rows = apply(rows[rows["id"].isin(outside)].reset_index(drop=True), word)
    table, figures = judge(
        rows,
        Average(proba, names, type, among=rows["id"]),
        names,
        Rules(**rules),
        type=type,
        certain=rows["id"].iloc[:0] if word is None else word["id"],
    )
    write_table(table, out)
    write_json(figures, facts)


if __name__ == "__main__":
    job.run(main, snakemake)
