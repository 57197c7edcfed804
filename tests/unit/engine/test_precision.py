"""Which number format is taken, and what is told of it."""

import logging

import pytest
import torch

from podium.engine.precision import compute_dtype


@pytest.mark.parametrize(
    ("wanted", "hardware", "dtype", "told"),
    [
        ("auto", True, torch.bfloat16, 0),
        ("auto", False, torch.float32, 1),
        ("fp32", False, torch.float32, 0),
        ("bf16", False, torch.bfloat16, 0),
    ],
)
def test_a_gpu_without_bf16_is_told(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    wanted: str,
    hardware: bool,
    dtype: torch.dtype,
    told: int,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: hardware)
    with caplog.at_level(logging.WARNING):
        assert compute_dtype(wanted, "cuda") == dtype
    assert [record.getMessage() for record in caplog.records] == [
        "precision: this GPU has no bf16, so auto is fp32 here"
    ] * told
