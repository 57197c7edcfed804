"""The profile of a competition's rows: lengths, classes, duplicates, train texts that stand in test."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium.errors import UserError
from podium.ingest import SEGMENTS, Ingested
from podium.targets import JOINT, to_array

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|[^\w\s]")
_BY_TOKENIZER = "the tokenizer's, special tokens counted"
_BY_PATTERN = "words, CJK characters and punctuation marks (no tokenizer given)"
_COMPARED = "all segments, without case, white space as one space, empty rows left out"
_EXAMPLES = 20
_EXAMPLE_CHARACTERS = 200
_BATCH = 2_000
_QUANTILES = {"min": 0.0, "p25": 0.25, "median": 0.5, "p75": 0.75, "max": 1.0}


def profile(ingested: Ingested, *, max_lengths: Sequence[int], tokenizer: Path | None) -> dict[str, Any]:
    """Describe the rows in plain JSON values.

    Parameters
    ----------
    max_lengths
        Token counts for which to tell the share of rows that would be cut.
    tokenizer
        A ``tokenizer.json``; None counts words, CJK characters and punctuation marks instead.

    Returns
    -------
    dict
        ``rows``; ``classes`` (rows and share of each; multi-label: also ``labels_per_row``), or the ``values`` of a
        regression; ``lengths`` of each part: characters and words of
        each segment and tokens of the whole row, ``cut`` by maximal length; ``duplicates`` inside train;
        ``in_test``: train rows whose text stands in test, and the reverse; ``missing`` values of each
        column; ``shared_ids``; ``warnings``, sentences for a person.

    Raises
    ------
    UserError
        The tokenizer file cannot be read.
    """
    parts = {"train": ingested.train, "test": ingested.test}
    keys = {part: _keys(table) for part, table in parts.items()}
    found: dict[str, Any] = {
        "rows": {part: len(table) for part, table in parts.items()},
        **_targets(ingested),
        "lengths": {part: _lengths(table, max_lengths, tokenizer) for part, table in parts.items()},
        "duplicates": _duplicates(ingested.train, keys["train"]),
        "in_test": _in_test(keys["train"], keys["test"]),
        "missing": ingested.missing,
        "shared_ids": int(ingested.train["id"].isin(ingested.test["id"]).sum()),
    }
    return {**found, "warnings": list(_warnings(ingested, found))}


def _targets(ingested: Ingested) -> dict[str, Any]:
    """Rows of each class, or what the values are like."""
    target = to_array(ingested.train["target"], ingested.labels, ingested.type)
    if ingested.type == "regression":
        return {
            "values": {
                name: {"mean": float(column.mean()), "deviation": float(column.std())}
                | {key: float(np.quantile(column, share)) for key, share in _QUANTILES.items()}
                for name, column in zip(ingested.labels, target.T, strict=True)
            }
        }
    single = ingested.type == "single_label"
    counts = (
        np.bincount(target, minlength=len(ingested.labels)) if single else target.sum(axis=0, dtype=np.int64)
    )
    classes = {
        label: {"rows": rows, "share": _share(rows, len(target))}
        for label, rows in zip(ingested.labels, counts.tolist(), strict=True)
    }
    return {"classes": classes} | (
        {} if single else {"labels_per_row": _summary(target.sum(axis=1).astype(np.int64))}
    )


def _share(part: int, whole: int) -> float:
    return round(float(part) / whole, 6) if whole else 0.0


def _segments(table: pd.DataFrame) -> list[str]:
    return [name for name in SEGMENTS if name in table]


def _keys(table: pd.DataFrame) -> pd.Series:
    """What makes two rows' texts the same: case and white space do not count."""
    rows = zip(*(table[name] for name in _segments(table)), strict=True)
    return pd.Series(
        ["\n".join(" ".join(text.casefold().split()) for text in row) for row in rows], dtype="str"
    )


def _lengths(table: pd.DataFrame, max_lengths: Sequence[int], tokenizer: Path | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: {
            "characters": _summary(table[name].map(len)),
            "words": _summary(len(text.split()) for text in table[name]),
        }
        for name in _segments(table)
    }
    rows = list(zip(*(table[name] for name in _segments(table)), strict=True))
    if tokenizer is None:
        counts = np.array([sum(len(_TOKEN.findall(text)) for text in row) for row in rows])
    else:
        counts = _token_counts(rows, tokenizer)
    found["tokens"] = {
        "counted": _BY_PATTERN if tokenizer is None else _BY_TOKENIZER,
        **_summary(counts),
        "cut": {str(length): _share((counts > length).sum(), len(counts)) for length in max_lengths},
    }
    return found


def _token_counts(rows: list[tuple[str, ...]], path: Path) -> np.ndarray:
    """Tokens of each row (N,), a pair encoded as a pair."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more precise
        raise UserError(f"{path}: not a tokenizer.json ({str(error).splitlines()[0]})") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    counts: list[int] = []
    for start in range(0, len(rows), _BATCH):
        batch = [row if len(row) == 2 else row[0] for row in rows[start : start + _BATCH]]
        counts += [len(encoding.ids) for encoding in tokenizer.encode_batch_fast(batch)]
    return np.array(counts)


def _summary(counts: Iterable[int]) -> dict[str, float]:
    values = np.fromiter(counts, dtype=np.int64)
    return {
        "mean": round(float(values.mean()), 2),
        "median": float(np.median(values)),
        "p95": round(float(np.percentile(values, 95)), 2),
        "max": int(values.max()),
    }


def _duplicates(train: pd.DataFrame, keys: pd.Series) -> dict[str, Any]:
    """Texts that stand more than once in train, with one label or with several."""
    table = pd.DataFrame({"key": pd.factorize(keys)[0], "label": train["target"], "id": train["id"]})
    table = table[keys.str.strip() != ""]
    several = table.groupby("key")["label"].transform("nunique") > 1
    contradicting = table[several]
    examples = []
    for _, rows in list(contradicting.groupby("key"))[:_EXAMPLES]:
        text = " | ".join(train.loc[rows.index[0], name] for name in _segments(train))
        labels = [label.replace(JOINT, ", ") for label in rows["label"]]
        examples.append({"text": text[:_EXAMPLE_CHARACTERS], "ids": list(rows["id"]), "labels": labels})
    return {
        "compared": _COMPARED,
        "rows_repeating_text_and_label": int(table.duplicated(["key", "label"]).sum()),
        "texts_with_several_labels": int(contradicting["key"].nunique()),
        "rows_of_texts_with_several_labels": len(contradicting),
        "examples": examples,
    }


def _in_test(train: pd.Series, test: pd.Series) -> dict[str, Any]:
    train_rows = int((train.isin(test) & (train.str.strip() != "")).sum())
    test_rows = int((test.isin(train) & (test.str.strip() != "")).sum())
    return {
        "compared": _COMPARED,
        "train_rows": train_rows,
        "train_share": _share(train_rows, len(train)),
        "test_rows": test_rows,
        "test_share": _share(test_rows, len(test)),
    }


def _warnings(ingested: Ingested, found: dict[str, Any]) -> Iterator[str]:
    if ingested.type != "regression":
        yield from _class_warnings(ingested, found)
    for part, table in (("train", ingested.train), ("test", ingested.test)):
        for name in _segments(table):
            if empty := int((table[name].str.strip() == "").sum()):
                yield f"{part}: {empty} rows have an empty {name}"
    if "group" in ingested.train and (empty := int((ingested.train["group"].str.strip() == "").sum())):
        yield f"train: {empty} rows have an empty group"
    if found["shared_ids"]:
        yield f"{found['shared_ids']} ids stand in both train and test; they are taken as different rows"
    duplicates, in_test = found["duplicates"], found["in_test"]
    if duplicates["texts_with_several_labels"]:
        what = {"single_label": "label", "multi_label": "set of labels", "regression": "value"}[ingested.type]
        yield f"{duplicates['texts_with_several_labels']} texts stand in train with more than one {what}"
    if in_test["test_rows"]:
        yield f"{in_test['test_rows']} test texts ({in_test['test_share']:.1%}) stand word for word in train"


def _class_warnings(ingested: Ingested, found: dict[str, Any]) -> Iterator[str]:
    rows = found["rows"]["train"]
    if unused := [label for label, facts in found["classes"].items() if facts["rows"] in (0, rows)]:
        yield f"classes that all training rows have, or none: {', '.join(map(repr, unused[:6]))}"
    single = [label for label, facts in found["classes"].items() if facts["rows"] == 1]
    if single:
        shown = ", ".join(f"'{label}'" for label in single[:5]) + (", ..." if len(single) > 5 else "")
        yield f"{len(single)} classes have one training row: {shown}"
    if ingested.type == "multi_label" and (none := int((ingested.train["target"] == "").sum())):
        yield f"train: {none} rows have no label"
    if rows >= 20 and len(ingested.labels) > rows / 2:
        yield f"{len(ingested.labels)} classes in {rows} rows: is the target a column of classes?"
    alike = pd.Series(ingested.labels, dtype="str").str.strip().str.casefold()
    if alike.duplicated().any():
        names = [
            label for label, same in zip(ingested.labels, alike.duplicated(keep=False), strict=True) if same
        ]
        yield f"classes that differ only in case or outer spaces: {', '.join(map(repr, names[:6]))}"
