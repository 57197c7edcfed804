"""Choose the pseudo-labelled test and unlabelled rows that may train one fold in the next round."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium.alignment import fold_numbers, probabilities
from podium.external import barred
from podium.files import read_json, read_table, write_json, write_table
from podium.pseudo_choice import Rules, choose
from podium.targets import encode
from scripts import job


def main(
    *,
    test_folds: list[Path],
    oof: list[Path],
    train: Path,
    folds: Path,
    labels: Path,
    out: Path,
    facts: Path,
    fold: int,
    rules: dict[str, Any],
    unlabelled: list[str],
    unlabelled_folds: list[Path] | None = None,
    placed: list[Path] | None = None,
) -> None:
    """Write every candidate's verdict (``podium.pseudo_choice``) with its ``id`` and ``part``, and the facts.

    Of candidates only what the voters' models of this ``fold`` predicted is read, of train rows only those outside it.
    ``part`` is test or one of the ``unlabelled`` files; of these ``placed`` has the rows in this order, and
    ``unlabelled_folds`` the voters' tables of the first file, then of the next.
    """
    names, rows = read_json(labels), read_table(train, columns=["id", "target"])
    assigned = fold_numbers(read_table(folds), rows["id"])
    outside = assigned != fold
    tables = [read_table(path) for path in placed or []]
    files = [test_folds, *_by_file(unlabelled_folds or [], len(test_folds))]
    ids = [_of_fold(test_folds[0], fold)["id"], *(table["id"] for table in tables)]

    def candidates() -> Iterator[np.ndarray]:
        for paths in zip(*files, strict=True):
            said = [
                probabilities(_of_fold(path, fold), own, names) for path, own in zip(paths, ids, strict=True)
            ]
            yield np.concatenate(said)

    sizes = [len(own) for own in ids]
    table, found = choose(
        candidates(),
        (probabilities(read_table(path), rows["id"], names)[outside] for path in oof),
        truth=encode(rows["target"][outside], names),
        folds=assigned[outside],
        names=names,
        tested=np.arange(sum(sizes)) < sizes[0],
        barred=np.concatenate([np.zeros(sizes[0], dtype=bool), *(barred(other, fold) for other in tables)]),
        rules=Rules(**rules),
    )
    table.insert(0, "id", pd.concat(ids).to_numpy())
    parts = pd.Series(np.repeat(["test", *unlabelled], sizes), dtype="str")
    table.insert(6, "part", parts)
    write_table(table, out)
    accepted = {part: int(table["accepted"][parts == part].sum()) for part in ["test", *unlabelled]}
    write_json({"fold": fold, "parts": accepted, **found}, facts)


def _by_file(paths: list[Path], voters: int) -> list[list[Path]]:
    """The voters' tables of each file."""
    return [paths[start : start + voters] for start in range(0, len(paths), voters)]


def _of_fold(path: Path, fold: int) -> pd.DataFrame:
    """Rows of a predictions table that the fold's model made."""
    table = read_table(path)
    return table[table["fold"] == fold]


if __name__ == "__main__":
    job.run(main, snakemake)
