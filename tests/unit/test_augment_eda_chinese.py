"""EDA with a dictionary of synonyms, for Chinese above all."""

from collections import Counter
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.augment import eda, eda_paper
from podium.augment.eda import insert, swap
from podium.augment.synonyms import Dictionary
from podium.augment.words import join, tokens_of
from podium.errors import UserError
from tests.unit.eda_cases import SETTINGS, TEXTS, english, known, resources
from tests.unit.wordnet_folder import tiny_wordnet


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_wordnet(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame({"id": [f"{k:03}" for k in range(len(TEXTS))], "text_a": TEXTS}, dtype="str")


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
