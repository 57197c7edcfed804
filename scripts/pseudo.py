"""Choose the pseudo-labelled test and unlabelled rows that may train one fold in the next round."""

from pathlib import Path

import numpy as np
import pandas as pd

from podium.alignment import fold_numbers, probabilities
from podium.external import barred
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
    unlabelled: list[str],
    unlabelled_folds: list[Path] | None = None,
    placed: list[Path] | None = None,
) -> None:
    """Write ``id``, ``label``, ``votes``, ``confidence``, ``accepted``, ``why``, ``part`` of every candidate.

    Only what the voters' models of this ``fold`` predicted is read: they never saw its labels. ``part`` is test or one
    of the ``unlabelled`` files; of these ``placed`` has the rows in this order, and ``unlabelled_folds`` the voters'
    tables of the first file, then of the next.
    """
    names = read_json(labels)
    rows = read_table(train, columns=["id", "target"])
    voters = [_of_fold(path, fold) for path in test_folds]
    ids = [voters[0]["id"]]
    proba = [np.stack([probabilities(table, ids[0], names) for table in voters])]
    kept_away = [np.zeros(len(ids[0]), dtype=bool)]
    for number, path in enumerate(placed or []):
        table = read_table(path)
        paths = (unlabelled_folds or [])[number * len(voters) : (number + 1) * len(voters)]
        ids.append(table["id"])
        proba.append(np.stack([probabilities(_of_fold(one, fold), ids[-1], names) for one in paths]))
        kept_away.append(barred(table, fold))
    truth, assigned = encode(rows["target"], names), fold_numbers(read_table(folds), rows["id"])
    verdict = select(
        np.concatenate(proba, axis=1),
        agree=agree,
        confidence=confidence,
        max_share=max_share,
        balance=balance,
        class_share=class_shares(truth, assigned, fold=fold, classes=len(names)),
        barred=np.concatenate(kept_away),
    )
    verdict.insert(0, "id", pd.concat(ids).to_numpy())
    verdict["label"] = verdict["label"].map(dict(enumerate(names))).astype("str")
    parts = zip(["test", *unlabelled], ids, strict=True)
    verdict["part"] = pd.Series([part for part, found in parts for _ in range(len(found))], dtype="str")
    write_table(verdict, out)


def _of_fold(path: Path, fold: int) -> pd.DataFrame:
    """Rows of a predictions table that the fold's model made."""
    table = read_table(path)
    return table[table["fold"] == fold]


if __name__ == "__main__":
    job.run(main, snakemake)
