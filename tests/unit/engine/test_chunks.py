"""Chunks to rows against a loop over the rows."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.engine.chunks import POOLINGS, ChunkPooling

COUNTS = st.lists(st.integers(1, 5), min_size=1, max_size=6)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(1)


def pooling(name: str, size: int, dtype: torch.dtype = torch.float64) -> ChunkPooling:
    torch.manual_seed(0)
    module = ChunkPooling(name, size).to(dtype)
    for parameter in module.parameters():  # the weights start out equal
        torch.nn.init.normal_(parameter)
    return module


def by_hand(module: ChunkPooling, chunks: torch.Tensor) -> torch.Tensor:
    """One row's vector (P,) of its chunks (k, P)."""
    if module.name == "max":
        return chunks.amax(dim=0)
    weights = torch.full((len(chunks),), 1 / len(chunks), dtype=chunks.dtype)
    if module.name == "attention":
        scores = torch.stack(
            [torch.tanh(module.hidden.weight @ chunk) @ module.score.weight[0] for chunk in chunks]
        )
        weights = torch.softmax(scores, dim=0)
    return sum((weight * chunk for weight, chunk in zip(weights, chunks, strict=True)), torch.zeros(()))


def rows_of(counts: list[int]) -> torch.Tensor:
    return torch.from_numpy(np.repeat(np.arange(len(counts)), counts))


@pytest.mark.parametrize("name", POOLINGS)
@settings(deadline=None, max_examples=30)
@given(COUNTS, st.integers(0, 999))
def test_vectors_and_gradients_are_those_of_a_loop(name: str, counts: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    module, total = pooling(name, 3), sum(counts)
    # Few values: the maximum is often shared
    ours = torch.randint(-2, 3, (total, 3), generator=generator).double().requires_grad_()
    loop = ours.detach().clone().requires_grad_()
    found = module(ours, rows_of(counts), len(counts))
    expected = torch.stack([by_hand(module, chunks) for chunks in loop.split(counts)])
    torch.testing.assert_close(found, expected)
    weights = torch.randn(found.shape, generator=generator, dtype=torch.float64)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(ours.grad, loop.grad)


@pytest.mark.parametrize("name", POOLINGS)
def test_rows_in_one_sequence_keep_their_vectors(name: str) -> None:
    pooled = torch.randn(4, 3)
    alone = pooling(name, 3, torch.float32)
    assert alone(pooled, torch.arange(4), 4) is pooled
    beside = torch.cat([pooled, pooled[:2]])
    torch.testing.assert_close(alone(beside, rows_of([1, 1, 1, 3]), 4)[:3], pooled[:3], atol=0, rtol=0)


def test_attention_starts_as_the_mean_and_learns() -> None:
    module, pooled, rows = ChunkPooling("attention", 3), torch.randn(5, 3), rows_of([3, 2])
    torch.testing.assert_close(module(pooled, rows, 2), ChunkPooling("mean", 3)(pooled, rows, 2))
    module(pooled, rows, 2).square().sum().backward()
    assert module.score.weight.grad is not None
    assert module.score.weight.grad.abs().sum() > 0


def test_scores_beyond_the_range_of_exp() -> None:
    module = pooling("attention", 3, torch.float32)
    with torch.no_grad():
        module.score.weight.fill_(1e3)
    pooled, rows = torch.randn(7, 3), rows_of([3, 4])
    expected = torch.stack([by_hand(module, chunks) for chunks in pooled.split([3, 4])])
    torch.testing.assert_close(module(pooled, rows, 2), expected)


@pytest.mark.parametrize("name", POOLINGS)
def test_half_precision_is_summed_in_float32(name: str) -> None:
    pooled, rows = torch.randn(40, 3).bfloat16(), rows_of([1, 39])
    module = pooling(name, 3, torch.float32)
    expected = torch.stack([by_hand(module, chunks) for chunks in pooled.float().split([1, 39])])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = module(pooled, rows, 2)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected.bfloat16(), atol=1e-6, rtol=0.004)  # the last bit of rounding


@pytest.mark.parametrize("name", POOLINGS)
def test_the_same_bytes_each_time(name: str) -> None:
    pooled, rows = torch.randn(60, 8), rows_of([20, 1, 39])
    module = pooling(name, 8, torch.float32)
    first, second = (module(pooled, rows, 3) for _ in range(2))
    assert torch.equal(first, second)


def test_an_unknown_name() -> None:
    with pytest.raises(ValueError, match="no chunk pooling 'sum'; valid: mean, max, attention"):
        ChunkPooling("sum", 3)
