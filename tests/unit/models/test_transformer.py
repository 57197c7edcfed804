"""The fine-tuned encoder: its forward pass, its optimizer and schedule, its batches, its errors."""

import json
import logging
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from model_samples import make, options, rows_of
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer, RobertaConfig, RobertaModel

from podium import models
from podium.engine import shortage
from podium.errors import UserError
from podium.models import Classifier
from podium.models.transformer import Model
from podium.predict import check

TARGET = np.arange(24) % 3


def fitted(encoder: Path, rows: pd.DataFrame | None = None, **changes: Any) -> Model:
    model = make("transformer", 3, encoder=str(encoder), **changes)
    assert isinstance(model, Model)
    model.fit(rows_of(TARGET) if rows is None else rows, TARGET, np.ones(len(TARGET)))
    return model


@pytest.fixture(scope="module")
def model(encoder: Path) -> Model:
    return fitted(encoder)


# ---- the forward pass


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("pair", [False, True])
def test_logits_are_those_of_a_pass_by_hand(encoder: Path, pooling: str, pair: bool, tmp_path: Path) -> None:
    """Each row alone, unpadded, through the saved encoder; then pooling and head in NumPy."""
    model = fitted(encoder, rows_of(TARGET, pair=pair), pooling=pooling)
    model.save(tmp_path)
    reference = AutoModel.from_pretrained(tmp_path / "encoder").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "encoder")
    head = {name: value.numpy() for name, value in load_file(tmp_path / "head.safetensors").items()}
    rows = rows_of(TARGET[:10], seed=3, pair=pair)
    logits = []
    for row in rows.itertuples():
        tokens = tokenizer(
            row.text_a, row.text_b if pair else None, return_tensors="pt", truncation=True, max_length=32
        )
        assert pair == (tokens["token_type_ids"].max() == 1)
        with torch.no_grad():
            states = reference(**tokens).last_hidden_state[0].numpy()
        pooled = states[0] if pooling == "cls" else states.mean(axis=0)
        logits.append(head["head.output.weight"] @ pooled + head["head.output.bias"])
    powers = np.exp(np.array(logits, dtype=float))
    np.testing.assert_allclose(model.predict(rows), powers / powers.sum(axis=1, keepdims=True), atol=1e-5)


def test_padding_does_not_change_predictions(model: Model) -> None:
    rows = rows_of(TARGET, seed=2)
    longest = pd.concat(
        [rows, pd.DataFrame({"id": ["long"], "text_a": ["the ape " * 30]})], ignore_index=True
    )
    alone = np.vstack([model.predict(rows.iloc[[row]]) for row in range(len(rows))])
    np.testing.assert_allclose(model.predict(longest)[: len(rows)], alone, atol=1e-5)


def test_rows_are_predicted_in_their_own_order(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, order = rows_of(TARGET, seed=2), np.random.default_rng(0).permutation(len(TARGET))
    monkeypatch.setattr(shortage, "length_batches", lambda lengths, *_: [np.arange(len(lengths))])
    expected = model.predict(rows)
    monkeypatch.undo()
    np.testing.assert_allclose(model.predict(rows.iloc[order]), expected[order], atol=1e-5)


def test_bf16_is_near_fp32(encoder: Path, model: Model) -> None:
    half = fitted(encoder, precision="bf16").predict(rows_of(TARGET))
    check(half)
    np.testing.assert_allclose(half, model.predict(rows_of(TARGET)), atol=0.05)


# ---- training


def test_training_lowers_the_loss_and_learns_separable_rows(
    encoder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rates = {"learning_rate": 3e-3, "head_learning_rate": 1e-2, "dropout": 0.0}
    with caplog.at_level(logging.INFO):
        model = fitted(encoder, epochs=10, **rates)
    losses = [float(found) for found in re.findall(r"mean loss ([0-9.]+)", caplog.text)]
    assert len(losses) == 10
    assert losses[0] == pytest.approx(np.log(3), abs=0.25)
    assert losses[-1] < 0.3
    assert (model.predict(rows_of(TARGET)).argmax(axis=1) == TARGET).all()


def test_rows_of_weight_zero_teach_nothing(encoder: Path) -> None:
    """Whatever their labels say, byte for byte the same network; labels that weigh do change it."""
    rows, weight = rows_of(TARGET), np.where(np.arange(24) < 12, 1.0, 0.0)
    turned = {"none": TARGET, "weightless": TARGET.copy(), "heavy": TARGET.copy()}
    turned["weightless"][12:] = (TARGET[12:] + 1) % 3
    turned["heavy"][:12] = (TARGET[:12] + 1) % 3
    proba = {}
    for name, target in turned.items():
        model = make("transformer", 3, encoder=str(encoder), epochs=2, learning_rate=1e-3)
        model.fit(rows, target, weight)
        proba[name] = model.predict(rows)
    np.testing.assert_array_equal(proba["weightless"], proba["none"])
    assert np.abs(proba["heavy"] - proba["none"]).max() > 1e-3


def test_a_loss_that_is_not_finite_is_told(encoder: Path) -> None:
    with pytest.raises(UserError, match=r"the loss is (nan|inf) at step"):
        fitted(encoder, epochs=5, learning_rate=1e30, head_learning_rate=1e30)


def test_going_on_at_no_rate_changes_no_prediction(encoder: Path, tmp_path: Path) -> None:
    """Values in the unit of the model gone on from, texts cut to its length, whatever the new rows are like."""
    changes: dict[str, Any] = {"max_length": "auto", "max_cut": 0.0, "dropout": 0.0}
    still = {
        "steps": 1,
        "warmup": 0.0,
        "weight_decay": 0.0,
        "learning_rate": 1e-30,
        "head_learning_rate": 1e-30,
    }
    rows, values = rows_of(TARGET), np.arange(24.0)[:, None]
    more = pd.concat([rows, rows.assign(text_a="the ape " * 12)], ignore_index=True)

    def of_values(**given: Any) -> Classifier:
        block = options("transformer", **changes, **given)
        block["loss"] |= {"name": "mse"}
        return models.make("transformer", block, classes=1, seed=0, device="cpu", threads=1)

    first = of_values(encoder=str(encoder), learning_rate=1e-3)
    first.fit(rows, values, np.ones(24))
    first.save(tmp_path)
    second = of_values(encoder=str(tmp_path / "encoder"), **still)
    models.go_on(second, tmp_path, more, np.concatenate([values, values + 90]), np.ones(48), scratch=None)
    np.testing.assert_allclose(second.predict(more), first.predict(more), rtol=1e-6)


# ---- encoders that cannot be used


def copy_of(encoder: Path, folder: Path) -> Path:
    return Path(shutil.copytree(encoder, folder / "copy"))


def test_max_length_beyond_the_positions(encoder: Path, tmp_path: Path) -> None:
    fitted(encoder, max_length=40)
    with pytest.raises(UserError, match="max_length 41 is more than the 40 positions of"):
        fitted(encoder, max_length=41)
    # RoBERTa's positions begin after the padding token's: of 42 there are 40 left
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = RobertaConfig(vocab_size=120, max_position_embeddings=42, pad_token_id=1, **sizes)
    folder = copy_of(encoder, tmp_path)
    RobertaModel(config).save_pretrained(folder)
    long = rows_of(TARGET).assign(text_a="the ape " * 40)
    check(fitted(folder, long, max_length=40).predict(long))
    with pytest.raises(UserError, match="max_length 41 is more than the 40 positions of"):
        fitted(folder, max_length=41)


def damage(folder: Path, how: str) -> None:
    weights = folder / "model.safetensors"
    if how == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif how == "pickle":
        torch.save(load_file(weights), folder / "pytorch_model.bin")
        weights.unlink()
    elif how == "layers":
        kept = {name: value for name, value in load_file(weights).items() if "layer.1" not in name}
        save_file(kept, weights, metadata={"format": "pt"})
    elif how == "sizes":
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        (folder / "config.json").write_text(json.dumps({**config, "hidden_size": 64}), encoding="utf-8")
    elif how == "code":
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Own"}}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (folder / "own.py").write_text("raise SystemExit('code of a model folder ran')", encoding="utf-8")
    elif how == "tokenizer":
        for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
            (folder / name).unlink()
    elif how == "vocabulary":
        tokens = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        tokens["model"]["vocab"]["the"] = 400
        (folder / "tokenizer.json").write_text(json.dumps(tokens), encoding="utf-8")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("cut", "cannot open the encoder in"),
        ("pickle", "cannot open the encoder in"),
        ("layers", "lack 16 parameters of its config.json, such as encoder.layer.1.attention"),
        ("sizes", "cannot open the encoder in"),
        ("code", "cannot open the encoder in"),
        ("tokenizer", "there is no tokenizer in"),
        ("vocabulary", "has the token id 400, but the encoder has only 120 embeddings"),
    ],
)
def test_an_unusable_encoder_is_told_in_one_line(
    encoder: Path, tmp_path: Path, how: str, message: str
) -> None:
    folder = copy_of(encoder, tmp_path)
    damage(folder, how)
    with pytest.raises(UserError, match=message) as error:
        fitted(folder)
    assert len(str(error.value).splitlines()) == 1
