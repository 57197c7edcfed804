"""Batches have every row once, of similar length, within their budget."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.engine.batching import (
    WINDOW,
    epoch_batches,
    length_batches,
    split,
    token_batches,
)

CPU = torch.device("cpu")
LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=200).map(np.array)


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 17), st.integers(0, 99))
def test_epoch_has_each_row_once_in_batches_of_similar_length(
    lengths: np.ndarray, size: int, seed: int
) -> None:
    batches = epoch_batches(lengths, size, np.random.default_rng(seed))
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // size)
    assert sorted(len(batch) for batch in batches)[1:] == [size] * (len(batches) - 1)
    again = epoch_batches(lengths, size, np.random.default_rng(seed))
    assert [list(batch) for batch in batches] == [list(batch) for batch in again]
    if len(batches) <= WINDOW:  # one window: sorted as a whole
        ordered = sorted(batches, key=lambda batch: (lengths[batch].max(), lengths[batch].min()))
        assert (np.diff(np.concatenate([np.sort(lengths[batch]) for batch in ordered])) >= 0).all()


def test_epochs_differ() -> None:
    generator = np.random.default_rng(0)
    first, second = (epoch_batches(np.full(64, 5), 8, generator) for _ in range(2))
    assert {frozenset(batch) for batch in first} != {frozenset(batch) for batch in second}


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 2000))
def test_prediction_batches_keep_to_the_budget(lengths: np.ndarray, budget: int) -> None:
    batches = length_batches(lengths, budget)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    padded = [len(batch) * lengths[batch].max() for batch in batches]
    assert all(tokens <= budget or len(batch) == 1 for tokens, batch in zip(padded, batches, strict=True))


def padded(batch: np.ndarray, lengths: np.ndarray, counts: np.ndarray | None) -> int:
    """Tokens of a batch's inputs, padding counted."""
    return int(lengths[batch].max() * (len(batch) if counts is None else counts[batch].sum()))


def greedy(lengths: np.ndarray, counts: np.ndarray | None, budget: int) -> int:
    """How many batches there are when each takes rows, the longest first, as long as they fit."""
    batches: list[list[int]] = []
    for row in np.lexsort((np.zeros(len(lengths)) if counts is None else counts, lengths))[::-1]:
        if batches and padded(np.array([*batches[-1], row]), lengths, counts) <= budget:
            batches[-1].append(row)
        else:
            batches.append([row])
    return len(batches)


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 3000), st.integers(1, 9), st.booleans(), st.integers(0, 99))
def test_token_batches_have_each_row_once_and_keep_to_the_budget(
    lengths: np.ndarray, budget: int, window: int, chunked: bool, seed: int
) -> None:
    counts = np.random.default_rng(seed).integers(1, 5, len(lengths)) if chunked else None
    found, again = (
        token_batches(lengths, budget, np.random.default_rng(seed), window=window, counts=counts)
        for _ in range(2)
    )
    assert [batch.tolist() for batch in found] == [batch.tolist() for batch in again]
    assert sorted(np.concatenate(found)) == list(range(len(lengths)))
    assert all(len(batch) == 1 or padded(batch, lengths, counts) <= budget for batch in found)
    whole = token_batches(lengths, budget, np.random.default_rng(seed), window=10**6, counts=counts)
    assert len(whole) == greedy(lengths, counts, budget)  # one window: as few as there can be in this order
    ordered = sorted(whole, key=lambda batch: (lengths[batch].max(), lengths[batch].min()))
    assert (np.diff(np.concatenate([np.sort(lengths[batch]) for batch in ordered])) >= 0).all()
    kept = length_batches(lengths, budget, counts)
    assert sorted(np.concatenate(kept)) == list(range(len(lengths)))
    assert all(len(batch) == 1 or padded(batch, lengths, counts) <= budget for batch in kept)


def test_token_batches_are_of_about_one_size_in_another_order_each_epoch() -> None:
    lengths, generator = np.random.default_rng(0).integers(5, 128, 2000), np.random.default_rng(1)
    first, second = (token_batches(lengths, 4096, generator, window=8) for _ in range(2))
    assert {frozenset(batch) for batch in first} != {frozenset(batch) for batch in second}
    sizes = np.array([padded(batch, lengths, None) for batch in first])
    assert sizes.min() > 0.6 * sizes.max()
    longest = np.array([lengths[batch].max() for batch in token_batches(lengths, 4096, generator, window=99)])
    assert abs(np.corrcoef(longest, np.arange(len(longest)))[0, 1]) < 0.5  # long ones do not come first


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 40), st.integers(1, 2000), st.booleans())
def test_parts_of_a_batch(lengths: np.ndarray, parts: int, max_tokens: int, chunked: bool) -> None:
    counts = np.random.default_rng(0).integers(1, 5, len(lengths)) if chunked else None
    batch = np.random.default_rng(1).permutation(len(lengths))[: max(1, len(lengths) // 2)]
    even = split(batch, lengths, parts=parts, max_tokens=None, counts=counts)
    assert sorted(np.concatenate(even)) == sorted(batch)
    assert len(even) == min(parts, len(batch))
    assert np.ptp([len(part) for part in even]) <= 1
    small = split(batch, lengths, parts=None, max_tokens=max_tokens, counts=counts)
    assert sorted(np.concatenate(small)) == sorted(batch)
    assert all(len(part) == 1 or padded(part, lengths, counts) <= max_tokens for part in small)
    for found in (even, small):
        assert (np.diff([lengths[part].max() for part in found]) <= 0).all()
    with pytest.raises(ValueError, match="either parts or max_tokens"):
        split(batch, lengths, parts=None, max_tokens=None)
