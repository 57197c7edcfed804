"""Single texts and pairs in one run: each row with the special tokens of its own form.

Shapes: N rows, S sequences, T tokens of all sequences.
"""

import dataclasses

import numpy as np
import pandas as pd

from podium.engine.inputs import Encoded, InputOptions, compose, full_lengths
from podium.engine.ragged import Ragged, joined
from podium.engine.template import Template


def pairs(rows: pd.DataFrame) -> np.ndarray:
    """Return which rows (N,) are pairs: those whose ``tokens_b``, or ``text_b``, is not null."""
    name = "tokens_b" if "tokens_b" in rows.columns else "text_b"
    return (
        rows[name].notna().to_numpy(dtype=bool) if name in rows.columns else np.zeros(len(rows), dtype=bool)
    )


def full_lengths_of_forms(tokens: pd.DataFrame, pair: np.ndarray, template: Template) -> np.ndarray:
    """Length of each row (N,) in its own form; ``podium.engine.inputs.full_lengths``."""
    lengths = np.zeros(len(tokens), dtype=np.int64)
    for places, part in _parts(tokens, pair):
        lengths[places] = full_lengths(part, template)
    return lengths


def compose_forms(
    tokens: pd.DataFrame, pair: np.ndarray, template: Template, options: InputOptions, *, max_length: int
) -> Encoded:
    """Put special tokens around each row in its own form; ``podium.engine.inputs.compose``.

    ``pair`` (N,) bool says which rows are pairs; ``tokens_b`` of the others is not looked at.
    """
    made = [
        (places, compose(part, template, options, max_length=max_length), part)
        for places, part in _parts(tokens, pair)
    ]
    if len(made) == 1:
        return made[0][1]
    row_of = np.concatenate([places[encoded.row_of] for places, encoded, _ in made])
    order = np.argsort(row_of, kind="stable")  # the sequences of a row stay in their order
    flat = _joined([(encoded.tokens, encoded.offsets) for _, encoded, _ in made], order)
    types = None
    if any(encoded.types is not None for _, encoded, _ in made):
        kinds = [(_types(encoded), encoded.offsets) for _, encoded, _ in made]
        types = _joined(kinds, order)[0].astype(np.int8)
    whole = np.array([_tokens(part) for _, _, part in made], dtype=np.float64)
    return dataclasses.replace(
        made[0][1],
        tokens=flat[0],
        types=types,
        offsets=flat[1],
        row_of=row_of[order],
        rows_cut=float(sum(len(places) * encoded.rows_cut for places, encoded, _ in made) / len(tokens)),
        tokens_cut=float(
            sum(size * encoded.tokens_cut for size, (_, encoded, _) in zip(whole, made, strict=True))
            / max(1.0, whole.sum())
        ),
    )


def _parts(tokens: pd.DataFrame, pair: np.ndarray) -> list[tuple[np.ndarray, pd.DataFrame]]:
    """Rows of each form that occurs, with their places."""
    single = tokens.drop(columns="tokens_b", errors="ignore")
    if not pair.any():
        return [(np.arange(len(tokens)), single)]
    if pair.all():
        return [(np.arange(len(tokens)), tokens)]
    return [(np.flatnonzero(~pair), single[~pair]), (np.flatnonzero(pair), tokens[pair])]


def _tokens(part: pd.DataFrame) -> int:
    """Tokens of the texts of all rows, special ones not counted."""
    names = [name for name in ("tokens_a", "tokens_b") if name in part.columns]
    return int(sum(Ragged.of(part[name]).lengths.sum() for name in names))


def _types(encoded: Encoded) -> np.ndarray:
    return np.zeros(len(encoded.tokens), dtype=np.int8) if encoded.types is None else encoded.types


def _joined(parts: list[tuple[np.ndarray, np.ndarray]], order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of all ``parts``, flat (T,) with offsets (S + 1,), in ``order`` (S,)."""
    flat = np.concatenate([values for values, _ in parts]).astype(np.int32, copy=False)
    before = np.cumsum([0, *(len(values) for values, _ in parts)])
    starts = np.concatenate([offsets[:-1] + base for (_, offsets), base in zip(parts, before, strict=False)])
    lengths = np.concatenate([np.diff(offsets) for _, offsets in parts])
    return joined([Ragged(flat, starts, lengths).take(order)], len(order))
