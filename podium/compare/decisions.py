"""Rows that two runs decide differently, and who is right."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from podium.compare.run import Results
from podium.predict import PREFIX
from podium.span import metrics as span_metrics
from podium.span.answers import decode_all, texts
from podium.targets import split

Right = Literal["a", "b", "both", "neither", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row with two decisions; ``moved`` is how far the submitted probabilities are apart (0 to 1, None: not known).

    ``right`` is who is right: of values and spans who is nearer, or scores more. ``label`` is None for a test row.
    """

    id: str
    text: str
    label: str | None
    a: str
    b: str
    right: Right
    moved: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The rows of a part that are decided differently, those first in which one run alone is right.

    ``compared`` rows stand in both runs; ``only_a``, ``only_b`` count the others. ``count`` says who is right of the
    changed rows.
    """

    part: str
    compared: int
    only_a: int
    only_b: int
    count: dict[str, int]
    rows: list[Row]


def changes(a: Results, b: Results, task: str, part: str, *, type: str, metric: str | None) -> Changes | None:
    """Compare the decisions on the rows of ``part``, train (out of fold) or test; None where a run has none."""
    name = "oof" if part == "train" else "test"
    tables = [one.table(f"decision/{task}/{name}.parquet", ["id", "label"]) for one in (a, b)]
    rows = a.table(f"ingest/{task}/{part}.parquet")
    if tables[0] is None or tables[1] is None or rows is None:
        return None
    first, second = (table.set_index("id")["label"] for table in tables if table is not None)
    ids = first.index[first.index.isin(second.index)]
    changed = ids[(first.loc[ids].to_numpy() != second.loc[ids].to_numpy())]
    told = rows.set_index("id").reindex(changed)  # decisions may be of rows that stage ingest has no more
    labels = _labels(told, b, task, part)
    moved = _moved(a, b, task, name, changed)
    found = [
        Row(
            id=str(id),
            text=" | ".join(
                "" if pd.isna(told.at[id, column]) else str(told.at[id, column])
                for column in ("text_a", "text_b")
                if column in told
            ),
            label=labels[id],
            a=str(first.at[id]),
            b=str(second.at[id]),
            right=_right(labels[id], str(first.at[id]), str(second.at[id]), type, metric),
            moved=moved.get(id),
        )
        for id in changed
    ]
    found.sort(key=lambda row: (row.right not in ("a", "b"), -(row.moved or 0.0)))
    return Changes(
        part=part,
        compared=len(ids),
        only_a=len(first) - len(ids),
        only_b=len(second) - len(ids),
        count=dict(Counter(row.right for row in found)),
        rows=found,
    )


def _labels(told: pd.DataFrame, b: Results, task: str, part: str) -> dict[str, str | None]:
    """The given label of each row; None where there is none, or the runs do not agree on it."""
    if "target" not in told.columns:
        return dict.fromkeys(told.index)
    other = b.table(f"ingest/{task}/{part}.parquet", ["id", "target"])
    also = other.set_index("id")["target"].reindex(told.index) if other is not None else told["target"]
    return {
        id: label if label == its else None
        for id, label, its in zip(told.index, told["target"], also, strict=True)
    }


def _right(label: str | None, a: str, b: str, type: str, metric: str | None) -> Right:
    """Who is right; of values and spans, who is nearer."""
    if label is None:
        return "unknown"
    if type == "regression":
        apart = [_distance(label, said) for said in (a, b)]
        return "both" if apart[0] == apart[1] else "a" if apart[0] < apart[1] else "b"
    if type == "span":
        wanted = texts(decode_all([label])[0])
        worth = [span_metrics.best(metric or "exact", said, wanted) for said in (a, b)]
        if worth[0] == worth[1]:
            return "both" if worth[0] == 1 else "neither"
        return "a" if worth[0] > worth[1] else "b"
    good = [_same(label, said, type) for said in (a, b)]
    if all(good):
        return "both"
    return "a" if good[0] else "b" if good[1] else "neither"


def _same(label: str, said: str, type: str) -> bool:
    """Of several labels all count; of ranked ones the first."""
    if type == "multi_label":
        return set(split(label)) == set(split(said))
    return (split(said) or [""])[0] == label


def _distance(label: str, said: str) -> float:
    pairs = zip(split(label), split(said), strict=True)
    return float(np.mean([abs(float(one) - float(other)) for one, other in pairs]))


def _moved(a: Results, b: Results, task: str, name: str, ids: pd.Index) -> dict[str, float]:
    """Half the sum of what each row's submitted probabilities differ by; 1 where they have nothing in common."""
    tables = []
    for one in (a, b):
        facts = one.of(task).facts()
        path = f"ensemble/{task}/{facts['chosen']['name']}/{name}.parquet" if facts else ""
        table = one.table(path) if path else None
        columns = [] if table is None else [column for column in table if column.startswith(PREFIX)]
        if table is None or not columns:
            return {}
        tables.append(table.set_index("id").reindex(ids)[columns])
    every = tables[0].columns.union(tables[1].columns)
    first, second = (
        table.reindex(columns=every, fill_value=0.0).to_numpy(dtype="float64") for table in tables
    )
    apart = np.abs(first - second).sum(axis=1) / 2
    return dict(zip(ids, apart.tolist(), strict=True))
