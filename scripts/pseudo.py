"""Choose the pseudo-labelled test rows that may train one fold in the next round."""

from pathlib import Path

import numpy as np

from podium.alignment import fold_numbers, probabilities
from podium.files import read_json, read_table, write_table
from podium.pseudo import class_shares, select
from podium.targets import encode
from scripts import job


def main(
    *,
    test_folds: list[Path],
    train: Path,
    folds: Path,
    labels: Path,
    out: Path,
    fold: int,
    agree: float,
    confidence: float,
    max_share: float,
    balance: str,
) -> None:
    """Write ``id``, ``label``, ``votes``, ``confidence``, ``accepted``, ``why`` of every test row.

    Only what the voters' models of this ``fold`` predicted is read: they never saw its labels.
    """
    names = read_json(labels)
    rows = read_table(train, columns=["id", "target"])
    tables = [read_table(path) for path in test_folds]
    tables = [table[table["fold"] == fold] for table in tables]
    ids = tables[0]["id"]
    truth, assigned = encode(rows["target"], names), fold_numbers(read_table(folds), rows["id"])
    verdict = select(
        np.stack([probabilities(table, ids, names) for table in tables]),
        agree=agree,
        confidence=confidence,
        max_share=max_share,
        balance=balance,
        class_share=class_shares(truth, assigned, fold=fold, classes=len(names)),
    )
    verdict.insert(0, "id", ids.to_numpy())
    verdict["label"] = verdict["label"].map(dict(enumerate(names))).astype("str")
    write_table(verdict, out)


if __name__ == "__main__":
    job.run(main, snakemake)
