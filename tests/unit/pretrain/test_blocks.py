"""Texts as sequences: no token is lost, words stay known; which token belongs to which word; what is held out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from podium.engine.template import Template
from podium.errors import UserError
from podium.files import write_table
from podium.pretrain import vocabulary
from podium.pretrain.blocks import pack, separate
from podium.pretrain.corpus import Corpus, encode, held_out, read_texts
from podium.pretrain.words import word_numbers
from podium.tokens import open_tokenizer


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = tmp_path_factory.mktemp("tokenizer")
    vocabulary.save(vocabulary.learn(["a b c"], tokens="words", vocab_size=20, min_count=1), folder)
    return Template.of(open_tokenizer(folder))


def corpus_of(lengths: list[int], rows: list[int] | None = None) -> Corpus:
    """Texts of tokens that are all different: their ids are 10, 11, ..., two tokens a word."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    total = int(offsets[-1])
    words = np.concatenate([[0], np.cumsum(np.diff(np.arange(total) // 2) > 0)]) if total else np.zeros(0)
    own = np.arange(len(lengths)) if rows is None else np.array(rows)
    return Corpus(np.arange(10, 10 + total, dtype=np.int32), words.astype(np.int64), offsets, own)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(4, 30), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_packing_loses_no_token_and_keeps_every_text_in_order(
    template: Template, lengths: list[int], longest: int, seed: int
) -> None:
    corpus = corpus_of(lengths)
    blocks = pack(corpus, template, max_length=longest, seed=[seed])
    assert (blocks.lengths <= longest).all()
    assert (blocks.lengths[:-1] == longest).all()
    for first, last in zip(blocks.offsets[:-1], blocks.offsets[1:] - 1, strict=True):
        assert (blocks.tokens[first], blocks.tokens[last]) == (2, 3)  # [CLS] ... [SEP]
    inside = np.setdiff1d(np.arange(len(blocks.tokens)), [*blocks.offsets[:-1], *(blocks.offsets[1:] - 1)])
    stream, words = blocks.tokens[inside], blocks.words[inside]
    cuts = np.flatnonzero(stream == 3)  # what is between separators is a text, whole
    assert (words[cuts] == -1).all()
    texts = [part[part != 3].tolist() for part in np.split(stream, cuts)]
    wanted = [corpus.ids[a:b].tolist() for a, b in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True)]
    assert sorted(texts) == sorted(wanted)
    ordinary = stream >= 10
    assert (words[ordinary] == corpus.words[stream[ordinary] - 10]).all()


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30)), min_size=1, max_size=8), st.integers(8, 40)
)
@settings(deadline=None, max_examples=60)
def test_a_row_a_sequence_loses_no_token_either(
    template: Template, pairs: list[tuple[int, int]], longest: int
) -> None:
    lengths = [length for pair in pairs for length in pair if length]
    rows = [row for row, pair in enumerate(pairs) for length in pair if length]
    corpus = corpus_of(lengths, rows)
    blocks = separate(corpus, template, max_length=longest)
    assert (blocks.lengths <= longest).all()
    ordinary = blocks.tokens >= 10
    assert sorted(blocks.tokens[ordinary].tolist()) == corpus.ids.tolist()
    assert (blocks.words[ordinary] == corpus.words[blocks.tokens[ordinary] - 10]).all()
    assert (blocks.words[~ordinary] == -1).all()
    whole = [pair for pair in pairs if pair[1] and sum(pair) + 3 <= longest]
    if blocks.types is not None:
        assert (blocks.types == 1).sum() == sum(second + 1 for _, second in whole)
    else:
        assert not whole


def test_every_epoch_packs_other_neighbours_into_as_many_sequences(template: Template) -> None:
    corpus = corpus_of([7] * 30)
    first, second = (pack(corpus, template, max_length=20, seed=[3, epoch, 0]) for epoch in (0, 1))
    assert len(first.lengths) == len(second.lengths)
    assert first.tokens.tolist() != second.tokens.tolist()
    with pytest.raises(UserError, match="no room"):
        pack(corpus, template, max_length=2, seed=[0])


def test_batches_are_padded_with_nothing_that_could_be_masked(template: Template) -> None:
    blocks = separate(corpus_of([3, 9, 1]), template, max_length=16)
    batch = blocks.batch(np.array([2, 1]))
    assert batch.ids.shape == (2, 11)
    assert batch.real.sum(axis=1).tolist() == [3, 11]
    assert batch.tokens == 14
    assert (batch.words[~batch.real] == -1).all()
    assert (batch.ids[~batch.real] == template.pad).all()


# ---- words


def test_pieces_of_a_word_have_its_number() -> None:
    pieces = ["[UNK]", "play", "##ing", "##s", "the", "don", "'", "t", "."]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    text = "playings the zzz don't."
    encoding = tokenizer.encode(text)
    numbers = word_numbers(encoding, text, chinese=False)
    pieces_of: dict[int, list[str]] = {}
    for number, piece in zip(numbers, encoding.tokens, strict=True):
        pieces_of.setdefault(number, []).append(piece)
    assert list(pieces_of.values()) == [
        ["play", "##ing", "##s"], ["the"], ["[UNK]"], ["don"], ["'"], ["t"], ["."]
    ]  # fmt: skip


def test_chinese_words_are_those_that_rjieba_cuts() -> None:
    import rjieba

    text = "北京大学的学生 use BERT模型，很好！"
    letters = sorted({char for char in text if not char.isspace() and not char.isascii()})
    known = {piece: i for i, piece in enumerate(["[UNK]", "use", "be", "##rt", *letters])}
    tokenizer = Tokenizer(models.WordPiece(known, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    encoding = tokenizer.encode(text)
    words: dict[int, str] = {}
    for number, (start, end) in zip(
        word_numbers(encoding, text, chinese=True), encoding.offsets, strict=True
    ):
        words[number] = words.get(number, "") + text[start:end]
    wanted = [word for run in ("北京大学的学生", "模型", "很好") for word in rjieba.cut(run)]
    assert [word for word in words.values() if word in wanted] == wanted
    assert {"use", "BERT", "，", "！"} <= set(words.values())
    assert max(len(word) for word in wanted) > 1


def test_a_corpus_numbers_its_words_through_all_texts(tmp_path: Path) -> None:
    texts = pd.DataFrame({"text": [f"{n} 7 a{n}" for n in range(9000)], "row": range(9000)})
    vocabulary.save(
        vocabulary.learn(texts["text"], tokens="characters", vocab_size=40, min_count=1), tmp_path
    )
    corpus = encode(texts, tmp_path, language="en", whole_words=True)
    assert (np.diff(corpus.words) >= 0).all()
    assert len(corpus.ids) == sum(len(text.replace(" ", "")) for text in texts["text"])
    starts = corpus.words[corpus.offsets[:-1]]
    assert (starts > np.concatenate([[-1], corpus.words[corpus.offsets[1:-1] - 1]])).all()
    alone = encode(texts, tmp_path, language="en", whole_words=False)
    assert alone.words.tolist() == list(range(len(alone.ids)))
    part = corpus.take(np.array([5, 2]))
    assert part.ids[: part.offsets[1]].tolist() == corpus.ids[corpus.offsets[5] : corpus.offsets[6]].tolist()


def test_special_tokens_that_a_text_holds_are_no_word(tmp_path: Path) -> None:
    texts = pd.DataFrame({"text": ["a b [SEP] c", "[MASK] a d [PAD]"], "row": [0, 1]})
    vocabulary.save(vocabulary.learn(["a b c a b c"], tokens="words", vocab_size=20, min_count=2), tmp_path)
    for whole_words in (True, False):
        corpus = encode(texts, tmp_path, language="en", whole_words=whole_words)
        assert corpus.ids.tolist() == [5, 6, 3, 7, 4, 5, 1, 0]  # 1: a word that is unknown
        assert (corpus.words < 0).tolist() == [False, False, True, False, True, False, False, True]
        assert len(set(corpus.words[corpus.words >= 0])) == 5


# ---- texts


def test_texts_of_all_parts_without_labels_empty_ones_and_duplicates(tmp_path: Path) -> None:
    first = pd.DataFrame({"id": ["1", "2"], "text_a": ["a", " "], "text_b": ["b", "c"], "target": ["x", "y"]})
    second = pd.DataFrame({"id": ["7", "8"], "text_a": ["d", "d"], "same_as": ["7", "7"]})
    for name, table in (("one", first), ("two", second)):
        write_table(table, tmp_path / f"{name}.parquet")
    found = read_texts([tmp_path / "one.parquet", tmp_path / "two.parquet"])
    assert found.to_dict("list") == {"text": ["a", "b", "c", "d"], "row": [0, 0, 1, 2]}
    write_table(first.assign(text_a="", text_b=""), tmp_path / "one.parquet")
    with pytest.raises(UserError, match="no text"):
        read_texts([tmp_path / "one.parquet"])


def test_near_duplicates_and_pairs_are_held_out_together() -> None:
    random = np.random.default_rng(0)
    base = [" ".join(f"w{number}" for number in random.integers(0, 500, 30)) for _ in range(400)]
    near = [f"{text} more" for text in base[:200]]
    texts = pd.DataFrame({"text": [*base, *near], "row": range(600)})
    found = held_out(texts, 0.2, seed=1)
    assert (found[:200] == found[400:]).all()
    assert 0.13 < found[:400].mean() < 0.27
    pairs = texts.assign(row=[*range(300), *range(300)]).sort_values("row", kind="stable")
    chosen = pairs.assign(held=held_out(pairs, 0.2, seed=1)).groupby("row")["held"].nunique()
    assert (chosen == 1).all()
    fewer = held_out(texts.iloc[50:350], 0.2, seed=1)  # rows that go move no others
    assert (fewer == found[50:350]).mean() > 0.99
    assert not held_out(texts, 0.0, seed=1).any()


def test_pairs_with_one_first_text_are_held_out_together() -> None:
    """The hypotheses of a premise: it would be known from training."""
    random = np.random.default_rng(0)

    def text() -> str:
        return " ".join(f"w{number}" for number in random.integers(0, 500, 12))

    premises = [text() for _ in range(150)]
    texts = pd.DataFrame(
        [
            {"text": found, "row": row}
            for row in range(450)
            for found in (premises[row % 150].upper() if row < 150 else premises[row % 150], text())
        ]
    )
    found = held_out(texts, 0.2, seed=1)
    assert 0.1 < found.mean() < 0.3
    sides = pd.DataFrame({"premise": texts["row"] % 150, "held": found}).groupby("premise")["held"].nunique()
    assert (sides == 1).all()
    again = held_out(texts[texts["row"] % 150 >= 30], 0.2, seed=1)
    assert (again == found[(texts["row"] % 150 >= 30).to_numpy()]).all()
