"""Masked-language-model substitution, with tiny models made here, against one text at a time computed plainly."""

import re
import shutil
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertModel,
    BertTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
)

from podium.augment import Resources, mlm
from podium.augment.frame import jobs
from podium.augment.masked_lm import Vocabulary, in_case_of, open_masked_lm
from podium.errors import UserError
from tests.unit.tokenizer_samples import roberta

WORDS = [
    *(
        "movie",
        "film",
        "story",
        "good",
        "bad",
        "great",
        "Paris",
        "the",
        "is",
        "a",
        "was",
        "not",
        "never",
        "USA",
        "The",
        "GOOD",
    ),
    *("电", "影", "视", "好", "看", "吃", "人", "不"),
]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
SETTINGS: dict[str, Any] = {
    **{"method": "mlm", "seed": 3, "copies": 3, "draws": 2, "segments": "either"},
    **{"rate": 0.3, "top_k": 4, "temperature": 1.0, "max_length": 32, "batch_tokens": 64},
}
TEXTS = [
    "The movie  was GOOD, not bad!",
    "a story (Paris) is xyzzy good",
    "never",
    "",
    "good " * 60 + "movie",
    "good-natured story's the film",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT with its head; cased, with pieces of words."""
    folder = tmp_path_factory.mktemp("mlm")
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *WORDS,
        "##ing",
        "##s",
        "##mov",
        "!",
        ",",
        "(",
        ")",
    ]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=False).save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(vocabulary), max_position_embeddings=64, initializer_range=0.6, **SIZES
    )
    BertForMaskedLM(config).save_pretrained(folder)
    return folder


def resources(language: str = "en") -> Resources:
    return Resources(language=language, wordnet=None, device="cpu", cache=Path("none"))


def table_of(texts: list[str], **others: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {"id": [f"{k:02}" for k in range(len(texts))], "text_a": texts, **others}, dtype="str"
    )


def plainly(
    folder: Path, text: str, seed: int, rate: float, top_k: int, temperature: float, length: int
) -> Any:
    """One text by itself: the definition, with every logit computed and no batch."""
    model, tokenizer = (
        AutoModelForMaskedLM.from_pretrained(folder).eval(),
        AutoTokenizer.from_pretrained(folder),
    )
    encoded = tokenizer(text, truncation=True, max_length=length, return_offsets_mapping=True)
    ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
    words = [word for word in WORDS if word not in ("not", "never", "不")]
    slots = [
        (match.start(), match.end(), offsets.index(match.span()))
        for match in re.finditer(r"[A-Za-z]+(?:['-][A-Za-z]+)*", text)
        if match.span() in offsets and match[0] in words
    ]
    random = Random(seed)
    if not slots:
        return None
    chosen = sorted(random.sample(slots, max(1, int(rate * len(slots)))))
    masked = [
        tokenizer.mask_token_id if any(place == own[2] for own in chosen) else i
        for place, i in enumerate(ids)
    ]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([masked])).logits[0].double().numpy()
    pieces = []
    for start, end, place in chosen:
        old = text[start:end]
        able = [word for word in words if word.isascii() and word.lower() != old.lower()]
        able = [word for word in able if word.islower() or (word.istitle() and not old.islower())]
        scored = {word: logits[place, tokenizer.convert_tokens_to_ids(word)] for word in able}
        best = sorted(scored, key=lambda word: -scored[word])[:top_k]
        weights = np.exp((np.array([scored[word] for word in best]) - scored[best[0]]) / temperature)
        new = random.choices(best, weights.tolist())[0]
        new = new.upper() if old.isupper() and len(old) > 1 else new
        pieces.append((start, end, new[0].upper() + new[1:] if old[0].isupper() else new))
    for start, end, new in reversed(pieces):
        text = text[:start] + new + text[end:]
    return text


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"rate": 1.0, "top_k": 1},
        {"temperature": 3.0, "top_k": 50},
        {"batch_tokens": 1000},
        {"max_length": 9},
    ],
)
def test_as_one_text_at_a_time(folder: Path, changed: dict[str, Any]) -> None:
    settings = {**SETTINGS, **changed}
    table = table_of(TEXTS)
    made = mlm.run(table, resources=resources(), encoder=str(folder), **settings)
    wanted = jobs(table, copies=3, draws=2, segments="either", seed=3)
    own = [settings[key] for key in ("rate", "top_k", "temperature", "max_length")]
    expected = [(job.row, job.draw, job.copy, plainly(folder, job.text, job.seed, *own)) for job in wanted]
    expected = [entry for entry in expected if entry[3] is not None]
    found = zip(made["source_id"].astype(int), made["draw"], made["copy"], made["text_a"], strict=True)
    assert list(found) == expected
    assert len(expected) == 4 * 6  # nothing in "never" and ""
    assert made["id"][4] == "00~mlm5"


def test_what_is_kept(folder: Path) -> None:
    text = "The movie  was GOOD, not bad! xyzzy (Paris)\n"
    made = mlm.run(table_of([text]), resources=resources(), encoder=str(folder), **{**SETTINGS, "rate": 1.0})
    for copy in made["text_a"]:
        shape = re.fullmatch(r"(\w+) (\w+)  (\w+) (\w+), not (\w+)! xyzzy \((\w+)\)\n", copy)
        assert shape, copy
        olds = ("The", "movie", "was", "GOOD", "bad", "Paris")
        for old, new in zip(olds, shape.groups(), strict=True):
            assert new.lower() != old.lower()
            assert new.lower() not in ("not", "never", "usa", "mov")
            assert (new.islower(), new.isupper()) == (old.islower(), old.isupper()) or new == "A"
            assert new != "paris"


def test_what_is_made_of_a_row_does_not_depend_on_the_others(folder: Path) -> None:
    table = table_of(TEXTS)
    made = mlm.run(table, resources=resources(), encoder=str(folder), **SETTINGS)
    again = mlm.run(table[::-1], resources=resources(), encoder=str(folder), **SETTINGS)
    key = ["source_id", "draw", "copy"]
    pd.testing.assert_frame_equal(*(part.sort_values(key, ignore_index=True) for part in (made, again)))
    one = mlm.run(
        table.head(1), resources=resources(), encoder=str(folder), **{**SETTINGS, "copies": 1, "draws": 1}
    )
    assert one["text_a"][0] == made["text_a"][0]
    assert not made["text_a"][:6].duplicated().all()
    first, second = (made.loc[made["draw"] == draw, "text_a"].tolist() for draw in (0, 1))
    # Every draw has copies of its own
    assert sum(one != two for one, two in zip(first, second, strict=True)) > 2
    other = mlm.run(table, resources=resources(), encoder=str(folder), **{**SETTINGS, "seed": 4})
    assert not other["text_a"].equals(made["text_a"])


def test_the_other_text_of_a_pair_stays(folder: Path) -> None:
    table = table_of(["a good movie"], text_b=["the film was bad"])
    made = mlm.run(table, resources=resources(), encoder=str(folder), **{**SETTINGS, "segments": "b"})
    assert set(made["text_a"]) == {"a good movie"}
    assert not (made["text_b"] == "the film was bad").any()


def test_chinese_words_become_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"电视", "好人", "看电", "人人"}
    monkeypatch.setattr(mlm, "_is_word", known.__contains__)
    text = "这电影不，好 xyz"
    settings = {**SETTINGS, "rate": 1.0, "top_k": 8, "copies": 20}
    made = mlm.run(table_of([text]), resources=resources("zh"), encoder=str(folder), **settings)["text_a"]
    for copy in made:
        assert (copy[0], copy[3:5], copy[-4:]) == ("这", "不，", " xyz")
        assert copy[1:3] in {*known, "电影"}
        assert copy[1] != "电" or copy[1:3] == "电影"  # each letter is another one
        assert copy[5] in "电影视看吃人"
    assert {copy[1:3] for copy in made} & known
    monkeypatch.undo()
    assert mlm._is_word("电视")
    assert not mlm._is_word("电吃")
    assert not mlm._is_word("不好看的")


def test_byte_level_pieces_begin_with_a_space(tmp_path: Path) -> None:
    tokenizer = roberta(add_prefix_space=True)
    tokenizer.save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = RobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=40, pad_token_id=1, **SIZES)
    RobertaForMaskedLM(config).save_pretrained(tmp_path)
    words = [
        word
        for word in Vocabulary(AutoTokenizer.from_pretrained(tmp_path), len(tokenizer), "en").word
        if word
    ]
    assert set(words) == {"the", "cat", "c"}
    table = table_of(["the cat the"])
    with pytest.raises(UserError, match=r"mlm: the vocabulary of .* has none of the words"):
        mlm.run(table_of(["unbelievable"]), resources=resources(), encoder=str(tmp_path), **SETTINGS)
    made = mlm.run(table, resources=resources(), encoder=str(tmp_path), **SETTINGS)
    for copy in made["text_a"]:
        assert set(copy.split()) <= set(words)
        assert sum(new != old for new, old in zip(copy.split(), ["the", "cat", "the"], strict=True)) == 1


def test_the_case_of_a_word() -> None:
    assert [in_case_of("film", old) for old in ("movie", "Movie", "MOVIE", "I")] == [
        "film",
        "Film",
        "FILM",
        "Film",
    ]


# ---- what is refused


def test_a_model_without_its_head_is_refused(folder: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(folder, tmp_path / "bare")
    BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False).save_pretrained(bare)
    with pytest.raises(
        UserError, match=r"^augment\.mlm\.encoder: the weights in .* have no trained masked"
    ) as told:
        mlm.run(table_of(TEXTS), resources=resources(), encoder=str(bare), **SETTINGS)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("no folder", "there is no config.json"),
        ("pickled", "only safetensors are read"),
        ("no tokenizer", "tokenizer"),
        ("remote code", "code of its own|cannot open"),
        ("damaged", "cannot open the masked language model"),
    ],
)
def test_a_folder_that_cannot_be_used_is_told_in_one_line(
    folder: Path, tmp_path: Path, change: str, message: str
) -> None:
    broken = tmp_path / "none" if change == "no folder" else shutil.copytree(folder, tmp_path / "broken")
    if change == "pickled":
        (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    if change == "no tokenizer":
        for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
            (broken / name).unlink(missing_ok=True)
    if change == "remote code":
        (broken / "config.json").write_text('{"model_type": "x", "auto_map": {"AutoConfig": "a.B"}}')
    if change == "damaged":
        (broken / "model.safetensors").write_bytes(b"no")
    with pytest.raises(UserError, match=message) as told:
        mlm.run(table_of(TEXTS), resources=resources(), encoder=str(broken), **SETTINGS)
    assert str(told.value).startswith("augment.mlm.encoder: ")
    assert "\n" not in str(told.value)


def test_a_model_is_opened_in_fp32_without_dropout(folder: Path) -> None:
    model = open_masked_lm(folder)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert not model.training
