"""Inputs against the tokenizers' own, and truncation, chunks, batches against loops over rows."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizer_samples import FRAGMENTS, SAMPLES, save
from transformers import AutoTokenizer

from podium import tokens
from podium.engine import inputs, ragged
from podium.engine.inputs import Encoded, InputOptions, choose_length, compose, full_lengths, prune_vocabulary
from podium.engine.template import FIRST, SECOND, Form, Template
from podium.errors import UserError
from podium.files import read_table
from podium.train import texts_of

CPU = torch.device("cpu")
CUT = InputOptions(
    max_length="auto",
    max_cut=0.01,
    truncation="head",
    head_share=0.25,
    long_texts="cut",
    max_chunks=3,
    chunk_overlap=0,
)
#: One special token before, two between, one behind; the second segment is of another type.
TEMPLATE = Template(
    single=Form((1, FIRST, 2), (0, 0, 0)),
    pair=Form((1, FIRST, 2, 3, SECOND, 2), (0, 0, 0, 1, 1, 1)),
    types=True,
    pad=0,
    mask=4,
    unk=None,
)
TEXT = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)
IDS = st.lists(st.integers(5, 99), max_size=40)
ROWS = st.lists(IDS, min_size=1, max_size=8)
PAIRS = st.lists(st.tuples(IDS, IDS), min_size=1, max_size=8)
TRUNCATIONS = st.sampled_from(inputs.TRUNCATIONS)


def table(**columns: list[list[int]]) -> pd.DataFrame:
    return pd.DataFrame({f"tokens_{name}": pd.Series(ids, dtype=object) for name, ids in columns.items()})


def sequences(encoded: Encoded, field: str = "tokens") -> list[list[int]]:
    return [part.tolist() for part in np.split(getattr(encoded, field), encoded.offsets[1:-1])]


# ---- the tokenizers' own inputs


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Any, Template]]:
    """Folder, tokenizer of transformers and template of each sample."""
    found = {}
    for name in SAMPLES:
        folder = save(name, tmp_path_factory.mktemp(name))
        template = Template.of(tokens.open_tokenizer(folder))
        found[name] = (folder, AutoTokenizer.from_pretrained(folder), template)
    return found


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "byt5"])
@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=4, max_size=12), st.integers(8, 40))
def test_inputs_are_those_of_transformers(
    opened: dict[str, tuple[Path, Any, Template]], name: str, texts: list[tuple[str, str]], max_length: int
) -> None:
    folder, reference, template = opened[name]
    rows = pd.DataFrame(texts, columns=["text_a", "text_b"], dtype="str").rename_axis("id").reset_index()
    found = tokens.tokenise(folder, rows)
    for columns in (["text_a"], ["text_a", "text_b"]):
        expected = reference(
            *(rows[column].tolist() for column in columns),
            truncation="longest_first",
            max_length=max_length,
            return_token_type_ids=True,
        )
        kept = [tokens.SEGMENTS[column] for column in columns]
        encoded = compose(found[kept], template, CUT, max_length=max_length)
        assert sequences(encoded) == [ids or [template.unk] for ids in expected["input_ids"]]
        assert (encoded.types is not None) == ((name == "bert" and len(columns) == 2) or name == "xlnet")
        if encoded.types is not None:
            assert sequences(encoded, "types") == expected["token_type_ids"]
        whole = reference(*(rows[column].tolist() for column in columns), add_special_tokens=True)
        lengths = np.array([len(ids) for ids in whole["input_ids"]])
        np.testing.assert_array_equal(full_lengths(found[kept], template), lengths)
        cut = np.maximum(0, lengths - max_length)
        content = lengths.sum() - len(lengths) * encoded.template.single.specials
        assert encoded.rows_cut == (cut > 0).mean()
        if len(columns) == 1 and content:
            assert encoded.tokens_cut == pytest.approx(cut.sum() / content)


def test_inputs_of_a_tokenizer_in_python(opened: dict[str, tuple[Path, Any, Template]]) -> None:
    folder, reference, template = opened["byt5"]
    rows = pd.DataFrame(
        {"id": ["1", "2"], "text_a": ["the cat", ""], "text_b": ["a", "dog \u4f60"]}, dtype="str"
    )
    encoded = compose(tokens.tokenise(folder, rows), template, CUT, max_length=99)
    assert sequences(encoded) == reference(rows["text_a"].tolist(), rows["text_b"].tolist())["input_ids"]


def test_templates(opened: dict[str, tuple[Path, Any, Template]]) -> None:
    templates = {name: template for name, (_, _, template) in opened.items()}
    assert templates["bert"] == Template(
        Form((2, FIRST, 3), (0, 0, 0)), Form((2, FIRST, 3, SECOND, 3), (0, 0, 0, 1, 1)), True, 0, 4, 1
    )
    assert templates["roberta"].pair == Form((0, FIRST, 2, 2, SECOND, 2), (0,) * 6)
    assert templates["roberta"].pad == 1
    assert templates["xlnet"].pair == Form((FIRST, 4, SECOND, 4, 3), (0, 0, 1, 1, 2))
    assert templates["gpt2"].pair.ids == (FIRST, SECOND)
    assert templates["gpt2"].pad == 0  # it has none: any id will do under a mask
    assert {name for name, template in templates.items() if template.types} == {"bert", "xlnet"}
    for template in templates.values():
        assert Template.read(json.loads(json.dumps(dataclasses.asdict(template)))) == template


def test_token_types_that_the_encoder_has_no_embedding_for_are_left_out(tmp_path: Path) -> None:
    """DistilBERT has BERT's tokenizer; its config.json has no word of token types."""
    folder = save("bert", tmp_path)
    (folder / "config.json").write_text('{"model_type": "distilbert"}', encoding="utf-8")
    assert not Template.of(tokens.open_tokenizer(folder)).types
    (folder / "config.json").unlink()
    assert Template.of(tokens.open_tokenizer(folder)).types


def test_a_tokenizer_without_tokens_is_told() -> None:
    class Empty:
        def __init__(self) -> None:
            self.special: dict[str, int | None] = {}
            self.token_types = None

        def ids(self, texts: list[str]) -> list[list[int]]:
            return [[] for _ in texts]

        def joined(self, first: str, second: str | None) -> tokens.Joined:
            raise AssertionError

    with pytest.raises(UserError, match="makes no token of a letter"):
        Template.of(Empty())


# ---- truncation


def shortened(ids: list[int], count: int, options: InputOptions) -> list[int]:
    """``count`` tokens of a list, one at a time."""
    if len(ids) <= count:
        return ids
    heads = {"head": count, "tail": 0}.get(
        options.truncation, int(np.floor(count * options.head_share + 0.5))
    )
    return ids[:heads] + [ids[len(ids) - count + place] for place in range(heads, count)]


def longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """Take a token off the longer segment until there is room; of equal ones off the first at first, then in turn."""
    longer_first = first > second
    while first + second > room:
        if first == second:  # the odd token stays with the one that was longer
            first, second = (first, second - 1) if longer_first else (first - 1, second)
        elif first > second:
            first -= 1
        else:
            second -= 1
    return first, second


@settings(deadline=None)
@given(PAIRS, st.integers(8, 40), TRUNCATIONS, st.floats(0, 1), st.booleans())
def test_each_segment_keeps_its_head_its_tail_or_both(
    pairs: list[tuple[list[int], list[int]]], max_length: int, truncation: str, share: float, pair: bool
) -> None:
    options = dataclasses.replace(CUT, truncation=truncation, head_share=share)
    first, second = ([list(row[side]) for row in pairs] for side in (0, 1))
    columns = {"a": first, "b": second} if pair else {"a": first}
    encoded = compose(table(**columns), TEMPLATE, options, max_length=max_length)
    expected, lost = [], []
    for a, b in zip(first, second, strict=True):
        if pair:
            counts = longest_first(len(a), len(b), max_length - 4)
            kept = [shortened(ids, count, options) for ids, count in zip((a, b), counts, strict=True)]
            expected.append([1, *kept[0], 2, 3, *kept[1], 2])
            lost.append(len(a) + len(b) - sum(counts))
        else:
            expected.append([1, *shortened(a, max_length - 2, options), 2])
            lost.append(max(0, len(a) - max_length + 2))
    assert sequences(encoded) == expected
    np.testing.assert_array_equal(encoded.row_of, np.arange(len(pairs)))
    np.testing.assert_array_equal(encoded.lengths, [len(ids) for ids in expected])
    assert encoded.rows_cut == pytest.approx(np.mean(np.array(lost) > 0))
    whole = sum(map(len, first)) + pair * sum(map(len, second))
    assert encoded.tokens_cut == pytest.approx(sum(lost) / max(1, whole))


def test_head_and_tail_as_in_the_paper() -> None:
    """Sun et al. 2019: the first 128 and the last 382 of 510 tokens."""
    text = list(range(1000, 3000))
    options = dataclasses.replace(CUT, truncation="head_tail", head_share=0.25)
    encoded = compose(table(a=[text]), TEMPLATE, options, max_length=512)
    assert encoded.tokens.tolist() == [1, *text[:128], *text[-382:], 2]


@settings(deadline=None)
@given(PAIRS, st.integers(8, 24))
def test_blocks_do_not_show(pairs: list[tuple[list[int], list[int]]], max_length: int) -> None:
    columns = {"a": [list(a) for a, _ in pairs], "b": [list(b) for _, b in pairs]}
    options = dataclasses.replace(CUT, truncation="head_tail")
    expected = compose(table(**columns), TEMPLATE, options, max_length=max_length)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ragged, "BLOCK", 16)
        found = compose(table(**columns), TEMPLATE, options, max_length=max_length)
    assert sequences(found) == sequences(expected)


# ---- chunks


def chunks(text: list[int], room: int, options: InputOptions) -> list[list[int]]:
    """Consecutive chunks of at most ``room`` tokens, each but the first repeating some of the one before."""
    if len(text) <= room:
        return [text]
    step = room - options.chunk_overlap
    text = shortened(text, room + (options.max_chunks - 1) * step, options)
    found = [text[:room]]
    while step * (len(found) - 1) + room < len(text):
        start = step * len(found)
        found.append(text[start : start + room])
    return found


@settings(deadline=None)
@given(ROWS, st.integers(8, 20), TRUNCATIONS, st.integers(1, 4), st.integers(0, 5))
def test_chunks_of_texts(
    rows: list[list[int]], max_length: int, truncation: str, most: int, overlap: int
) -> None:
    options = dataclasses.replace(
        CUT, truncation=truncation, long_texts="chunks", max_chunks=most, chunk_overlap=overlap
    )
    encoded = compose(table(a=rows), TEMPLATE, options, max_length=max_length)
    expected = [chunks(text, max_length - 2, options) for text in rows]
    assert sequences(encoded) == [[1, *chunk, 2] for row in expected for chunk in row]
    np.testing.assert_array_equal(
        encoded.row_of, np.repeat(np.arange(len(rows)), [len(row) for row in expected])
    )
    np.testing.assert_array_equal(encoded.counts, [len(row) for row in expected])
    np.testing.assert_array_equal(encoded.widths, [2 + max(map(len, row)) for row in expected])
    np.testing.assert_array_equal(encoded.lengths, [sum(2 + len(chunk) for chunk in row) for row in expected])
    longest = max_length - 2 + (most - 1) * (max_length - 2 - overlap)
    assert encoded.rows_cut == pytest.approx(np.mean([len(text) > longest for text in rows]))


@settings(deadline=None)
@given(PAIRS, st.integers(10, 24), TRUNCATIONS, st.integers(1, 4), st.integers(0, 2))
def test_chunks_of_pairs(
    pairs: list[tuple[list[int], list[int]]], max_length: int, truncation: str, most: int, overlap: int
) -> None:
    """Every chunk of the second segment stands behind the whole first one, which has half the room or what is left."""
    options = dataclasses.replace(
        CUT, truncation=truncation, long_texts="chunks", max_chunks=most, chunk_overlap=overlap
    )
    first, second = ([list(row[side]) for row in pairs] for side in (0, 1))
    encoded = compose(table(a=first, b=second), TEMPLATE, options, max_length=max_length)
    room, expected, types, row_of = max_length - 4, [], [], []
    for row, (a, b) in enumerate(zip(first, second, strict=True)):
        kept = shortened(a, max(room // 2, room - len(b)), options)
        for chunk in chunks(b, room - len(kept), options):
            expected.append([1, *kept, 2, 3, *chunk, 2])
            types.append([0] * (len(kept) + 2) + [1] * (len(chunk) + 2))
            row_of.append(row)
    assert sequences(encoded) == expected
    assert sequences(encoded, "types") == types
    assert encoded.row_of.tolist() == row_of
    assert max(map(len, expected)) <= max_length


@pytest.mark.parametrize(
    ("changes", "max_length", "message"),
    [
        ({"truncation": "heads"}, 32, "no truncation 'heads'; did you mean 'head'"),
        ({"long_texts": "chunk"}, 32, "no long_texts 'chunk'; did you mean 'chunks'"),
        ({}, 5, "max_length 5 leaves no room beside the special tokens"),
        ({"long_texts": "chunks", "chunk_overlap": 14}, 32, "fills a chunk of 14 tokens .* set at most 13"),
    ],
)
def test_options_that_cannot_be_are_told(changes: dict[str, Any], max_length: int, message: str) -> None:
    options = dataclasses.replace(CUT, **changes)
    with pytest.raises(UserError, match=message):
        compose(table(a=[[7]], b=[[8]]), TEMPLATE, options, max_length=max_length)


# ---- batches


@settings(deadline=None)
@given(PAIRS, st.booleans(), st.integers(1, 9), st.data())
def test_batches_are_padded_on_the_right_with_all_chunks_of_a_row(
    pairs: list[tuple[list[int], list[int]]], pair: bool, multiple: int, data: st.DataObject
) -> None:
    columns = {"a": [list(a) for a, _ in pairs], "b": [list(b) for _, b in pairs]}
    options = dataclasses.replace(CUT, long_texts=data.draw(st.sampled_from(inputs.LONG_TEXTS)))
    encoded = compose(
        table(**columns if pair else {"a": columns["a"]}), TEMPLATE, options, max_length=(limit := 17)
    )
    rows = np.array(data.draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1, unique=True)))
    batch = encoded.batch(rows, CPU, multiple=multiple)
    chosen = [(place, s) for place, row in enumerate(rows) for s in np.flatnonzero(encoded.row_of == row)]
    owned = [place for place, _ in chosen]
    whole = sequences(encoded)
    longest = max(len(whole[s]) for _, s in chosen)
    width = batch.inputs["input_ids"].shape[1]
    assert width in (longest, limit) or (width % multiple == 0 and longest < width < longest + multiple)
    assert width <= limit
    for place, (_, s) in enumerate(chosen):
        padding = [0] * (width - len(whole[s]))
        assert batch.inputs["input_ids"][place].tolist() == whole[s] + padding
        assert batch.inputs["attention_mask"][place].tolist() == [1] * len(whole[s]) + padding
        if pair:
            types = sequences(encoded, "types")[s]
            assert batch.inputs["token_type_ids"][place].tolist() == types + padding
    assert batch.inputs.keys() == {"input_ids", "attention_mask", *(["token_type_ids"] if pair else [])}
    assert {tensor.dtype for tensor in batch.inputs.values()} == {torch.int64}
    assert (owned if batch.rows is None else batch.rows.tolist()) == owned
    assert (batch.rows is None) == (encoded.counts.max() == 1)
    assert (batch.size, batch.tokens) == (len(rows), sum(len(whole[s]) for _, s in chosen))
    assert batch.full == bool(batch.inputs["attention_mask"].all())


def test_padding_is_the_encoders_own() -> None:
    template = dataclasses.replace(TEMPLATE, pad=77)
    encoded = compose(table(a=[[5], [6, 7]]), template, CUT, max_length=10)
    assert encoded.batch(np.array([0, 1]), CPU, multiple=1).inputs["input_ids"].tolist() == [
        [1, 5, 2, 77],
        [1, 6, 7, 2],
    ]


def test_tables_that_were_put_together_are_read_like_whole_ones(tmp_path: Path) -> None:
    """Arrow columns in several pieces, sliced and reordered: as training tables are made."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {"id": [f"{n}" for n in range(30)], "text_a": ["".join(rng.choice(FRAGMENTS, 6)) for _ in range(30)]},
        dtype="str",
    )
    whole = tokens.tokenise(save("roberta", tmp_path / "encoder"), rows)
    tokens.write(whole, tmp_path / "tokens.parquet")
    views = {"train": read_table(tmp_path / "tokens.parquet"), "eda": whole.iloc[10:].reset_index(drop=True)}
    wanted = pd.DataFrame(
        {"id": ["12", "3", "29", "12"], "part": ["train", "train", "eda", "eda"]}, dtype="str"
    )
    joined = texts_of(wanted, views)
    expected = [list(map(int, whole["tokens_a"].iloc[int(number)])) for number in wanted["id"]]
    sliced = compose(whole.iloc[10:13], TEMPLATE, CUT, max_length=99)
    assert sequences(sliced) == [[1, *map(int, ids), 2] for ids in whole["tokens_a"].iloc[10:13]]
    for column in (joined, joined.astype(object)):
        assert sequences(compose(column, TEMPLATE, CUT, max_length=99)) == [[1, *ids, 2] for ids in expected]


@pytest.mark.parametrize(
    "options", [CUT, dataclasses.replace(CUT, long_texts="chunks")], ids=["cut", "chunks"]
)
def test_a_row_without_any_token_is_an_unknown_word(options: InputOptions) -> None:
    """Where the tokenizer puts none around it: a batch of such rows alone had no width."""
    bare = dataclasses.replace(
        TEMPLATE, single=Form((FIRST,), (0,)), pair=Form((FIRST, SECOND), (0, 0)), unk=7, types=False
    )
    found = compose(table(a=[[], [5, 6], []]), bare, options, max_length=8)
    assert sequences(found) == [[7], [5, 6], [7]]
    assert found.batch(np.array([0, 2]), torch.device("cpu"), multiple=1).inputs["input_ids"].tolist() == [
        [7],
        [7],
    ]
    pairs = compose(table(a=[[], [], [5]], b=[[], [6], []]), bare, options, max_length=8)
    assert sequences(pairs) == [[7], [6], [5]]
    without = dataclasses.replace(bare, unk=None, pad=3)
    assert sequences(compose(table(a=[[]]), without, options, max_length=8)) == [[3]]


def test_no_rows() -> None:
    for options in (CUT, dataclasses.replace(CUT, long_texts="chunks")):
        encoded = compose(table(a=[], b=[]), TEMPLATE, options, max_length=12)
        assert (len(encoded.lengths), len(encoded.widths), len(encoded.counts)) == (0, 0, 0)
        assert (encoded.rows_cut, encoded.tokens_cut) == (0.0, 0.0)


# ---- the length of inputs


@given(
    st.lists(st.integers(2, 700), min_size=1, max_size=50).map(np.array),
    st.floats(0, 1),
    st.none() | st.integers(8, 600),
)
def test_the_chosen_length_is_the_smallest_that_cuts_few_enough_rows(
    lengths: np.ndarray, max_cut: float, limit: int | None
) -> None:
    chosen = choose_length(lengths, max_cut=max_cut, limit=limit)
    wanted = next(size for size in range(8, 8000, 8) if (lengths > size).mean() <= max_cut + 1e-12)
    assert chosen == (wanted if limit is None else min(wanted, limit))


# ---- small vocabularies


@settings(deadline=None)
@given(PAIRS)
def test_ids_in_use_are_numbered_from_zero(pairs: list[tuple[list[int], list[int]]]) -> None:
    columns = {"a": [list(a) for a, _ in pairs], "b": [list(b) for _, b in pairs]}
    encoded = compose(table(**columns), TEMPLATE, CUT, max_length=20)
    used, small = prune_vocabulary(encoded)
    assert used.tolist() == sorted({*encoded.tokens.tolist(), 0, 1, 2, 3, 4})
    np.testing.assert_array_equal(used[small.tokens], encoded.tokens)
    template = small.template
    assert used[[template.pad, template.mask]].tolist() == [0, 4]
    assert template.unk is None
    assert [used[new] if new >= 0 else new for new in template.pair.ids] == list(TEMPLATE.pair.ids)
    rows = np.arange(len(pairs))
    large, pruned = (part.batch(rows, CPU, multiple=4).inputs["input_ids"] for part in (encoded, small))
    np.testing.assert_array_equal(used[pruned.numpy()], large.numpy())
