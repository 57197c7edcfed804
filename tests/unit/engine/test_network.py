"""The whole network: the fast way against transformers' own, padding, chunks, other architectures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from architectures import KINDS, write
from model_samples import make, rows_of
from transformers import AutoModel, masking_utils

from podium.engine.head import Head, HeadOptions
from podium.engine.inputs import Batch
from podium.engine.network import Network
from podium.engine.pooling import POOLINGS, PoolingOptions, make_pooling
from podium.models.transformer import Model

TARGET = np.arange(24) % 3


def fitted(encoder: Path, **changes: object) -> Model:
    model = make("transformer", 3, encoder=str(encoder), **changes)
    assert isinstance(model, Model)
    model.fit(rows_of(TARGET), TARGET, np.ones(len(TARGET)))
    return model


@pytest.mark.parametrize("pooling", sorted(set(POOLINGS) - {"last4", "last4_cls"}))
def test_the_fast_way_has_the_same_logits(encoder: Path, pooling: str) -> None:
    model = fitted(encoder, pooling=pooling)
    rows = rows_of(TARGET, seed=4)
    quick = model.predict(rows)
    assert model.network._fast is not None
    model.network._fast = None
    np.testing.assert_allclose(quick, model.predict(rows), atol=1e-5)


def test_chunks_of_a_short_text_are_the_text(encoder: Path) -> None:
    """Texts that fit into one sequence are the same whether long ones are cut or chunked."""
    model = fitted(encoder, long_texts="chunks", max_length=40)
    whole = fitted(encoder, long_texts="cut", max_length=40)
    rows = rows_of(TARGET, seed=4)
    np.testing.assert_allclose(model.predict(rows), whole.predict(rows), atol=1e-6)


def test_what_is_beyond_max_length_counts_in_chunks_alone(encoder: Path) -> None:
    rows = rows_of(TARGET).assign(text_a="the of and to in is the of and to in is")
    other = rows.assign(text_a=rows["text_a"] + " ape bear cat dog")
    for long_texts, same in (("cut", True), ("chunks", False)):
        model = fitted(encoder, long_texts=long_texts, max_length=10)
        assert np.allclose(model.predict(rows), model.predict(other), atol=1e-7) == same


@pytest.mark.parametrize("kind", ["bert", "roberta", "xlm-roberta", "electra"])
def test_a_mask_that_is_made_here_is_transformers_own(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bits with padding and without, and nobody asks a device whether there is some."""
    write(kind, tmp_path)
    encoder = AutoModel.from_pretrained(tmp_path, attn_implementation="sdpa").eval()
    head = Head(HeadOptions(dropout=0.0, dropout_samples=1), size=16, outputs=2)
    pooling = make_pooling(
        PoolingOptions(name="mean", dropout=0.0), hidden=16, heads=2, layers=3, has_pooler=True
    )
    network = Network(encoder, pooling, None, head, dtype=torch.float32, fast=False)
    ids, mask = torch.arange(5, 21).view(2, 8), torch.ones(2, 8, dtype=torch.long)
    padded = mask.clone()
    padded[1, 5:] = 0
    asked: list[int] = []
    plain = masking_utils._ignore_bidirectional_mask_sdpa
    for own in (mask, padded):
        inputs = {"input_ids": ids, "attention_mask": own}
        batch = Batch(inputs, None, 2, bool(own.all()), int(own.sum()), None, None)
        with torch.no_grad():
            expected = encoder(**inputs).last_hidden_state
            monkeypatch.setattr(
                masking_utils,
                "_ignore_bidirectional_mask_sdpa",
                lambda found, *rest: (asked.append(1) if found is not None else None, plain(found, *rest))[1],
            )
            assert torch.equal(network._states(batch).layers[-1], expected)
            monkeypatch.undo()
    assert not asked


@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_trains_and_comes_back(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    write(kind, folder)
    model = fitted(folder, max_length=16)
    rows = rows_of(TARGET, seed=4)
    proba = model.predict(rows)
    assert np.isfinite(proba).all()
    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    again = Model.load(tmp_path / "saved", device="cpu", threads=1)
    np.testing.assert_allclose(again.predict(rows), proba, atol=1e-6)
    assert torch.is_grad_enabled()
