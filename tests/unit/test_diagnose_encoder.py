"""Causes in an encoder's folder and in what its tokenizer makes of the texts."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnose_samples import Project
from safetensors.torch import load_file, save_file

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def copied(tmp_path: Path, encoder: Path) -> Path:
    return Path(shutil.copytree(encoder, tmp_path / "encoder"))


def edit(path: Path, change: Change) -> None:
    saved = json.loads(path.read_text(encoding="utf-8"))
    change(saved)
    path.write_text(json.dumps(saved), encoding="utf-8")


def reweigh(folder: Path, change: Change) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def without(part: str) -> Change:
    def change(weights: dict[str, Any]) -> None:
        for name in [name for name in weights if part in name]:
            del weights[name]

    return change


# ---- weights


@pytest.mark.parametrize(("pooling", "named"), [("pooler", True), ("mean", False), ("cls", False)])
def test_a_new_pooler(tmp_path: Path, copied: Path, pooling: str, named: bool) -> None:
    assert Project(tmp_path, copied, pooling=pooling).causes() == {}
    reweigh(copied, without("pooler"))
    found = Project(tmp_path, copied, pooling=pooling).causes()
    assert set(found) == ({"new_pooler"} if named else set())


def test_weights_that_are_missing(tmp_path: Path, copied: Path) -> None:
    """An error of the run, named before it; allowed, a likely cause."""
    reweigh(copied, without("layer.1.output"))
    found = Project(tmp_path, copied).causes()["unusable_encoder"]
    assert found.severity == "severe"
    assert "lack 4 parameters of its config.json, such as encoder.layer.1.output" in found.figure
    allowed = Project(tmp_path, copied, allow_missing=["encoder.layer.1.*"]).causes()
    assert set(allowed) == {"weights_not_loaded"}
    assert "4 weights of the encoder start from random numbers" in allowed["weights_not_loaded"].figure


def test_weights_that_are_left_aside(tmp_path: Path, copied: Path) -> None:
    edit(copied / "config.json", lambda config: config.update(num_hidden_layers=1))
    found = Project(tmp_path, copied).causes()["unusable_encoder"]
    assert "hold 16 that its config.json has no place for, such as encoder.layer.1." in found.figure
    allowed = Project(tmp_path, copied, allow_unexpected=["encoder.layer.*"]).causes()
    assert "16 weights of the encoder are left aside" in allowed["weights_not_loaded"].figure


def test_more_tokens_than_positions(tmp_path: Path, copied: Path) -> None:
    found = Project(tmp_path, copied, max_length=64).causes()["unusable_encoder"]
    assert "max_length 64 is more than the 40 positions" in found.figure


def test_an_encoder_that_is_not_there_yet(tmp_path: Path) -> None:
    found = Project(tmp_path, tmp_path / "none").examined()
    assert found.findings == []
    assert any("none is not there yet" in note for note in found.notes)


# ---- tokenizer and weights


def test_a_tokenizer_with_more_tokens_than_embeddings(tmp_path: Path, copied: Path) -> None:
    edit(copied / "config.json", lambda config: config.update(vocab_size=60))
    name = "embeddings.word_embeddings.weight"
    reweigh(copied, lambda weights: weights.update({name: weights[name][:60].clone()}))
    found = Project(tmp_path, copied).causes()["tokenizer_weights"]
    assert found.severity == "severe"
    assert "its ids go up to 74, the encoder has 60 word embeddings" in found.figure


@pytest.mark.parametrize(("rows", "named"), [(300, False), (400, True)])
def test_a_tokenizer_with_far_fewer_tokens(tmp_path: Path, copied: Path, rows: int, named: bool) -> None:
    edit(copied / "config.json", lambda config: config.update(vocab_size=rows))
    name = "embeddings.word_embeddings.weight"
    reweigh(
        copied,
        lambda weights: weights.update({name: weights[name][:1].repeat(rows, 1)}),
    )
    found = Project(tmp_path, copied).causes()
    assert set(found) == ({"tokenizer_weights"} if named else set())
    if named:
        assert "it has 75 tokens for 400 word embeddings" in found["tokenizer_weights"].figure


def test_a_tokenizer_of_another_family(tmp_path: Path, copied: Path) -> None:
    """It pads with another id than the encoder was trained with."""
    edit(copied / "config.json", lambda config: config.update(pad_token_id=1))
    found = Project(tmp_path, copied).causes()["tokenizer_weights"]
    assert "it pads with 0, config.json says 1" in found.figure


def test_a_tokenizer_that_keeps_capitals(tmp_path: Path, copied: Path) -> None:
    """The vocabulary has none, so each word with one is unknown."""
    edit(copied / "tokenizer.json", lambda saved: saved["normalizer"].update(lowercase=False))
    edit(copied / "tokenizer_config.json", lambda saved: saved.update(do_lower_case=False))
    project = Project(tmp_path, copied)
    assert project.causes() == {}
    project.rows["text_a"] = project.rows["text_a"].str.title()
    project.write_rows()
    found = project.causes()
    assert set(found) == {"tokenizer_case"}
    assert found["tokenizer_case"].severity == "severe"
    assert "100% of the tokens are unknown, 0.0% in lower case" in found["tokenizer_case"].figure


def test_a_tokenizer_that_lowers_a_cased_vocabulary(tmp_path: Path, copied: Path) -> None:
    def capitalised(saved: dict[str, Any]) -> None:
        words = saved["model"]["vocab"]
        names = [name for name in words if name.isalpha() and len(name) > 3][:10]
        for name in names:
            words[name.title()] = words.pop(name)

    edit(copied / "tokenizer.json", capitalised)
    found = Project(tmp_path, copied).causes()["tokenizer_case"]
    assert "puts all in lower case" in found.figure


# ---- texts


@pytest.mark.parametrize(
    ("every", "severity"), [(0, None), (120, None), (40, "possible"), (8, "likely"), (1, "severe")]
)
def test_unknown_tokens(tmp_path: Path, encoder: Path, every: int, severity: str | None) -> None:
    """Rows with words in a script that the vocabulary lacks; one of ``every`` rows."""
    project = Project(tmp_path, encoder)
    if every:
        strange = np.arange(len(project.rows)) % every == 0
        project.rows.loc[strange, "text_a"] += " жж пп рр ооо"
    project.write_rows()
    found = project.causes()
    assert set(found) == ({"unknown_tokens"} if severity else set())
    if severity:
        assert found["unknown_tokens"].severity == severity
        assert "such as 'жж'" in found["unknown_tokens"].figure


def test_words_in_pieces(tmp_path: Path, encoder: Path) -> None:
    project = Project(tmp_path, encoder)
    project.rows["text_a"] = project.rows["text_a"].str.replace("the", "tqh").str.replace(" of", " ofxx")
    project.rows["text_a"] += " zebra zebra zebra"
    project.write_rows()
    found = project.causes()
    assert set(found) == {"broken_words"}
    assert found["broken_words"].severity == "possible"
    project.rows["text_a"] = "elephant rhinoceros gazelle"
    project.write_rows()
    assert project.causes()["broken_words"].severity == "likely"


@pytest.mark.parametrize("kind", ["transformer", "textcnn"])
@pytest.mark.parametrize(("words", "severity"), [(0, None), (5, "possible"), (20, "likely")])
def test_cut_texts_before_a_run(
    tmp_path: Path, encoder: Path, kind: str, words: int, severity: str | None
) -> None:
    project = Project(tmp_path, encoder, kind, max_length=14 if kind == "transformer" else 12)
    project.rows["text_a"] += " the cat" * words
    project.write_rows()
    found = project.causes()
    assert set(found) == ({"cut_texts"} if severity else set())
    if severity:
        assert found["cut_texts"].severity == severity
        assert "models.m.max_length" in found["cut_texts"].advice


def test_a_length_that_is_chosen_cuts_as_the_training_does(tmp_path: Path, encoder: Path) -> None:
    project = Project(tmp_path, encoder, max_length="auto")
    assert project.causes() == {}
    project.rows["text_a"] += " the cat" * 60  # more than the encoder has positions
    project.write_rows()
    found = project.causes()["cut_texts"]
    assert "max_length 40 cuts 100% of the rows" in found.figure


def test_long_texts_in_chunks_are_not_cut(tmp_path: Path, encoder: Path) -> None:
    whole = Project(tmp_path, encoder, max_length=8, long_texts="chunks", max_chunks=2)
    assert whole.causes() == {}
    whole.rows["text_a"] += " the cat" * 10
    whole.write_rows()
    assert "cut_texts" in whole.causes()
