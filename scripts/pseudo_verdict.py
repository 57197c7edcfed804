"""Judge whether a round of pseudo-labels helped a member, for each fold by the rows of the others."""

from pathlib import Path

from podium.alignment import fold_numbers, probabilities
from podium.files import read_json, read_table, write_json
from podium.pseudo_rounds import judge
from podium.targets import TaskType, to_array
from scripts import job


def main(
    *,
    before: Path,
    after: Path,
    train: Path,
    folds: Path,
    labels: Path,
    out: Path,
    metric: str,
    type: TaskType,
    last: Path | None = None,
) -> None:
    """Write the verdict (``podium.pseudo_rounds.judge``); ``last`` is that on the round before."""
    names, rows = read_json(labels), read_table(train, columns=["id", "target"])
    found = judge(
        metric,
        to_array(rows["target"], names, type),
        fold_numbers(read_table(folds), rows["id"]),
        probabilities(read_table(before), rows["id"], names, type),
        probabilities(read_table(after), rows["id"], names, type),
        verdict=None if last is None else read_json(last),
    )
    write_json(found, out)


if __name__ == "__main__":
    job.run(main, snakemake)
