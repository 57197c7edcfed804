"""Tokens of every row once, batches of every row once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, BertTokenizerFast

from podium.engine.encoding import WINDOW, Encoded, encode, epoch_batches, length_batches

CPU = torch.device("cpu")
LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=200).map(np.array)


@pytest.fixture(scope="module")
def tokenizer(encoder: Path) -> BertTokenizerFast:
    return AutoTokenizer.from_pretrained(encoder)


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


def test_batches_are_padded_on_the_right_and_masked() -> None:
    ids = [np.array([7, 8, 9]), np.array([4]), np.array([5, 6])]
    types = [np.array([0, 1, 1]), np.array([0]), np.array([0, 1])]
    encoded = Encoded(
        fields={"input_ids": ids, "token_type_ids": types},
        padding={"input_ids": 3, "token_type_ids": 0},
        lengths=np.array([3, 1, 2]),
        share_full=0.0,
    )
    batch = encoded.batch(np.array([2, 1]), CPU)
    assert {name: tensor.tolist() for name, tensor in batch.items()} == {
        "input_ids": [[5, 6], [4, 3]],
        "token_type_ids": [[0, 1], [0, 0]],
        "attention_mask": [[1, 1], [1, 0]],
    }


def test_rows_are_cut_at_max_length_the_longer_segment_first(tokenizer: BertTokenizerFast) -> None:
    rows = pd.DataFrame({"text_a": ["ape " * 20, "ape"], "text_b": ["cat dog", "cat"]}, dtype="str")
    encoded = encode(tokenizer, rows, 12)
    assert encoded.lengths.tolist() == [12, 5]
    words = tokenizer.convert_ids_to_tokens(encoded.fields["input_ids"][0])
    assert words == ["[CLS]", *["ape"] * 7, "[SEP]", "cat", "dog", "[SEP]"]
    assert encoded.fields["token_type_ids"][0].tolist() == [0] * 9 + [1] * 3
    single = encode(tokenizer, rows[["text_a"]], 12)
    assert set(single.fields) == {"input_ids"}
    assert single.share_full == 0.5
    assert single.padding["input_ids"] == tokenizer.pad_token_id


def test_tokens_are_those_of_each_row_alone(tokenizer: BertTokenizerFast) -> None:
    rows = pd.DataFrame({"text_a": ["", "the Ape", "unseen \u4f60\u597d gold", "x" * 300]}, dtype="str")
    encoded = encode(tokenizer, rows, 16)
    for text, ids in zip(rows["text_a"], encoded.fields["input_ids"], strict=True):
        assert ids.tolist() == tokenizer(text, truncation=True, max_length=16)["input_ids"]
