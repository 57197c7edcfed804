"""Easy data augmentation: each operation against its definition, and what holds for every copy."""

import os
import shutil
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.augment import Resources, eda, eda_paper, making
from podium.augment.eda import delete, insert, replace, swap
from podium.augment.negation import NEGATIONS, is_negation
from podium.augment.synonyms import STOP_WORDS, AllSynonyms, Dictionary, Synonyms
from podium.augment.words import Token, join, tokens_of
from podium.errors import UserError
from podium.files import read_table, write_table
from podium.wordnet import load_wordnet
from scripts import augment as script
from tests.unit.wordnet_folder import real_wordnet, tiny_wordnet

KNOWN = {"movie": ["film", "picture"], "story": ["tale"], "big": ["large"], "bad": ["awful"]}
WORDS = st.lists(
    st.sampled_from([*KNOWN, "the", "not", "isn't", "Movie", "story.", "(big)", "...", "👍", "x1"])
)
ALPHA = st.floats(0.01, 1.0)
SETTINGS: dict[str, Any] = {
    "copies": 4,
    "draws": 1,
    "segments": "either",
    "variant": "careful",
    "synonyms": "wordnet",
    "alpha_sr": 0.1,
    "alpha_ri": 0.1,
    "alpha_rs": 0.1,
    "alpha_rd": 0.1,
    "seed": 7,
    "method": "eda",
}
FILTER: dict[str, Any] = {
    "negation": True,
    "length_ratio": None,
    "similarity": None,
    "encoder": None,
    "max_length": 64,
}
TEXTS = [
    "the movie is not a bad story .",
    "A big story, isn't it?",
    "movie",
    "not",
    "",
    "... 👍",
    "big big big",
]


def known(word: str) -> list[str]:
    return KNOWN.get(word, [])


def english(text: str) -> list[Token]:
    return tokens_of(text, known, "en")


def cores(text: str) -> list[str]:
    return [token.core for token in english(text) if token.core]


def resources(wordnet: Path | None, language: str = "en") -> Resources:
    return Resources(language=language, wordnet=wordnet, device="cpu", cache=Path("none"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_wordnet(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame({"id": [f"{k:03}" for k in range(len(TEXTS))], "text_a": TEXTS}, dtype="str")


def text_of(tokens: list[Any]) -> str:
    return " ".join(token.text for token in tokens)


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


@given(WORDS.filter(len), st.integers(0, 12), st.integers())
def test_an_insertion_of_the_paper_by_brute_force(words: list[str], n: int, seed: int) -> None:
    stop, random, made = frozenset({"the", "not", "film"}), Random(seed), list(words)
    for _ in range(n):
        sources = [word for word in made if word not in stop]
        for _ in range(10 if sources else 0):
            if found := known(random.choice(sources)):
                made.insert(random.randint(0, len(made)), random.choice(found))
                break
    assert eda_paper.insert(words, n, Random(seed), known, stop) == made


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


# ---- the paper's variant

PAPER = st.lists(st.sampled_from([*KNOWN, "the", "not", "wonder", "of"]), min_size=1, max_size=30)


def changes(old: list[str], new: list[str]) -> dict[str, set[str]]:
    """What stands in place of each word that was replaced."""
    found: dict[str, set[str]] = {}
    for one, two in zip(old, new, strict=True):
        if one != two:
            found.setdefault(one, set()).add(two)
    return found


@given(PAPER, ALPHA, st.integers(0, 99))
def test_the_papers_operations(words: list[str], alpha: float, seed: int) -> None:
    stop = eda_paper.stop_words("en")
    n = max(1, int(alpha * len(words)))
    able = {word for word in words if word in KNOWN}

    replaced = changes(words, eda_paper.replace(words, n, Random(seed), known, stop))
    assert len(replaced) == min(n, len(able))
    assert all(len(new) == 1 and new <= set(KNOWN[old]) for old, new in replaced.items())

    made = eda_paper.insert(words, n, Random(seed), known, stop)
    added = Counter(made) - Counter(words)
    assert not Counter(words) - Counter(made)
    assert sum(added.values()) <= n
    assert set(added) <= {word for old in able for word in KNOWN[old]}
    rest = iter(made)
    assert all(word in rest for word in words)  # the old words in their old order

    swapped = eda_paper.swap(words, n, Random(seed), known, stop)
    assert Counter(swapped) == Counter(words)
    assert sum(a != b for a, b in zip(words, swapped, strict=True)) <= 2 * n

    left = iter(words)
    deleted = eda_paper.delete(words, alpha, Random(seed))
    assert deleted
    assert all(word in left for word in deleted)  # a subsequence
    assert len(words) > 1 or deleted == words


@given(
    PAPER,
    st.integers(1, 11),
    st.sets(st.sampled_from(["sr", "ri", "rs", "rd"]), min_size=1),
    st.integers(0, 99),
)
def test_the_papers_count_of_texts_and_one_operation_each(
    words: list[str], copies: int, used: set[str], seed: int
) -> None:
    alphas = {name: 0.3 if name in used else 0.0 for name in ("sr", "ri", "rs", "rd")}
    made = eda_paper.texts_of(
        " ".join(words), copies=copies, alphas=alphas, random=Random(seed), synonyms=known, language="en"
    )
    assert len(made) == copies
    n, able = max(1, int(0.3 * len(words))), {word for word in words if word in KNOWN}
    for text in made:
        new = text.split()
        same = Counter(new) == Counter(words)
        fits = {
            "sr": len(new) == len(words) and len(changes(words, new)) == min(n, len(able)),
            "ri": len(words) <= len(new) <= len(words) + n and not Counter(words) - Counter(new),
            "rs": same,
            "rd": not Counter(new) - Counter(words),
        }
        assert any(fits[name] for name in used)


def test_each_operation_makes_its_share() -> None:
    """Of copies // 4 + 1 texts of each, all but one are taken where copies is 4 k + 3."""
    words = [f"w{letter}" for letter in "abcdefghij"]
    alphas = {"sr": 0.1, "ri": 0.1, "rs": 0.1, "rd": 0.1}
    made = eda_paper.texts_of(
        " ".join(words),
        copies=11,
        alphas=alphas,
        random=Random(1),
        synonyms=lambda word: [f"x{word}"],
        language="en",
    )
    inserted = sum(len(text.split()) == 11 for text in made)
    replaced = sum(len(text.split()) == 10 and "xw" in text for text in made)
    others = len(made) - inserted - replaced
    assert {inserted, replaced} <= {2, 3}
    assert others in (5, 6)


def test_the_papers_cleaning() -> None:
    assert eda_paper.clean("It's a Well-made film, 10/10 — naïve\tGenius!", "en") == (
        ["its", "a", "well", "made", "film", "na", "ve", "genius"]
    )
    assert eda_paper.clean("Größe, 10 Äpfel", "de") == ["größe", "äpfel"]


def test_all_synonyms_are_those_that_nltk_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the paper's own code, which asks NLTK."""
    folder = real_wordnet()
    found = AllSynonyms(load_wordnet(folder))
    assert "acquire" in found("get")
    assert "get hold of" in found("take")
    assert set(found("movie")) >= {"film", "picture", "flick", "moving picture"}
    nltk = pytest.importorskip("nltk")
    copied = tmp_path / "nltk_data"  # NLTK refuses links, and what is outside its own search path
    shutil.copytree(folder / "corpora/wordnet", copied / "corpora/wordnet")
    for path in copied.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    monkeypatch.setattr(nltk.data, "path", [str(copied)])
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    with pytest.warns(UserWarning, match="multilingual"):
        reader = WordNetCorpusReader(nltk.data.find("corpora/wordnet"), None)
    words = [
        "movie",
        "good",
        "terrible",
        "runs",
        "better",
        "story",
        "acting",
        "feels",
        "big",
        "ideas",
        "watched",
        "quickly",
        "men",
        "the",
        "in",
    ]
    for word in words:
        names = {name for synset in reader.synsets(word) for name in synset.lemma_names()}
        plain = {
            "".join(
                char
                for char in name.replace("_", " ").replace("-", " ").lower()
                if char in "abcdefghijklmnopqrstuvwxyz "
            )
            for name in names
        }
        assert set(found(word)) == plain - {word, ""}, word


# ---- Chinese, dictionaries

DICTIONARY = """# a comment
电影\t影片,片子
好看\t精彩，好瞧
喜欢\t喜爱
不\t非
"""
CILIN = """Aa01A01= 电影 影片 片子
Bb02B02# 好看 无聊
Cc03C03@ 喜欢
Dd04D04= 喜欢 喜爱
Ee05E05= T恤 T恤衫
"""


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    (tmp_path / "syn.txt").write_text(DICTIONARY, encoding="utf-8")
    return tmp_path / "syn.txt"


def test_dictionaries_of_both_forms(dictionary: Path, tmp_path: Path) -> None:
    keep = {"的", "不"}.__contains__
    plain = Dictionary(dictionary, keep=keep)
    assert (plain("电影"), plain("好看"), plain("不"), plain("无")) == (
        ["影片", "片子"],
        ["好瞧", "精彩"],
        [],
        [],
    )
    (tmp_path / "cilin.txt").write_text(CILIN, encoding="utf-8-sig")
    cilin = Dictionary(tmp_path / "cilin.txt", keep=keep)
    assert (cilin("片子"), cilin("好看"), cilin("喜欢")) == (["影片", "电影"], [], ["喜爱"])
    assert (cilin("t恤"), cilin("t恤衫")) == (["T恤衫"], ["T恤"])  # words are looked up in lower case


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("电影".encode("gb18030"), "is not UTF-8"),
        ("电影 影片\n".encode(), "line 1: expected word<TAB>"),
        (b"\n", "has no synonyms"),
    ],
)
def test_a_dictionary_that_cannot_be_used_is_told(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "d.txt").write_bytes(content)
    with pytest.raises(UserError, match=message):
        Dictionary(tmp_path / "d.txt", keep=lambda _: False)


@given(
    st.lists(st.sampled_from(["电影", "不好看", "，", " iPhone 15", "喜欢", "。", "3.5G", "没有", "a", " "]))
)
def test_chinese_words_and_signs_join_to_the_text_again(parts: list[str]) -> None:
    text = "".join(parts)
    tokens = tokens_of(text, known, "zh")
    joined = join([token.text for token in tokens], "zh")
    assert joined == text.rstrip()
    assert all(token.core == "" or token.before.strip() == "" for token in tokens)


SEQUENCES = ["👨\u200d👩\u200d👧", "👍🏽", "❤️\u200d🔥", "1\ufe0f\u20e3", "🇨🇳", "cafe\u0301"]


@given(st.lists(st.sampled_from([*SEQUENCES, "电影", "喜欢", "，"]), min_size=2), st.integers(0, 99))
def test_what_is_written_with_several_characters_stays_together_in_chinese(
    parts: list[str], seed: int
) -> None:
    text = "".join(parts)
    tokens = tokens_of(text, lambda word: ["影片"] if word == "电影" else [], "zh")
    for operation in (insert, swap):
        made = join([token.text for token in operation(tokens, 1.0, Random(seed))], "zh")
        assert Counter(find for find in SEQUENCES for _ in range(made.count(find))) == Counter(
            part for part in parts if part in SEQUENCES
        )


def test_marks_belong_to_their_letters() -> None:
    """Of accents that are characters of their own, and of the vowels of India's scripts."""
    text = "the cafe\u0301 was good (तुम्हारी किताब)"
    tokens = english(text)
    assert [token.core for token in tokens] == ["the", "cafe\u0301", "was", "good", "तुम्हारी", "किताब"]
    for seed in range(20):
        made = swap(tokens, 1.0, Random(seed))
        assert sorted(token.core for token in made) == sorted(token.core for token in tokens)
    assert eda_paper.clean("तुम्हारी किताब 3 cafe\u0301", "hi") == ["तुम्हारी", "किताब", "cafe\u0301"]


@pytest.mark.parametrize("variant", ["careful", "paper"])
def test_chinese_copies(dictionary: Path, variant: str) -> None:
    text = "我们都喜欢这个电影，真的好看，不是无聊的电影"
    table = pd.DataFrame({"id": ["1"], "text_a": [text]}, dtype="str")
    settings = {**SETTINGS, "synonyms": str(dictionary), "variant": variant, "copies": 20}
    made = eda.run(table, resources=resources(None, "zh"), **settings)["text_a"]
    assert len(made) >= 10
    assert not made.str.contains(" ").any()
    assert made.str.contains("影片|片子|精彩|好瞧|喜爱").any()
    for copy in made if variant == "careful" else []:
        assert copy.count("不") + copy.count("无") == 2  # negations stay
        assert (copy.count("，"), copy.startswith("，")) == (2, False)
        assert set(copy) <= set(text) | set("影片子精彩瞧喜爱")


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
