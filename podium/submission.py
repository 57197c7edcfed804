"""The submission file: predictions in exactly the form of the competition's sample."""

import csv
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from podium.dialects import dialect_of
from podium.errors import UserError, hint
from podium.files import write_atomically
from podium.predict import PREFIX
from podium.tables import kind_of, read_rows

_log = logging.getLogger(__name__)
_INTEGER = re.compile(r"-?[0-9]+")


def write_submission(
    predictions: pd.DataFrame,
    sample_path: Path | None,
    out: Path,
    *,
    id: str | None,
    target: str,
    proba: pd.DataFrame | None,
) -> None:
    r"""Write the submission, read it again and compare, then put it in place.

    With a sample, its columns, their order, its rows' order, its separator and the text of its ids are
    kept. What is filled in is the column ``target``; or, where columns are named like classes, the
    probability of each; or the only column beside the id, whatever its name. Other columns keep the
    sample's values. Without a sample the columns are the id and ``target``, the rows those of
    ``predictions``. UTF-8, ``\n`` line ends.

    Parameters
    ----------
    predictions
        ``id`` and ``label``, each id once, in the order of the test file.
    sample_path
        The sample submission, or None.
    id
        Column of ids; None where rows are numbered: the sample's rows are then taken in test order.
    proba
        Predictions table (:mod:`podium.predict`), needed where the sample asks for probabilities.

    Raises
    ------
    UserError
        The sample's ids are not exactly those predicted, its columns do not tell what goes where, or it
        holds whole numbers where the labels are none.
    """
    repeated = predictions["id"][predictions["id"].duplicated()]
    if len(repeated):
        raise ValueError(f"{len(repeated)} ids are predicted more than once, such as {repeated.iloc[0]!r}")
    separator = ","
    if sample_path is None:
        table = pd.DataFrame({"id" if id is None else id: predictions["id"], target: predictions["label"]})
    else:
        sample = read_rows(sample_path, columns=None, encoding=None, separator=None)
        if kind_of(sample_path) == "delimited":
            separator = dialect_of(sample_path, encoding=None, separator=None).separator
        table = _filled(sample, predictions, sample_path, id=id, target=target, proba=proba)
    rows = [list(table.columns), *table.to_numpy(dtype=object).tolist()]
    write_atomically(out, lambda temporary: _write_and_verify(rows, temporary, separator))


def rehearse(sample_path: Path, labels: Sequence[str], *, id: str | None, target: str) -> None:
    """Raise the ``UserError`` of ``write_submission`` that the sample's form and the class names alone bring about."""
    sample = read_rows(sample_path, columns=None, encoding=None, separator=None)
    if id is not None and id not in sample:
        raise UserError(f"{sample_path}: no column '{id}'; {hint(id, sample.columns)}")
    ids = sample[id] if id is not None else pd.Series([str(row) for row in range(len(sample))], dtype="str")
    ids = ids.drop_duplicates()
    label = [labels[row % len(labels)] for row in range(len(ids))]
    proba = pd.DataFrame({"id": ids, **{f"{PREFIX}{name}": 0.0 for name in labels}})
    predictions = pd.DataFrame({"id": ids, "label": pd.Series(label, index=ids.index, dtype="str")})
    _filled(sample.loc[ids.index], predictions, sample_path, id=id, target=target, proba=proba)


def _filled(
    sample: pd.DataFrame,
    predictions: pd.DataFrame,
    path: Path,
    *,
    id: str | None,
    target: str,
    proba: pd.DataFrame | None,
) -> pd.DataFrame:
    ids = _sample_ids(sample, predictions, path, id)
    others = [column for column in sample.columns if column != id]
    columns = [] if proba is None else proba.columns
    classes = [column.removeprefix(PREFIX) for column in columns if column.startswith(PREFIX)]
    named = [column for column in others if column in classes]
    filled = sample.copy()
    if target not in others and named:
        assert proba is not None
        _check_class_columns(path, others, classes)
        values = proba.set_index("id").loc[ids]
        for column in named:
            # numpy's own float32 scalars write 0.1 as 0.1
            filled[column] = [str(value) for value in values[f"{PREFIX}{column}"].to_numpy()]
        return filled
    if target not in others and len(others) != 1:
        raise UserError(
            f"{path}: no column '{target}' ({hint(target, others)}), and the columns are not named like the classes"
        )
    column = target if target in others else others[0]
    labels = predictions.set_index("id")["label"].loc[ids]
    _check_form(path, column, sample[column], labels)
    filled[column] = labels.to_numpy()
    return filled


def _sample_ids(sample: pd.DataFrame, predictions: pd.DataFrame, path: Path, id: str | None) -> pd.Series:
    """The id of each of the sample's rows, once it is sure that they are those predicted."""
    if id is None:
        if len(sample) != len(predictions):
            raise UserError(f"{path}: {len(sample)} rows, but test has {len(predictions)}")
        return predictions["id"]
    if id not in sample:
        raise UserError(f"{path}: no column '{id}'; {hint(id, sample.columns)}")
    ids = sample[id]
    problems = {
        "are there more than once": ids[ids.duplicated()],
        "are not in test, so not predicted": ids[~ids.isin(predictions["id"])],
        "of test are lacking": predictions["id"][~predictions["id"].isin(ids)],
    }
    found = [f"{len(bad)} ids {what} (first '{bad.iloc[0]}')" for what, bad in problems.items() if len(bad)]
    if found:
        raise UserError(f"{path}: " + "; ".join(found))
    return ids


def _check_class_columns(path: Path, others: Sequence[str], classes: Sequence[str]) -> None:
    strange = [column for column in others if column not in classes]
    if strange:
        raise UserError(
            f"{path}: some columns are named like classes, but '{strange[0]}' is none; {hint(strange[0], classes)}"
        )
    lacking = [label for label in classes if label not in others]
    if lacking:
        _log.warning("%s has no column for the classes %s; they are left out", path, ", ".join(lacking[:5]))


def _check_form(path: Path, column: str, given: pd.Series, labels: pd.Series) -> None:
    """Compare the form of the sample's placeholders with that of the labels."""
    shown = given[given.str.strip() != ""].unique()
    if not len(shown):
        return
    whole = all(_INTEGER.fullmatch(value) for value in shown)
    other = next((label for label in labels.unique() if not _INTEGER.fullmatch(label)), None)
    if whole and other is not None:
        raise UserError(
            f"{path}: '{column}' holds whole numbers such as '{shown[0]}', but train's labels are like '{other}'; "
            "give the target column that holds the numbers, or mend the sample"
        )
    if not whole and not set(shown) & set(labels):
        _log.warning(
            "%s: '%s' holds '%s', which is not among the predicted labels such as '%s'; check the form",
            path, column, shown[0], labels.iloc[0],
        )  # fmt: skip


def _write_and_verify(rows: list[list[str]], path: Path, separator: str) -> None:
    # With "\n" as line end the writer leaves a lone "\r" bare, which readers take for a line end.
    bare = any("\r" in value for row in rows for value in row)
    quoting: Literal[0, 1] = csv.QUOTE_ALL if bare else csv.QUOTE_MINIMAL
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, delimiter=separator, lineterminator="\n", quoting=quoting).writerows(rows)
    with path.open(encoding="utf-8", newline="") as handle:
        written = list(csv.reader(handle, delimiter=separator, strict=True))
    if written != rows:
        raise RuntimeError(f"{path}: the submission does not read back as it was written")
