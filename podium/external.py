"""Where the rows of other files may be trained on: not where they resemble a row that is scored.

A near-duplicate of a scored row among the training rows makes its score too good (Lee et al., Deduplicating Training
Data Makes Language Models Better, 2021, arXiv:2107.06499). So rows that resemble a test row are removed, and those
that resemble a train row are kept from the models of its fold.
"""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from podium.duplicates import comparable, resembling
from podium.files import write_atomically
from podium.ingest import SEGMENTS

_TWINS = pa.list_(pa.field("element", pa.int64()))  # the name that Parquet gives it


def place(
    rows: pd.DataFrame,
    train: pd.DataFrame,
    test: pd.DataFrame,
    folds: np.ndarray,
    *,
    near_duplicates: float | None,
    seed: int,
    beside: Sequence[tuple[pd.DataFrame, np.ndarray]] = (),
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Choose the rows of another file that may be trained on, and say in which folds they may not.

    Rows resemble each other as in the folds stage (``podium.duplicates.resembling``, raw or canonical), but each pair
    by itself: a chain of near-duplicates between other files' rows ties nothing.

    Parameters
    ----------
    rows
        ``id``, ``text_a``, [``text_b``], [``target``] of the file (N).
    train, test
        Texts of the competition's rows.
    folds
        Fold of each train row (T,) int.
    near_duplicates
        Jaccard similarity from which texts resemble each other; None: only texts whose canonical forms are equal.
    seed
        Seed of the MinHash.
    beside
        Train rows of other tasks and their folds: there a segment counts as a text, as in ``podium.joint_folds``.

    Returns
    -------
    The kept rows, ``id``, [``target``], ``twins`` (sorted list of the folds with a train row that they resemble), in
    the file's order; and counts: ``rows``, ``repeated`` (the same text, and target, as an earlier row),
    ``equal_to_test``, ``near_test``, ``twins`` (kept rows by fold), ``kept``.
    """
    count = int(folds.max(initial=-1)) + 1
    group = np.r_[folds, np.full(len(test), count)]
    names = [name for name in SEGMENTS if name in rows.columns]
    repeated = rows.duplicated([*names, *(["target"] if "target" in rows.columns else [])]).to_numpy()
    asked = rows[~repeated]
    mine = comparable([asked[name].tolist() for name in names])
    theirs = comparable([[*train[name], *test[name]] for name in names])

    def found(threshold: float | None) -> np.ndarray:
        forms = zip(mine, theirs, strict=True)
        by_form = [
            resembling(one, other, group, groups=count + 1, threshold=threshold, seed=seed)
            for one, other in forms
        ]
        return np.logical_or(*by_form)

    equal = found(None)
    near = equal if near_duplicates is None else found(near_duplicates)
    for table, of_table in beside:
        near[:, :count] |= _beside(asked, table, of_table, count, threshold=near_duplicates, seed=seed)
    in_test = near[:, count]
    twins = near[~in_test, :count]
    columns = [name for name in ("id", "target") if name in rows.columns]
    kept = asked.loc[~in_test, columns].reset_index(drop=True)
    counts = {
        "rows": len(rows),
        "repeated": int(repeated.sum()),
        "equal_to_test": int(equal[:, count].sum()),
        "near_test": int(in_test.sum() - equal[:, count].sum()),
        "twins": {str(fold): int(number) for fold, number in enumerate(twins.sum(axis=0))},
        "kept": len(kept),
    }
    return kept.assign(twins=_lists(twins)), counts


def _beside(
    rows: pd.DataFrame,
    others: pd.DataFrame,
    folds: np.ndarray,
    count: int,
    *,
    threshold: float | None,
    seed: int,
) -> np.ndarray:
    """Folds of another task's rows that a row (N), or a segment of it, resembles: (N, ``count``) bool."""
    mine, theirs = _forms(rows), _forms(others)
    found = np.zeros((len(rows), count), dtype=bool)
    for form, other in zip(mine, theirs, strict=True):
        group = np.tile(folds, len(other) // max(1, len(others)))
        alike = resembling(form, other, group, groups=count, threshold=threshold, seed=seed)
        alike[[not text.strip() for text in form]] = False
        found |= alike.reshape(-1, len(rows), count).any(axis=0)
    return found


def _forms(table: pd.DataFrame) -> list[list[str]]:
    """Raw and canonical form of every segment of a table's rows and, where there are two, of the whole rows."""
    segments = [table[name].tolist() for name in SEGMENTS if name in table.columns]
    texts = [[segment] for segment in segments] + ([segments] if len(segments) > 1 else [])
    raw, canonical = zip(*(comparable(text) for text in texts), strict=True)
    return [list(chain.from_iterable(form)) for form in (raw, canonical)]


def _lists(flags: np.ndarray) -> pd.Series:
    """The positions of each row's flags (N, K) as a list."""
    ends = np.r_[0, np.cumsum(flags.sum(axis=1))].astype(np.int32)
    array = pa.ListArray.from_arrays(pa.array(ends), pa.array(np.nonzero(flags)[1]), type=_TWINS)
    return pd.Series(array, dtype=pd.ArrowDtype(_TWINS))


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table of ``place`` as Parquet, for ``podium.files.read_table``; the same bytes each time."""
    # Without pandas' own metadata: it would name a type that pandas.read_parquet does not know
    kinds = {"weight": pa.float64(), "twins": _TWINS}
    plain = {name: pa.array(table[name], type=kinds.get(str(name), pa.string())) for name in table.columns}
    write_atomically(path, lambda temporary: pq.write_table(pa.table(plain), temporary, compression="zstd"))


def barred(placed: pd.DataFrame, fold: int) -> np.ndarray:
    """Return which rows of a table of ``place`` (N,) bool the models of ``fold`` must not be trained on."""
    return np.array([fold in twins for twins in placed["twins"]], dtype=bool)
