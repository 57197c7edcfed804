"""Text views: each step by examples, and what holds for every step and text."""

import os
from pathlib import Path

import emoji
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.errors import UserError
from podium.files import read_table, write_table
from podium.text import STEP_NAMES, STEPS, normalise
from scripts import text as script
from tests.unit.wordnet_folder import tiny_wordnet

MILLION = 1_000_000
TRICKY = st.text(
    alphabet="ab1A. \n\t@#:/&_-w\x00\u200b\u200d\u200c\ufe0f\u3000中，ﬁＡÅa\u0301\u0316👍👨👩❤🏽🇨🇳\u20e3™"
)


def apply(text: str, *steps: str, language: str = "en") -> str:
    table = pd.DataFrame({"id": ["1"], "text_a": [text]})
    return str(normalise(table, list(steps), language=language, wordnet=None)["text_a"][0])


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("nfkc", "Ｈｉ！ ﬁne e\u0301 ①½", "Hi! fine é 11⁄2"),
        ("whitespace", "\ufeff a\u200bb\x00 c\u3000\n\td\u00a0\u200d e\u00ad ", "ab c d e"),
        ("whitespace", "می\u200cخواهم 👨\u200d👩", "می\u200cخواهم 👨\u200d👩"),
        ("emoji", "I👍🏽it", "I thumbs up medium skin tone it"),
        ("emoji", "👨‍👩‍👧 ❤️ 1️⃣ 12", " family man woman girl   red heart   keycap 1  12"),
        ("emoji", "so :thumbs_up:!", "so  thumbs up !"),
        ("emoji", "at 10:30, a:b", "at 10:30, a:b"),
        ("urls", "see http://t.co/x, (https://a.b/c?d=e#f). WWW.x.com!", "see url, (url). url!"),
        ("urls", "看http://t.cn/abc这个 awww.x http: //", "看url这个 awww.x http: //"),
        ("mentions", "@bob hi,@al_1: a@b.com 你好@张三 @@x @ y", "user hi,user: a@b.com 你好user user @ y"),
        ("hashtags", "#a #b#c ##d C# x#y &#39; # #话题#今天", "a b c d C# x#y &#39; # 话题 今天"),
        ("lowercase", "ÀB İ", "àb i̇"),
        ("lemmas", "The mice were here", "The mouse be here"),
    ],
)
def test_step(step: str, before: str, after: str) -> None:
    assert apply(before, step) == after


def test_emoji_in_chinese() -> None:
    assert apply("好👍", "emoji", language="zh") == "好 拇指向上 "


def test_every_emoji_is_spelled() -> None:
    texts = list(emoji.EMOJI_DATA)
    made = STEPS["emoji"](texts, "en", None)
    assert not any(emoji.emoji_count(text) for text in made)
    assert all(text == f" {text.strip()} " for text in made)


@given(TRICKY, st.sampled_from([step for step in STEP_NAMES if step != "lemmas"]))
def test_a_step_twice_is_the_step_once(text: str, step: str) -> None:
    once = apply(text, step)
    assert apply(once, step) == once


@given(st.lists(TRICKY | st.none(), max_size=4), st.lists(st.sampled_from(STEP_NAMES)))
def test_shape_and_no_null(texts: list[str | None], steps: list[str]) -> None:
    ids = [f"00{k}" for k in range(len(texts))]
    table = pd.DataFrame(
        {"text_b": texts, "id": ids, "text_a": texts[::-1]}, index=range(5, 5 + len(texts)), dtype="str"
    )
    before = table.copy()
    made = normalise(table, steps, language="en", wordnet=None)
    assert list(made.columns) == list(table.columns)
    assert made["id"].equals(table["id"])
    assert made.notna().all(axis=None)
    assert set(made.dtypes.astype(str)) == {"str"}
    assert made["text_b"].tolist() == made["text_a"].tolist()[::-1]
    pd.testing.assert_frame_equal(table, before)


def test_the_empty_list_is_the_raw_view() -> None:
    table = pd.DataFrame({"id": ["1", "2"], "text_a": [" A\x00\u200b👍 ", ""]}, dtype="str")
    pd.testing.assert_frame_equal(normalise(table, [], language="en", wordnet=None), table)


def test_steps_apply_in_the_order_given() -> None:
    assert apply("NASA", "lowercase", "urls") == "nasa"
    assert apply("Mice ＠bob", "nfkc", "mentions") == "Mice user"
    assert apply("Mice ＠bob", "mentions", "nfkc") == "Mice @bob"


@pytest.mark.parametrize("step", STEP_NAMES)
@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "中",
        "@",
        "#a",
        "http://",
        "www.!",
        ":a",
        "a\u0301\u0316",
        "\u0301\u0316",
        "\uff9e\u0301",
        "👨\u200d",
        " \u200d",
        "a'",
        "running ",
    ],
)
def test_a_million_characters_take_linear_time(step: str, unit: str) -> None:
    text = unit * (MILLION // len(unit))  # would take hours in quadratic time
    assert isinstance(apply(text, step), str)


def test_marks_are_limited_in_long_texts_only() -> None:
    assert len(apply("a" + "\u0316\u0301" * 1000, "nfkc")) == 30
    assert len(apply("a" + "\u0316\u0301" * 100, "nfkc")) == 200


def test_user_errors() -> None:
    with pytest.raises(UserError, match=r"no step 'lower' \(did you mean 'lowercase'"):
        apply("a", "lower")
    with pytest.raises(UserError, match="no emoji names in language 'xx'"):
        apply("a", "emoji", language="xx")


def test_script(tmp_path: Path) -> None:
    wordnet = tiny_wordnet(tmp_path)
    rows = pd.DataFrame(
        {"id": ["0042"], "text_a": ["Movies  went"], "text_b": [None], "target": ["x"]}, dtype="str"
    )
    write_table(rows, tmp_path / "train.parquet")
    script.main(
        table=tmp_path / "train.parquet",
        out=tmp_path / "view.parquet",
        steps=["whitespace", "lemmas"],
        language="en",
        wordnet=wordnet / "corpora/wordnet/data.noun",
    )
    expected = pd.DataFrame({"id": ["0042"], "text_a": ["Movie go"], "text_b": [""]}, dtype="str")
    pd.testing.assert_frame_equal(read_table(tmp_path / "view.parquet"), expected)


@pytest.mark.skipif("PODIUM_DATA" not in os.environ, reason="PODIUM_DATA names no folder of public data sets")
@pytest.mark.parametrize(("name", "language"), [("mr", "en"), ("sentiment", "zh")])
def test_real_text(name: str, language: str) -> None:
    table = pd.read_csv(Path(os.environ["PODIUM_DATA"]) / name / "test.csv", dtype="str").head(1000)
    table = table.rename(columns={"text": "text_a"})[["id", "text_a"]]
    made = normalise(table, list(STEP_NAMES), language=language, wordnet=None)
    assert made["text_a"].str.len().gt(0).all()
    assert not made["text_a"].str.contains(r"\s\s|[A-Z]").any()
