"""Vectors of a frozen encoder against its own forward pass, text by text."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from model_samples import rows_of
from transformers import AutoModel, AutoTokenizer

from podium.errors import UserError
from podium.models.embeddings import copy_encoder, embed

ROWS = rows_of(np.arange(12) % 3, pair=True)
CPU = torch.device("cpu")


def by_hand(folder: Path, texts: "pd.Series[str]", longest: int) -> np.ndarray:
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    found = []
    for text in texts:
        tokens = tokenizer(text, truncation=True, max_length=longest, return_tensors="pt")
        with torch.no_grad():
            found.append(model(**tokens).last_hidden_state[0].mean(dim=0).numpy())
    return np.array(found)


def test_means_of_the_states(encoder: Path) -> None:
    texts = pd.concat([ROWS["text_a"], pd.Series(["", "the ape " * 30])], ignore_index=True)
    found = embed(encoder, pd.DataFrame({"text_a": texts}), max_length=24, precision="fp32", device=CPU)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_hand(encoder, texts, 24), atol=1e-5)
    half = embed(encoder, pd.DataFrame({"text_a": texts}), max_length=24, precision="bf16", device=CPU)
    assert not np.array_equal(half, found)
    np.testing.assert_allclose(half, found, atol=0.1)


def test_pairs_have_both_and_what_they_have_in_common(encoder: Path) -> None:
    found = embed(encoder, ROWS, max_length=32, precision="fp32", device=CPU)
    first, second = (by_hand(encoder, ROWS[name], 32) for name in ("text_a", "text_b"))
    expected = np.hstack([first, second, abs(first - second), first * second])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_copy_is_all_that_is_needed(encoder: Path, tmp_path: Path) -> None:
    copy_encoder(encoder, tmp_path / "copy")
    found = [
        embed(folder, ROWS, max_length=32, precision="fp32", device=CPU)
        for folder in (encoder, tmp_path / "copy")
    ]
    np.testing.assert_array_equal(*found)
    assert {path.suffix for path in (tmp_path / "copy").iterdir()} <= {".json", ".txt", ".safetensors"}


def test_a_folder_without_an_encoder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no config"):
        embed(tmp_path, ROWS, max_length=32, precision="fp32", device=CPU)
