"""Easy data augmentation: each operation against its definition, and what holds for every copy."""

import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.augment import eda, eda_paper, making
from podium.augment.eda import delete, insert, replace, swap
from podium.augment.negation import NEGATIONS, is_negation
from podium.augment.synonyms import STOP_WORDS, Synonyms
from podium.errors import UserError
from podium.files import read_table, write_table
from podium.wordnet import load_wordnet
from scripts import augment as script
from tests.unit.eda_cases import (
    ALPHA,
    FILTER,
    KNOWN,
    SETTINGS,
    TEXTS,
    WORDS,
    cores,
    english,
    resources,
    text_of,
)
from tests.unit.wordnet_folder import real_wordnet, tiny_wordnet


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_wordnet(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame({"id": [f"{k:03}" for k in range(len(TEXTS))], "text_a": TEXTS}, dtype="str")


@given(WORDS, ALPHA, st.integers(0, 99))
def test_operations_do_what_the_paper_says(words: list[str], alpha: float, seed: int) -> None:
    tokens = english(" ".join(words))
    assert text_of(tokens) == " ".join(words)
    length = sum(token.core != "" for token in tokens)
    n = max(1, int(alpha * length))
    with_synonyms = [token for token in tokens if token.synonyms]

    replaced = replace(tokens, alpha, Random(seed))
    changed = [(old, new) for old, new in zip(tokens, replaced, strict=True) if old.text != new.text]
    assert len(changed) == min(n, len(with_synonyms))
    for old, new in changed:
        assert new.core.lower() in KNOWN[old.core.lower()]
        assert (new.before, new.after, new.core[0].isupper()) == (
            old.before,
            old.after,
            old.core[0].isupper(),
        )

    added = Counter(t.text for t in insert(tokens, alpha, Random(seed))) - Counter(t.text for t in tokens)
    assert sum(added.values()) == (n if with_synonyms else 0)
    assert set(added) <= {word for token in with_synonyms for word in KNOWN[token.core.lower()]}

    swapped = swap(tokens, alpha, Random(seed))
    assert sorted(t.core for t in swapped) == sorted(t.core for t in tokens)
    assert [(t.before, t.after) for t in swapped] == [(t.before, t.after) for t in tokens]
    assert sum(a.core != b.core for a, b in zip(tokens, swapped, strict=True)) <= 2 * n

    deleted = delete(tokens, alpha, Random(seed))
    assert not Counter(deleted) - Counter(tokens)
    assert (len(deleted) < len(tokens)) == (length > 1 and any(token.movable for token in tokens))
    assert any(token.core for token in deleted) or length == 0


@given(WORDS, st.integers(0, 99))
def test_negations_stay_where_they_are(words: list[str], seed: int) -> None:
    tokens = english(" ".join(words))
    negations = [token.core for token in tokens if is_negation(token.core)]
    for operation in (replace, insert, swap, delete):
        made = operation(tokens, 1.0, Random(seed))
        assert [token.core for token in made if is_negation(token.core)] == negations
    for k, token in enumerate(swap(tokens, 1.0, Random(seed))):
        assert is_negation(token.core) == is_negation(tokens[k].core)


def test_deletion_has_probability_alpha() -> None:
    tokens = english("word " * 2000)
    left = len(delete(tokens, 0.1, Random(0)))
    assert abs(left - 1800) < 4 * (2000 * 0.1 * 0.9) ** 0.5


def test_copies_hold_together(table: pd.DataFrame, tiny: Path) -> None:
    made = eda.run(table, resources=resources(tiny), **SETTINGS)
    assert list(made.columns) == ["id", "source_id", "made_by", "text_a", "copy", "draw"]
    assert list(made.dtypes.astype(str)) == ["str"] * 4 + ["int32"] * 2
    assert set(made["draw"]) == {0}
    assert (made["id"] == made["source_id"] + "~eda" + made["copy"].astype("str")).all()
    assert made["id"].is_unique
    assert made["id"].str.fullmatch(r"\d{3}~eda[1-4]").all()
    assert (made["id"].str.split("~").str[0] == made["source_id"]).all()
    assert set(made["made_by"]) == {"eda"}
    source = table.set_index("id")["text_a"].map(lambda text: " ".join(text.split()))
    assert (made["text_a"] != made["source_id"].map(source)).all()
    assert not made.duplicated(["source_id", "text_a"]).any()
    counts = made["source_id"].value_counts()
    assert counts["000"] == counts["001"] == 4
    assert not {"003", "004", "005"} & set(counts.index)  # nothing to change in them
    assert 1 <= counts["002"] <= 4


def test_only_text_seed_and_copy_number_matter(table: pd.DataFrame, tiny: Path) -> None:
    made = eda.run(table, resources=resources(tiny), **SETTINGS)
    again = eda.run(table[::-1], resources=resources(tiny), **SETTINGS)
    pd.testing.assert_frame_equal(again.sort_values("id", ignore_index=True), made)
    fewer = eda.run(table, resources=resources(tiny), **{**SETTINGS, "copies": 2})
    pd.testing.assert_frame_equal(made[made["id"].isin(fewer["id"])].reset_index(drop=True), fewer)
    other = eda.run(table, resources=resources(tiny), **{**SETTINGS, "seed": 8})
    assert not other["text_a"].equals(made["text_a"])
    alike = pd.DataFrame({"id": list("abcdef"), "text_a": [f"{first} b c d e f" for first in "uvwxyz"]})
    swaps = {**SETTINGS, "copies": 1, "alpha_sr": 0.0, "alpha_ri": 0.0, "alpha_rd": 0.0}
    orders = eda.run(alike, resources=resources(tiny), **swaps)["text_a"].replace("[u-z]", "a", regex=True)
    assert orders.nunique() > 1  # texts of one shape draw different numbers


def test_each_copy_comes_from_one_operation_and_all_get_their_turn(tiny: Path) -> None:
    text = "the movie was a story of good john , not bad at all"
    table = pd.DataFrame({"id": ["1"], "text_a": [text]}, dtype="str")
    made = eda.run(table, resources=resources(tiny), **SETTINGS)["text_a"]
    length = len(cores(text))
    changes = {len(cores(copy)) - length for copy in made}
    assert changes == {-1, 0, 1} or (min(changes) < 0 and {0, 1} < changes)
    same_words = [Counter(cores(copy)) == Counter(cores(text)) for copy in made]
    assert sum(same_words) == 1  # the swap


def test_one_operation_alone(table: pd.DataFrame, tiny: Path) -> None:
    off = {f"alpha_{name}": 0.0 for name in ("sr", "ri", "rs", "rd")}
    made = eda.run(table, resources=resources(tiny), **{**SETTINGS, **off, "alpha_rs": 0.2})
    source = table.set_index("id")["text_a"]
    assert set(made["source_id"]) == {"000", "001"}
    for copy, origin in zip(made["text_a"], made["source_id"], strict=True):
        assert Counter(cores(copy)) == Counter(cores(source[origin]))
    with pytest.raises(UserError, match="all four alphas are 0"):
        eda.run(table, resources=resources(tiny), **{**SETTINGS, **off})


def test_one_segment_of_a_pair_changes(tiny: Path) -> None:
    table = pd.DataFrame(
        {"id": ["1", "2"], "text_a": ["a big movie", ""], "text_b": ["a bad story", "bad movie"]}
    )
    made = eda.run(table, resources=resources(tiny), **{**SETTINGS, "copies": 6})
    assert list(made.columns) == ["id", "source_id", "made_by", "text_a", "text_b", "copy", "draw"]
    rows = made.merge(table, left_on="source_id", right_on="id", suffixes=("", "_old"))
    changed = (rows["text_a"] != rows["text_a_old"]).astype(int) + (rows["text_b"] != rows["text_b_old"])
    assert set(changed) == {1}
    assert (rows["text_a"] != rows["text_a_old"]).any()
    assert set(rows["source_id"]) == {"1", "2"}


def test_nothing_to_change_is_told(tiny: Path) -> None:
    table = pd.DataFrame({"id": ["1"], "text_a": ["这个电影很好看"]}, dtype="str")
    how: dict[str, Any] = {"kind": "eda", "resources": resources(tiny), "filter": FILTER, "processes": 1}
    with pytest.raises(
        UserError, match=r"none of 1 texts could be changed; EDA needs words .* language 'en'"
    ):
        making.make_rows(table, **how, **SETTINGS)
    empty = making.make_rows(table.head(0), **how, **SETTINGS)
    assert list(empty.columns) == ["id", "source_id", "made_by", "text_a", "copy", "draw", "verdict"]


@pytest.mark.parametrize("variant", ["careful", "paper"])
def test_many_rows_are_made_side_by_side(tiny: Path, monkeypatch: pytest.MonkeyPatch, variant: str) -> None:
    texts = [f"{text} {k}" for k in range(9) for text in TEXTS]
    table = pd.DataFrame({"id": [str(k) for k in range(len(texts))], "text_a": texts}, dtype="str")
    how: dict[str, Any] = {"kind": "eda", "resources": resources(tiny), "filter": FILTER}
    settings = SETTINGS | {"variant": variant}
    alone = making.make_rows(table, **how, **settings, processes=1)
    monkeypatch.setattr(making, "MANY_ROWS", 10)
    monkeypatch.setattr(making, "PART_ROWS", 10)
    beside = making.make_rows(table, **how, **settings, processes=2)
    assert len(alone) > len(table)
    pd.testing.assert_frame_equal(beside, alone)


def test_parts_hold_each_row_once() -> None:
    for rows in (1, making.PART_ROWS, making.PART_ROWS + 1, 3 * making.PART_ROWS - 1):
        places = [row for part in making.parts_of(rows) for row in range(part.start, part.stop)]
        assert places == list(range(rows))


def test_synonyms_of_the_tiny_wordnet(tiny: Path) -> None:
    synonyms = Synonyms(load_wordnet(tiny))
    assert synonyms("movie") == ["film"]  # not "talkie", never used
    assert synonyms("movies") == ["films"]
    assert synonyms("buy") == ["purchase"]  # not "bribe", a rare sense
    assert synonyms("minor") == ["child", "kid"]
    assert synonyms("minors") == ["kids"]  # not "childs"
    for word in ("john", "like", "well", "went", "not", "film's", "xyz"):
        assert synonyms(word) == []


def test_synonyms_of_the_real_wordnet() -> None:
    synonyms = Synonyms(load_wordnet(real_wordnet()))
    assert synonyms("terrible") == ["awful", "dreadful", "frightening"]
    assert synonyms("stories") == []
    assert (synonyms("ideas"), synonyms("jokes")) == (["thoughts"], ["gags"])
    assert not any(synonyms(word) for word in (*STOP_WORDS, *NEGATIONS, "congress", "dog", "john"))


def test_script(tmp_path: Path, table: pd.DataFrame, tiny: Path) -> None:
    write_table(table.assign(target="x"), tmp_path / "train.parquet")
    own = ("variant", "synonyms", "alpha_sr", "alpha_ri", "alpha_rs", "alpha_rd")
    block = {key: value for key, value in SETTINGS.items() if key not in own}
    block |= {"method": "more", "settings": {key: SETTINGS[key] for key in own}, "language": "en"}
    block["filter"] = {
        "negation": True,
        "length_ratio": [0.9, 1.1],
        "similarity": None,
        "encoder": None,
        "max_length": 9,
    }
    wordnet = tiny / "corpora/wordnet/data.noun"
    script.main(
        train=tmp_path / "train.parquet", out=tmp_path / "out.parquet", wordnet=wordnet, kind="eda", **block
    )
    found = read_table(tmp_path / "out.parquet")
    made = eda.run(table, resources=resources(tiny), **{**SETTINGS, "method": "more"})
    pd.testing.assert_frame_equal(found.drop(columns="verdict"), made)
    assert made["id"][0] == "000~more1"
    assert {"kept", "too long"} <= set(found["verdict"])


# ---- draws, pairs


def test_every_draw_has_copies_of_its_own(table: pd.DataFrame, tiny: Path) -> None:
    fresh = eda.run(table, resources=resources(tiny), **{**SETTINGS, "draws": 3})
    fixed = eda.run(table, resources=resources(tiny), **SETTINGS)
    first = fresh[fresh["draw"] == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, fixed)
    assert fresh["id"].is_unique
    long = fresh[fresh["source_id"] == "000"]
    assert (long["id"] == [f"000~eda{n}" for n in range(1, 13)]).all()
    assert [set(part["copy"]) for _, part in long.groupby("draw")] == [{1, 2, 3, 4}] * 3
    texts = [set(part["text_a"]) for _, part in long.groupby("draw")]
    assert len(set.union(*texts)) > 4


@pytest.mark.parametrize("variant", ["careful", "paper"])
@pytest.mark.parametrize("segments", ["either", "a", "b", "both"])
def test_only_the_segments_that_are_named_change(variant: str, segments: str, tiny: Path) -> None:
    pair = {"text_a": "a big movie of today", "text_b": "a bad story of tomorrow"}
    table = pd.DataFrame({"id": ["1"], **{name: [text] for name, text in pair.items()}}, dtype="str")
    settings = {**SETTINGS, "segments": segments, "variant": variant, "copies": 12, "alpha_rd": 0.5}
    made = eda.run(table, resources=resources(tiny), **settings)
    changed = {name: made[name] != text for name, text in pair.items()}
    if segments in ("a", "b"):
        assert not changed["text_b" if segments == "a" else "text_a"].any()
    if segments == "either":
        assert not (changed["text_a"] & changed["text_b"]).any()
    if segments != "b":
        assert changed["text_a"].any()
    if segments == "both":
        assert (changed["text_a"] & changed["text_b"]).any()


def test_stop_words_are_never_replaced(tiny: Path) -> None:
    everything = {word: ["X"] for word in ("the", "of", "movie")}
    made = eda_paper.replace(
        ["the", "movie", "of"], 9, Random(0), lambda w: everything.get(w, []), eda_paper.STOP_WORDS
    )
    assert made == ["the", "X", "of"]
    for word in ("的", "我们", "因为"):
        assert word in STOP_WORDS
    assert not set(eda_paper.stop_words("zh")).isdisjoint({"的"})


@pytest.mark.skipif("PODIUM_DATA" not in os.environ, reason="PODIUM_DATA names no folder of public data sets")
def test_real_text() -> None:
    table = pd.read_csv(Path(os.environ["PODIUM_DATA"]) / "mr/train.csv", dtype="str").head(1000)
    table = table.rename(columns={"text": "text_a"})[["id", "text_a"]]
    made = eda.run(table, resources=resources(real_wordnet()), **SETTINGS)
    assert len(made) > 0.99 * 4 * len(table)
    source = made["source_id"].map(table.set_index("id")["text_a"])
    for text, copy in zip(source, made["text_a"], strict=True):
        assert [w for w in cores(text) if is_negation(w)] == [w for w in cores(copy) if is_negation(w)]
        old, new = cores(text), cores(copy)
        assert abs(len(new) - len(old)) <= max(1, 0.6 * len(old))
