"""Marian and CTranslate2 with small random weights, made here."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from translation_samples import make_marian, sentences

from podium.augment import Resources
from podium.augment.back_translation import run
from podium.errors import UserError
from podium.translation.cache import open_cache, translate
from podium.translation.ct2 import CTranslate2, convert
from podium.translation.drawing import Draw, seed_of
from podium.translation.marian import Marian
from podium.translation.seq2seq import Decoding, Reader, digest

pytest.importorskip("sentencepiece")
pytest.importorskip("ctranslate2")

GREEDY = Decoding(beams=1, sampling=False, temperature=1.0, top_k=0, max_length=60, batch_tokens=256)
BEAMS = dataclasses.replace(GREEDY, beams=4)
DRAWN = dataclasses.replace(GREEDY, sampling=True, top_k=20)
TEXTS = sentences(12, seed=1)
SETTINGS = {
    "method": "bt",
    "seed": 3,
    "segments": "either",
    "language_code": None,
    "beams": 3,
    "temperature": 1.0,
    "top_k": 0,
    "max_length": 60,
    "batch_tokens": 512,
    "threads": 1,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_marian(tmp_path_factory.mktemp("models") / "one", seed=1)


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_marian(tmp_path_factory.mktemp("models") / "several", seed=2, languages=["fra", "spa", "en"])


def marian(folder: Path, decoding: Decoding, target: str = "xx") -> Marian:
    return Marian(folder, source="en", target=target, device="cpu", threads=1, decoding=decoding)


def ct2(folder: Path, decoding: Decoding, cache: Path, compute_type: str = "float32") -> CTranslate2:
    settings = {"cache": cache, "compute_type": compute_type, "threads": 1, "decoding": decoding}
    return CTranslate2(folder, source="en", target="xx", **settings)


@pytest.mark.parametrize("decoding", [GREEDY, BEAMS, DRAWN], ids=["greedy", "beams", "drawn"])
def test_what_shares_the_batch_changes_nothing(model: Path, decoding: Decoding) -> None:
    engine = marian(model, decoding)
    variant = 11 if decoding.sampling else decoding.beams - 1
    together = engine.translate(TEXTS, variant)
    assert engine.translate(TEXTS[::-1], variant)[::-1] == together
    assert [engine.translate([text], variant)[0] for text in TEXTS[:8]] == together[:8]
    batches = engine.batches(TEXTS)
    assert sorted(place for batch in batches for place in batch) == list(range(len(TEXTS)))
    made: dict[int, str] = {}
    for batch in batches:
        texts = engine.translate([TEXTS[place] for place in batch], variant)
        made.update(zip(batch, texts, strict=True))
    assert [made[place] for place in range(len(TEXTS))] == together


def test_greedy_is_the_argmax_of_each_step(model: Path) -> None:
    """By hand: no cache of keys, no padding, no generate."""
    engine = marian(model, GREEDY)
    text = TEXTS[0]
    ids = torch.tensor([engine.reader.ids(text)])
    made = [engine._model.config.decoder_start_token_id]
    most = engine.reader.most_new(engine.reader.width(ids[0].tolist()))
    with torch.inference_mode():
        while len(made) <= most and made[-1] != 0:
            logits = engine._model(input_ids=ids, decoder_input_ids=torch.tensor([made])).logits[0, -1]
            made.append(0 if len(made) == most else int(logits.argmax()))
    assert engine.translate([text], 0) == [engine.reader.text(made)]


def test_variants_of_a_beam_differ_and_the_first_is_the_best(model: Path) -> None:
    engine = marian(model, BEAMS)
    found = [engine.translate(TEXTS[:6], variant) for variant in range(4)]
    for ranked in zip(*found, strict=True):
        assert len(set(ranked)) >= 3  # tokens differ; two may read alike
    with pytest.raises(ValueError, match="variant 4 of 4"):
        engine.translate(TEXTS[:1], 4)


def test_draws_differ_by_seed_and_by_text_alone(model: Path) -> None:
    engine = marian(model, DRAWN)
    one, two = engine.translate(TEXTS, 1), engine.translate(TEXTS, 2)
    assert all(a != b for a, b in zip(one, two, strict=True))
    assert engine.translate(TEXTS, 1) == one


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, 0), (0.5, 0), (2.0, 3)])
def test_draws_follow_the_probabilities(temperature: float, top_k: int) -> None:
    rows = 20_000
    logits = torch.tensor([0.0, 1.0, -1.0, 2.0, -torch.inf])
    expected = (logits / temperature).clone()
    if top_k:
        expected[expected < expected.topk(top_k).values[-1]] = -torch.inf
    expected = expected.softmax(0).numpy()
    seeds = [seed_of(str(row), 5) for row in range(rows)]
    draw = Draw(seeds, temperature=temperature, top_k=top_k, device=torch.device("cpu"))
    for step in (1, 2):
        kept = draw(torch.zeros(rows, step, dtype=torch.long), logits.repeat(rows, 1))
        counts = np.bincount(kept.argmax(1).numpy(), minlength=5) / rows
        assert np.isfinite(kept.numpy()).sum() == rows
        # five standard errors
        assert (np.abs(counts - expected) <= 5 * np.sqrt(expected * (1 - expected) / rows) + 1e-9).all()
    first = draw(torch.zeros(rows, 1, dtype=torch.long), logits.repeat(rows, 1)).argmax(1)
    second = draw(torch.zeros(rows, 2, dtype=torch.long), logits.repeat(rows, 1)).argmax(1)
    same = float((expected**2).sum())  # two independent draws agree so often
    assert abs(float((first == second).float().mean()) - same) < 0.02


def test_ctranslate2_agrees_with_marian_on_greedy_decoding(model: Path, tmp_path: Path) -> None:
    one, two = marian(model, GREEDY), ct2(model, GREEDY, tmp_path)
    for ours, theirs in zip(one.translate(TEXTS, 0), two.translate(TEXTS, 0), strict=True):
        # Where the length ends a text, transformers puts the end in place of the last token
        assert theirs.startswith(ours)
        assert len(theirs) - len(ours) <= 10
    assert one.identity != two.identity


@pytest.mark.parametrize("decoding", [BEAMS, DRAWN], ids=["beams", "drawn"])
def test_ctranslate2_in_8_bits_depends_on_the_text_alone(
    model: Path, tmp_path: Path, decoding: Decoding
) -> None:
    engine = ct2(model, decoding, tmp_path, "int8")
    together = engine.translate(TEXTS[:8], 1)
    assert engine.translate(TEXTS[:8][::-1], 1)[::-1] == together
    assert engine.translate(TEXTS[2:3], 1) == together[2:3]
    assert engine.translate(TEXTS[:8], 2) != together


def test_a_model_is_converted_once(model: Path, tmp_path: Path, monkeypatch) -> None:
    first = convert(model, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [first.name]
    monkeypatch.setattr("ctranslate2.converters.TransformersConverter", None)
    assert convert(model, tmp_path) == first
    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    assert digest(copy) == digest(model)
    (copy / "generation_config.json").write_text("{}")
    assert digest(copy) != digest(model)


def test_a_killed_conversion_leaves_nothing_to_be_taken_for_a_model(
    model: Path, tmp_path: Path, monkeypatch
) -> None:
    class Killed:
        def __init__(self, folder: str) -> None: ...

        def convert(self, out: str) -> None:
            Path(out).mkdir()
            (Path(out) / "model.bin").write_bytes(b"half")
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ctranslate2.converters.TransformersConverter", Killed)
        with pytest.raises(KeyboardInterrupt):
            convert(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_long_texts_are_cut_and_nothing_is_left_out(model: Path) -> None:
    reader = Reader(model, source="en", target="xx", max_length=24)
    sentence = [f"{text}." for text in sentences(12, seed=9)]
    for text in (" ".join(sentence), sentences(1, seed=2)[0] * 9, "x" * 300, "。".join(sentence)):
        pieces = reader.pieces(text)
        assert all(len(reader.ids(piece)) <= 24 for piece in pieces)
        assert "".join("".join(pieces).split()) == "".join(text.split())
    assert reader.pieces("short text.") == ["short text."]


def test_languages_are_told_and_unknown_ones_refused(several: Path, model: Path) -> None:
    french, spanish = marian(several, GREEDY, "fra"), marian(several, GREEDY, "spa")
    assert french.reader.ids("bada")[0] != spanish.reader.ids("bada")[0]
    assert french.reader.ids("bada")[1:] == spanish.reader.ids("bada")[1:]
    assert not french.reader.bilingual
    assert marian(model, GREEDY).reader.bilingual
    with pytest.raises(UserError, match=r"knows no language 'fr' \(did you mean 'fra'\?\)"):
        marian(several, GREEDY, "fr")


def test_nllb_begins_with_the_language(tmp_path: Path) -> None:
    """The model that is told by the first token: M2M100 with NLLB's codes, random weights."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    codes = ["eng_Latn", "deu_Latn", "zho_Hans"]
    words = ["<s>", "<pad>", "</s>", "<unk>", *(f"▁{word}" for word in "abcdefgh"), *codes, "<mask>"]
    inner = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.save(str(tmp_path / "tokenizer.json"))
    tokenizer = NllbTokenizer(tokenizer_file=str(tmp_path / "tokenizer.json"), extra_special_tokens=codes)
    tokenizer.save_pretrained(tmp_path)
    sizes = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "max_position_embeddings": 40}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 16}
    torch.manual_seed(0)
    config = M2M100Config(vocab_size=300, decoder_ffn_dim=16, init_std=0.5, **sizes, **heads)
    M2M100ForConditionalGeneration(config).save_pretrained(tmp_path)
    settings = {"device": "cpu", "threads": 1, "decoding": GREEDY}
    engine = Marian(tmp_path, source="zho_Hans", target="deu_Latn", **settings)
    assert engine.reader.tokens([engine.reader.first]) == ["deu_Latn"]
    assert "zho_Hans" in engine.reader.tokens(engine.reader.ids("a b c"))
    taken = {}
    generate = engine._model.generate
    engine._model.generate = lambda **given: taken.update(given) or generate(**given)
    engine.translate(["a b c"], 0)
    assert taken["forced_bos_token_id"] == engine.reader.first
    with pytest.raises(UserError, match=r"no language 'en'.*language_code"):
        Marian(tmp_path, source="en", target="deu_Latn", **settings)


def test_unusable_models_are_told(model: Path, tmp_path: Path) -> None:
    pickled = tmp_path / "pickled"
    shutil.copytree(model, pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"pickled.*refs/pr/1.*docs/back_translation\.md"):
        marian(pickled, GREEDY)
    with pytest.raises(UserError, match=r"no config\.json"):
        marian(tmp_path / "none", GREEDY)
    damaged = tmp_path / "damaged"
    shutil.copytree(model, damaged)
    (damaged / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot use the model"):
        marian(damaged, GREEDY)
    lacking = tmp_path / "lacking"
    shutil.copytree(model, lacking)
    config = json.loads((lacking / "config.json").read_text())
    (lacking / "config.json").write_text(json.dumps(config | {"encoder_layers": 2}))
    with pytest.raises(UserError, match="the weights lack"):
        marian(lacking, GREEDY)


def back_translated(folder: Path, texts: list[str], cache: Path, **changed) -> pd.DataFrame:
    table = pd.DataFrame({"id": [text[:9] for text in texts], "text_a": texts}, dtype="str")
    resources = Resources(language="en", wordnet=None, device="cpu", cache=cache)
    settings = {"engine": "marian", "copies": 2, "draws": 1, "through": ["fra"], "sampling": True}
    settings |= {"model_out": str(folder), "model_back": str(folder)} | changed
    return run(table, resources=resources, **SETTINGS | settings)


@pytest.mark.parametrize("sampling", [True, False])
def test_rows_do_not_depend_on_other_rows_or_on_the_cache(
    several: Path, tmp_path: Path, sampling: bool
) -> None:
    texts = TEXTS[:4]
    settings = {"sampling": sampling, "through": ["fra", "spa"], "copies": 3}
    whole = back_translated(several, texts, tmp_path / "one", **settings)
    back_translated(several, texts[::3], tmp_path / "two", **settings)
    later = back_translated(several, texts[::-1], tmp_path / "two", **settings)
    ordered = later.sort_values("id", ignore_index=True)
    pd.testing.assert_frame_equal(ordered, whole.sort_values("id", ignore_index=True))
    assert not sampling or not whole.duplicated(["source_id", "text_a"]).any()
    assert whole["copy"].value_counts().to_dict() == {1: 4, 2: 4, 3: 4}


def test_a_model_of_one_pair_goes_through_one_language(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"augment\.bt\.through: .* knows one pair"):
        back_translated(model, TEXTS[:2], tmp_path, through=["fra", "spa"])
    made = back_translated(model, TEXTS[:2], tmp_path, through=["anything"], copies=4, sampling=False)
    assert made["copy"].max() == 3  # beams
    assert back_translated(model, TEXTS[:2], tmp_path, copies=4)["copy"].max() == 4


def test_engines_and_models_do_not_share_translations(model: Path, several: Path, tmp_path: Path) -> None:
    engines = [
        marian(model, GREEDY),
        marian(model, BEAMS),
        marian(model, DRAWN),
        marian(several, GREEDY, "fra"),
        marian(several, GREEDY, "spa"),
        ct2(model, GREEDY, tmp_path),
        ct2(model, GREEDY, tmp_path, "int8"),
    ]
    assert len({engine.identity for engine in engines}) == len(engines)
    other_batches = dataclasses.replace(GREEDY, batch_tokens=64)
    assert marian(model, other_batches).identity == engines[0].identity
    with open_cache(tmp_path) as cache:
        made = [translate(engine, TEXTS[:2], variant=0, cache=cache) for engine in engines]
        assert made[0] == engines[0].translate(TEXTS[:2], 0)
        assert made[3] == engines[3].translate(TEXTS[:2], 0)
