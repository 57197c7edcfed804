"""The submission file: predictions in exactly the form of the competition's sample."""

import csv
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from podium import submission_json
from podium.dialects import dialect_of
from podium.errors import UserError, hint
from podium.files import write_atomically
from podium.predict import PREFIX, columns
from podium.submission_columns import Form, check_class_columns, columns_of
from podium.tables import kind_of, read_rows
from podium.targets import JOINT

_log = logging.getLogger(__name__)
SEPARATORS = {".csv": ",", ".tsv": "\t"}
JSON_ENDINGS = (".json", ".jsonl")
_INTEGER = re.compile(r"-?[0-9]+")


def write_submission(
    predictions: pd.DataFrame, sample_path: Path | None, out: Path, *, form: Form, proba: pd.DataFrame | None
) -> None:
    r"""Write the submission, read it again and compare, then put it in place.

    With a sample, its columns, their order, its rows' order, its separator and the text of its ids are
    kept. What is filled in is the column ``target``; or, where columns are named like classes, the
    probability of each; or the only column beside the id, whatever its name. Where the metric reads
    probabilities and that one column has numbers in the sample, it gets those of the last of two classes; where it
    reads several labels a row, best first, these are joined as the sample's are.
    Multi-label tasks may have 0 and 1 in the columns of classes, a regression has a column for each value.
    Other columns keep the sample's values. Without a sample the columns are the id and ``target``, the rows those of
    ``predictions``. UTF-8, ``\n`` line ends.

    The ending of ``out`` says what is written: ``.csv`` and ``.tsv`` delimited text; ``.json`` and ``.jsonl`` one
    JSON object a line, with the order of keys and the types of values of the sample, which must be of JSON lines, too.
    Without a sample ids and labels are strings; probabilities, values and flags of 0 and 1 are numbers.

    Parameters
    ----------
    predictions
        ``id`` and ``label`` (``podium.targets``), each id once, in the order of the test file.
    sample_path
        The sample submission, or None.
    form
        What the config says of the columns.
    proba
        Predictions table (:mod:`podium.predict`), needed where the sample asks for probabilities.

    Raises
    ------
    UserError
        The sample's ids are not exactly those predicted, its columns do not tell what goes where, or it
        holds numbers where the labels are none.
    ValueError
        The ending of ``out`` is none of these, or says JSON lines where the sample has another form.
    """
    repeated = predictions["id"][predictions["id"].duplicated()]
    if len(repeated):
        raise ValueError(f"{len(repeated)} ids are predicted more than once, such as {repeated.iloc[0]!r}")
    if sample_path is None:
        sample, table = None, _without_sample(predictions, form, proba)
    else:
        sample = read_rows(sample_path, columns=None, encoding=None, separator=None)
        table = _filled(sample, predictions, sample_path, form=form, proba=proba)
    if out.suffix in JSON_ENDINGS:
        objects, style = _objects(table, sample, sample_path, form)
        write_atomically(out, lambda temporary: submission_json.write_and_verify(objects, style, temporary))
    else:
        separator = _separator(out, sample_path)
        rows = [list(table.columns), *table.to_numpy(dtype=object).tolist()]
        write_atomically(out, lambda temporary: _write_and_verify(rows, temporary, separator))


def _separator(out: Path, sample_path: Path | None) -> str:
    """The sample's separator; without one that of the ending of ``out``."""
    if out.suffix not in SEPARATORS:
        raise ValueError(f"{out}: the ending is none of {', '.join([*SEPARATORS, *JSON_ENDINGS])}")
    if sample_path is not None and kind_of(sample_path) == "delimited":
        return dialect_of(sample_path, encoding=None, separator=None).separator
    return SEPARATORS[out.suffix]


def _objects(
    table: pd.DataFrame, sample: pd.DataFrame | None, path: Path | None, form: Form
) -> tuple[list[submission_json.Row], submission_json.Style]:
    """The rows of ``table`` as JSON has them, and how lines are written; ``path`` is the sample's."""
    numeric = form.type == "regression" or not isinstance(form.target, str)
    if sample is None or path is None:
        numbers = [name for name in table if name != (form.id or "id")] if numeric else []
        return submission_json.plain_rows(table, numbers=numbers), submission_json.Style()
    if kind_of(path) != "jsonl":
        raise ValueError(f"the sample {path} is not of JSON lines, and the submission is")
    given, style = submission_json.read_sample(path)
    rows = [given[row] for row in sample.index]
    numeric = numeric or form.probabilities
    return submission_json.filled_rows(path, rows, sample, table, numbers=numeric), style


def rehearse(sample_path: Path, labels: Sequence[str], *, form: Form) -> None:
    """Raise the ``UserError`` of ``write_submission`` that the sample's form and the names alone bring about.

    ``labels`` are the class names or those of the value columns.
    """
    sample = read_rows(sample_path, columns=None, encoding=None, separator=None)
    id = form.id
    if id is not None and id not in sample:
        raise UserError(f"{sample_path}: no column '{id}'; {hint(id, sample.columns)}")
    ids = sample[id] if id is not None else pd.Series([str(row) for row in range(len(sample))], dtype="str")
    ids = ids.drop_duplicates()
    label = [labels[row % len(labels)] for row in range(len(ids))]
    if form.ranked is not None:
        label = [JOINT.join(labels[: form.ranked])] * len(ids)
    if form.type == "regression":
        label = [JOINT.join(["0.5"] * len(labels))] * len(ids)
    proba = pd.DataFrame({"id": ids, **dict.fromkeys(columns(labels, form.type), 0.0)})
    predictions = pd.DataFrame({"id": ids, "label": pd.Series(label, index=ids.index, dtype="str")})
    kept = sample.loc[ids.index]
    table = _filled(kept, predictions, sample_path, form=form, proba=proba)
    if kind_of(sample_path) == "jsonl":
        _objects(table, kept, sample_path, form)


def _without_sample(predictions: pd.DataFrame, form: Form, proba: pd.DataFrame | None) -> pd.DataFrame:
    ids = {"id" if form.id is None else form.id: predictions["id"]}
    if form.type == "single_label":
        labels = predictions["label"]
        if form.ranked is not None:
            labels = labels.str.replace(JOINT, " ", regex=False)
        return pd.DataFrame({**ids, str(form.target): labels})
    return pd.DataFrame({**ids, **columns_of(None, predictions, proba, "the submission", form=form)})


def _filled(
    sample: pd.DataFrame,
    predictions: pd.DataFrame,
    path: Path,
    *,
    form: Form,
    proba: pd.DataFrame | None,
) -> pd.DataFrame:
    ids = _sample_ids(sample, predictions, path, form.id)
    others = [column for column in sample.columns if column != form.id]
    filled = sample.copy()
    if form.type != "single_label":
        rows = predictions.set_index("id").loc[ids].reset_index()
        values = None if proba is None else proba.set_index("id").loc[ids].reset_index()
        for column, texts in columns_of(others, rows, values, str(path), form=form).items():
            filled[column] = texts
        return filled
    target = str(form.target)
    found = [] if proba is None else proba.columns
    classes = [column.removeprefix(PREFIX) for column in found if column.startswith(PREFIX)]
    named = [column for column in others if column in classes]
    if target not in others and named:
        assert proba is not None
        check_class_columns(path, others, classes)
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
    if form.probabilities and len(classes) == 2 and _holds_numbers(sample[column]):
        assert proba is not None
        filled[column] = [
            str(value) for value in proba.set_index("id").loc[ids, f"{PREFIX}{classes[1]}"].to_numpy()
        ]
        return filled
    labels = predictions.set_index("id")["label"].loc[ids]
    if form.ranked is not None:
        filled[column] = _ranked(path, column, sample[column], labels, classes)
        return filled
    if not form.free:
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


def _ranked(path: Path, column: str, given: pd.Series, labels: pd.Series, classes: list[str]) -> np.ndarray:
    """The labels of each row, best first, joined as the sample's placeholders are (a space where none shows it)."""
    known = sorted(classes, key=len, reverse=True)
    one = "|".join(re.escape(label) for label in known)
    separator = " "
    for value in given.unique():
        found = re.match(f"(?:{one})(\\W+?)(?:{one})", value) if one else None
        if found is None:
            found = re.fullmatch(r"[^\s,;|]+(\s*[,;|]\s*|\s+)[^\s,;|]+(\1[^\s,;|]+)*", value.strip())
        if found is not None:
            separator = found[1]
            break
    joined = next((label for label in classes if separator in label), None)
    if joined is not None:
        raise UserError(
            f"{path}: '{column}' takes several labels joined by {separator!r}, but the label '{joined}' holds it; "
            "give the target column whose labels do not, or mend the sample"
        )
    return labels.str.replace(JOINT, separator, regex=False).to_numpy()


def _holds_numbers(given: pd.Series) -> bool:
    """Whether the sample's placeholders are numbers, or there are none."""
    return bool(pd.to_numeric(given.replace("", "0"), errors="coerce").notna().all())


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
