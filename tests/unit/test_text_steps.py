"""Each step by examples, and against an independent oracle."""

import html
import re
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import emoji
import ftfy
import opencc
import pytest
import rjieba
from hypothesis import given
from hypothesis import strategies as st

from podium.config.text import plain_steps
from podium.text import cleaning, emoticons
from podium.text.steps import pipeline
from tests.unit.test_text import PIECES, TRICKY

CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
HAN = re.compile("[\u3400-\u9fff]+")
CHINESE = st.text(alphabet="我爱北京天安门他来到了网易杭研大厦，。 a1B髮後發臺灣的")
ASCII = st.text(alphabet=st.characters(max_codepoint=126))


def function(step: Any) -> Callable[[str], str]:
    (made,) = pipeline(plain_steps([step]), language="en", wordnet=None)
    return made


def run(text: str, step: Any) -> str:
    return function(step)(text)


def drop(name: str) -> dict[str, Any]:
    return {name: {"action": "drop"}}


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("nfkc", "Ｈｉ！ ﬁne e\u0301 ①½", "Hi! fine é 11⁄2"),
        ("width", "Ｈｉ！\u3000ﬁne ①， 。ｶ", "Hi! ﬁne ①, 。ｶ"),
        ("punctuation", "你好，“世界”！（《三体》、…）Ａ　", '你好,"世界"!("三体",...)Ａ '),
        ("simplified", "臺灣的軟體與頭髮，hi", "台湾的软体与头发，hi"),
        ({"simplified": {"variant": "tw2sp"}}, "臺灣的軟體", "台湾的软件"),
        ("whitespace", "\ufeff a\u200bb\x00 c\u3000\n\td\u00a0\u200d e\u00ad ", "ab c d e"),
        ("whitespace", "می\u200cخواهم 👨\u200d👩", "می\u200cخواهم 👨\u200d👩"),
        ("emoji", "I👍🏽it", "I thumbs up medium skin tone it"),
        ("emoji", "👨‍👩‍👧 ❤️ 1️⃣ 12", " family man woman girl   red heart   keycap 1  12"),
        ("emoji", "so :thumbs_up:!", "so  thumbs up !"),
        ("emoji", "at 10:30, a:b", "at 10:30, a:b"),
        (drop("emoji"), "a👍🏽b:thumbs_up:", "a b "),
        ({"emoji": {"language": "zh"}}, "好👍", "好 拇指向上 "),
        ("emoticons", "ok :-) :'( XD <3", "ok  smile   crying   laughing   heart "),
        ("emoticons", "so bad:(((( ;) :P o_O -_-", "so bad sad   wink   playful   surprise   neutral "),
        ("emoticons", "http://x.y/ a:b 10:30 C:/x note:*b* XDR 如下:(一) (a) x<y", None),
        (drop("emoticons"), "a:)b", "a b"),
        ({"emoticons": {"language": "zh"}}, "好^_^", "好 微笑 "),
        ("urls", "see http://t.co/x, (https://a.b/c?d=e#f). WWW.x.com!", "see url, (url). url!"),
        ("urls", "看http://t.cn/abc这个 awww.x http: //", "看url这个 awww.x http: //"),
        ("urls", '<a href="http://x.y/a">the film</a> <http://x.y>', '<a href="url">the film</a> <url>'),
        (drop("urls"), "看http://t.cn/abc这个", "看 这个"),
        ({"urls": {"with": r"\g<0>"}}, "http://a", r"\g<0>"),
        ("emails", "Mail a.b+c@d-e.co.uk. x@y @z 写a@b.com吧", "Mail email. x@y @z 写email吧"),
        ("mentions", "@bob hi,@al_1: a@b.com 你好@张三 @@x @ y", "user hi,user: a@b.com 你好user user @ y"),
        ({"mentions": {"with": "@USER"}}, "@bob @amy", "@USER @USER"),
        (drop("mentions"), "hi @bob", "hi  "),
        ("hashtags", "#a #b#c ##d C# x#y &#39; # #话题#今天", "a b c d C# x#y &#39; # 话题 今天"),
        ({"hashtags": {"action": "replace"}}, "#a #话题#今天", "hashtag hashtag 今天"),
        (drop("hashtags"), "x #a y", "x   y"),
        ("numbers", "1,000.5 at 10:30, 3rd a19 双12店 5kg -7%", "number at number, 3rd a19 双number店 5kg -number%"),
        (drop("numbers"), "a 12 b", "a   b"),
        ("html", "a&amp;amp;lt;b<br/>c &nbsp;<3 x <y &#8217; <!-- z -->", "a<b c \xa0<3 x <y ’  "),
        ({"html": {"tags": False}}, "&lt;b>", "<b>"),
        ({"html": {"entities": False}}, "&lt;b><b>", "&lt;b> "),
        ("mojibake", "schÃ¶n âœ” “quoted” ﬁ &amp;", "schön ✔ “quoted” ﬁ &amp;"),
        ("repeats", "sooooo goood!!!!! 10000", "sooo goood!!! 10000"),
        ({"repeats": {"most": 1}}, "aabb  1100", "ab 1100"),
        ("lowercase", "ÀB İ", "àb i̇"),
        ("lemmas", "The mice were here", "The mouse be here"),
        ("segment", "我爱北京，hello world双12abc", "我 爱 北京，hello world 双 12abc"),
    ],
)  # fmt: skip
def test_step(step: Any, before: str, after: str | None) -> None:
    assert run(before, step) == (before if after is None else after)


# ---- Unicode's own tables


def test_width_is_unicodes_table_of_wide_forms() -> None:
    expected = [
        chr(int(form[1], 16)) if form[:1] == ["<wide>"] else character
        for character in CHARACTERS
        for form in [unicodedata.decomposition(character).split()]
    ]
    assert [cleaning.width(character) for character in CHARACTERS] == expected


def test_punctuation_becomes_ascii_and_nothing_else_does() -> None:
    changed = [character for character in CHARACTERS if cleaning.punctuation(character) != character]
    assert all(cleaning.punctuation(character).isascii() for character in changed)
    kinds = {unicodedata.category(character)[0] for character in changed}
    assert kinds == {"P", "S", "Z"}
    block = [chr(code) for code in range(0x3000, 0x3018)]  # CJK Symbols and Punctuation
    left = "〃〄々〆〇〒〓"  # letters, numbers and signs among them
    assert "".join(character for character in block if character not in changed) == left


@given(st.text())
def test_nfkc_is_unicodedatas(text: str) -> None:
    assert run(text, "nfkc") == unicodedata.normalize("NFKC", text)


def test_marks_are_limited_in_long_texts_only() -> None:
    assert len(run("a" + "\u0316\u0301" * 1000, "nfkc")) == 30
    assert len(run("a" + "\u0316\u0301" * 100, "nfkc")) == 200


# ---- other libraries


def test_every_emoji_is_spelled() -> None:
    names = {language: function({"emoji": {"language": language}}) for language in ("en", "zh")}
    dropped = function(drop("emoji"))
    for text in emoji.EMOJI_DATA:
        for language, spell in names.items():
            name = emoji.demojize(text, language=language, delimiters=("", "")).replace("_", " ")
            assert spell(text) == f" {name} "
        assert dropped(text) == " "


@given(PIECES | ASCII | TRICKY)
def test_entities_are_html_unescape_until_nothing_changes(text: str) -> None:
    expected = text
    while (decoded := html.unescape(expected)) != expected:
        expected = decoded
    assert run(text, {"html": {"tags": False}}) == expected


@given(PIECES | st.lists(st.sampled_from(["<", ">", "<b", "</", "!", " ", "a"])).map("".join))
def test_tags_are_stripped_until_there_is_none(text: str) -> None:
    tag = re.compile("<(/?[A-Za-z]|!)[^<>]*>")
    expected = text
    while tag.search(expected):
        expected = tag.sub(" ", expected)
    assert run(text, {"html": {"entities": False}}) == expected


@given(st.text() | PIECES | st.text().map(lambda text: text.encode().decode("latin-1")))
def test_mojibake_is_ftfys(text: str) -> None:
    assert run(text, "mojibake") == ftfy.fix_encoding(text)


@given(CHINESE, st.sampled_from(["t2s", "tw2s", "tw2sp", "hk2s"]))
def test_simplified_is_openccs(text: str, variant: str) -> None:
    step = {"simplified": {"variant": variant}}
    made = run(text, step)
    assert made == opencc.OpenCC(variant).convert(text)
    assert run(f"{text}\0{text}", step) == f"{made}\0{made}"


@given(CHINESE)
def test_segment_is_jiebas_inside_chinese(text: str) -> None:
    made = run(text, "segment")
    assert made.replace(" ", "") == text.replace(" ", "")
    words = [word for piece in HAN.findall(text) for word in rjieba.cut(piece)]
    assert [word for word in re.split(r"[^\u3400-\u9fff]+", made) if word] == words
    if not HAN.search(text):
        assert made == text


# ---- brute force


@given(st.text(alphabet="ab1 \n中!"), st.integers(1, 4))
def test_repeats(text: str, most: int) -> None:
    kept: list[str] = []
    for character in text:
        if character.isdigit() or kept[-most:] != [character] * most:
            kept.append(character)
    assert run(text, {"repeats": {"most": most}}) == "".join(kept)


@given(PIECES | st.lists(st.sampled_from(["12", "1", ".", ",", ":", "/", "a", "中", " ", "_"])).map("".join))
def test_numbers(text: str) -> None:
    """Every maximal run of digits and inner signs whose neighbours are no Latin letters."""
    made = run(text, {"numbers": {"with": "\ue000"}})
    spans = [match.span() for match in re.finditer(r"\d+([.,:/]\d+)*", text)]
    expected, end = "", 0
    for start, stop in spans:
        beside = text[max(0, start - 1) : start] + text[stop : stop + 1]
        expected += text[end:start] + (text[start:stop] if re.search("[A-Za-z_]", beside) else "\ue000")
        end = stop
    assert made == expected + text[end:]


@given(st.lists(st.sampled_from(["a", "b-", "@", ".", "c.d", " ", "中", "+", "1"])).map("".join))
def test_emails(text: str) -> None:
    """Between characters that no address holds, an address stands for itself as a whole."""
    made = run(text, {"emails": {"with": "\ue000"}})
    address = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
    pieces = re.split(r"([^A-Za-z0-9._%+@-]+)", text)
    expected = [
        "\ue000" + piece[len(piece.rstrip(".")) :]
        if len(piece.rstrip(".")) < len(piece) + 1 and re.fullmatch(address, piece.rstrip("."))
        else piece
        for piece in pieces
    ]
    assert made == "".join(expected)


def test_every_face_has_a_word_in_each_language() -> None:
    for words in emoticons._WORDS.values():
        assert list(words) == list(emoticons._FACES)
        for word in words.values():
            assert not emoticons._ANY.search(word)
