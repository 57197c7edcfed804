"""Compare the test rows with the training rows."""

from pathlib import Path

from podium.adversarial.compare import compare
from podium.files import read_table, write_csv, write_json, write_table
from podium.targets import TaskType
from scripts import job


def main(
    *,
    train: Path,
    test: Path,
    facts: Path,
    features: Path,
    pairs: Path,
    train_out: Path,
    test_out: Path,
    type: TaskType,
    rows: int,
    near_duplicates: float,
    level: float,
    auc: float,
    overlap: float,
    seed: int,
) -> None:
    """Write facts and warnings, what gives test rows away, their twins, and each row's probability to be a test row."""
    found = compare(
        read_table(train),
        read_table(test),
        type=type,
        rows=rows,
        near_duplicates=near_duplicates,
        level=level,
        auc=auc,
        overlap_bar=overlap,
        seed=seed,
    )
    write_json(found.facts, facts)
    write_csv(found.giveaways, features)
    write_table(found.pairs, pairs)
    write_table(found.train, train_out)
    write_table(found.test, test_out)


if __name__ == "__main__":
    job.run(main, snakemake)
