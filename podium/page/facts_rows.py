"""Figures of rows: how long texts are, what a model cuts, how right long rows are; members that err alike. N rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from podium.files import read_json
from podium.tokens import SEGMENTS, capacity

PARTS = 8
"""Parts of equal size that rows are scored in, the shortest first."""
BARS = 30


def token_lengths(table: Path) -> pd.Series:
    """Return the tokens of each row of a table of token ids, special tokens not counted, by ``id``."""
    found = pq.read_table(table)
    columns = [name for name in SEGMENTS.values() if name in found.column_names]
    counts = np.sum([pc.list_value_length(found[name]).to_numpy() for name in columns], axis=0)
    return pd.Series(counts, index=pd.Index(found["id"].to_pylist()))


def characters(rows: pd.DataFrame) -> pd.Series:
    """Return the characters of each row's texts, by ``id``."""
    texts = [name for name in SEGMENTS if name in rows]
    counts = np.sum([rows[name].str.len().to_numpy() for name in texts], axis=0)
    return pd.Series(counts, index=pd.Index(rows["id"]))


def room_of(model: Path, pairs: bool) -> tuple[int, int] | None:
    """Return ``max_length`` of a fold's model and the tokens of a text that it reads; None where nothing is cut."""
    if not (model / "transformer.json").is_file():
        return None
    facts = read_json(model / "transformer.json")
    form = facts["template"]["pair" if pairs else "single"]
    specials = sum(number >= 0 for number in form["ids"])
    length = int(facts["max_length"])
    return length, capacity(facts["options"], length - specials)


def histogram(parts: Mapping[str, pd.Series]) -> dict[str, Any]:
    """Count lengths in equal steps up to where 99% of the first part's rows end; longer ones are in the last step."""
    first = next(iter(parts.values()))
    step = max(1, int(np.ceil(np.quantile(first, 0.99) / BARS)))
    counts = {
        name: np.bincount(np.minimum(lengths // step, BARS - 1), minlength=BARS).tolist()
        for name, lengths in parts.items()
    }
    stats = {
        name: {key: float(value) for key, value in _quantiles(lengths).items()}
        for name, lengths in parts.items()
    }
    return {"step": step, "counts": counts, "stats": stats}


def _quantiles(lengths: pd.Series) -> dict[str, float]:
    median, high = np.quantile(lengths, [0.5, 0.95])
    return {"mean": float(lengths.mean()), "median": median, "p95": high, "max": float(lengths.max())}


def cut(lengths: pd.Series, room: tuple[int, int], rights: pd.Series | None) -> dict[str, Any]:
    """Return what a model with ``room`` (``room_of``) cuts, and how right rows are that it cuts, and others."""
    longer = lengths > room[1]
    lost = float((lengths - room[1]).clip(lower=0).sum() / max(1, lengths.sum()))
    found: dict[str, Any] = {
        "max_length": room[0],
        "rows_cut": float(longer.mean()),
        "tokens_cut": lost,
    }
    if rights is not None:
        for name, rows in (("right_cut", longer), ("right_whole", ~longer)):
            these = rights.reindex(lengths.index[rows])
            found[name] = float(these.mean()) if len(these) else None
    return found


def by_length(lengths: pd.Series, rights: Mapping[str, pd.Series]) -> list[dict[str, Any]]:
    """Return, from the shortest rows to the longest, the lengths of a part and the mean of each of ``rights`` in it."""
    order = np.argsort(lengths.to_numpy(), kind="stable")
    found = []
    for part in np.array_split(order, PARTS):
        if len(part):
            these = lengths.iloc[part]
            right = {name: float(values.reindex(these.index).mean()) for name, values in rights.items()}
            found.append(
                {"from": int(these.min()), "to": int(these.max()), "rows": len(part), "right": right}
            )
    return found


def alike(missed: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """Return the correlations (M, M) of what M members missed on the same N rows; None for fewer than two.

    ``missed`` is what a row lacks to being right. One that misses nothing, or all alike, has none (None).
    """
    if len(missed) < 2:
        return None
    table = np.stack(list(missed.values()))
    table = table - table.mean(axis=1, keepdims=True)
    norms = np.sqrt((table**2).sum(axis=1))
    known = norms > 1e-9
    scaled = table / np.where(known, norms, 1)[:, None]
    values = scaled @ scaled.T
    cells = [
        [float(np.clip(values[i, j], -1, 1)) if known[i] and known[j] else None for j in range(len(table))]
        for i in range(len(table))
    ]
    return {"names": list(missed), "cells": cells}
