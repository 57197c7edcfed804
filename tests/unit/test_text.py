"""Text views of a table in memory, and what holds for every step and text."""

import itertools
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from podium.config.text import plain_steps
from podium.errors import UserError
from podium.text import STEP_NAMES, normalise
from podium.text.same import digests, first_rows

MILLION = 1_000_000
#: One of each step with each of its forms.
FORMS: list[Any] = [
    *(name for name in STEP_NAMES if name != "drop_duplicates"),
    *({name: {"action": "drop"}} for name in ("urls", "emails", "mentions", "hashtags", "numbers")),
    *({name: {"action": "drop"}} for name in ("emoji", "emoticons")),
    {"hashtags": {"action": "replace"}},
    {"mentions": {"with": "@USER"}},
    {"urls": {"with": "HTTPURL"}},
    {"emoji": {"language": "zh"}},
    {"emoticons": {"language": "zh"}},
    {"repeats": {"most": 1}},
    {"simplified": {"variant": "tw2sp"}},
    {"segment": {"new_words": False}},
    {"html": {"tags": False}},
]
#: Twice is once for all but these: a base form may be a form of another word, a word alone may be cut again, and a
#: simplified character may be the traditional form of another (么 in tw2s).
ONCE_ONLY = ("lemmas", "segment", "simplified")
REPEATABLE = [
    form for form in FORMS if (form if isinstance(form, str) else next(iter(form))) not in ONCE_ONLY
]

TRICKY = st.text(
    alphabet="ab1A. \n\t@#:/&_-w%;,lt<>!\x00\u200b\u200d\u200c\ufe0f\u3000中，ﬁＡÅa\u0301\u0316👍👨👩❤🏽🇨🇳\u20e3™"
)
PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "http://",
                "www.",
                "t.co/x",
                "a@b.c",
                "@a",
                "#a",
                "##",
                "12",
                "1,0",
                "3rd",
                "-",
                ".",
                " ",
                "中",
                "a",
            ),
            *(
                "&amp;",
                "&lt;",
                "&#38",
                "&am",
                "p;",
                "lt;",
                "&",
                "<b>",
                "<",
                ">",
                "<!--",
                "-->",
                "<3",
                "</3",
                "&#1;",
            ),
            *(
                ":",
                ")",
                "(",
                "D",
                "XD",
                "T_T",
                "o_O",
                ":/",
                "/",
                "\\",
                "*",
                "-_-",
                "^_^",
                ";_;",
                "'",
                "|",
                "P",
                "orz",
            ),
            *(
                "Ã¤",
                "â€",
                "™",
                "\xa0",
                "ï",
                "¼",
                "Â",
                "é",
                "：",
                "！",
                "“",
                "《",
                "👍",
                ":thumbs_up:",
                "\u200d",
                "aaaa",
            ),
        ]
    )
).map("".join)


def apply(text: str, *steps: Any, language: str = "en") -> str:
    table = pd.DataFrame({"id": ["1"], "text_a": [text]})
    return str(normalise(table, plain_steps(list(steps)), language=language, wordnet=None)["text_a"][0])


@given(TRICKY | PIECES | st.text(), st.sampled_from(REPEATABLE))
@example("XD:)XD:/XD:*XD:(XD>:(XD", "emoticons")
@example("&am&#112;amp;amp;lt;b>x", "html")
@example("a@b.c+d@e.f@g.h", "emails")
@example("<A<A>>", "html")
def test_a_step_twice_is_the_step_once(text: str, step: Any) -> None:
    once = apply(text, step)
    assert apply(once, step) == once


@given(st.lists(st.sampled_from([":", "=", ";", "-", "o", "'", ")", "(", "D", "X", "x", "T", "_", "O", "*", "/", "|"])
    | st.sampled_from([">", "<", "3", "^", ".", "Q", "A", "P", "orz", " ", "a", "中"])).map("".join))  # fmt: skip
def test_faces_in_words_make_no_new_faces(text: str) -> None:
    for action in ("words", "drop"):
        once = apply(text, {"emoticons": {"action": action}})
        assert apply(once, {"emoticons": {"action": action}}) == once


@given(st.lists(TRICKY | st.none(), max_size=4), st.lists(st.sampled_from(FORMS), max_size=5))
def test_shape_and_no_null(texts: list[str | None], steps: list[Any]) -> None:
    ids = [f"00{k}" for k in range(len(texts))]
    table = pd.DataFrame(
        {"text_b": texts, "id": ids, "text_a": texts[::-1]}, index=range(5, 5 + len(texts)), dtype="str"
    )
    before = table.copy()
    made = normalise(table, plain_steps(steps), language="en", wordnet=None)
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


@pytest.mark.parametrize("step", FORMS, ids=str)
def test_a_million_hostile_characters_take_linear_time(step: Any) -> None:
    """Each of these texts would take hours in quadratic time."""
    units = [
        *(
            "a",
            "中",
            "髮",
            "@",
            "#a",
            "http://",
            "www.!",
            ":a",
            "a\u0301\u0316",
            "\u0301\u0316",
            "\uff9e\u0301",
        ),
        *(
            "👨\u200d",
            " \u200d",
            "a'",
            "running ",
            "&",
            "amp;",
            "&#38;",
            "<!--",
            "<a",
            "1,",
            "1",
            "a@",
            "a.",
            "Ã",
        ),
        *("(", ":D", "XD", "-_", "ab@c", "â€", "<a<b>>", "<b "),
    ]
    for unit in units:
        text = unit * (MILLION // len(unit) // 5)
        assert isinstance(apply(f"&{text}", step), str)


@pytest.mark.parametrize("face", ["XD", "xD", "T_T", "o_O", "O.o", "QAQ", "orz"])
def test_a_face_that_needs_room_begins_with_a_letter(face: str) -> None:
    """The rule that ``podium.text.emoticons`` rests on."""
    assert apply(f"a{face} ", "emoticons") == f"a{face} "
    assert apply(f"中{face} ", "emoticons") != f"中{face} "
    assert apply(f"{face}1", "emoticons") == f"{face}1"


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "A", "b ", "", "12"]), st.sampled_from(["", "a", "1"])), max_size=9
    ),
    st.booleans(),
)
def test_same_as_is_the_first_row_with_equal_texts(texts: list[tuple[str, str]], pair: bool) -> None:
    table = pd.DataFrame(texts, columns=["text_a", "text_b"], dtype="str").assign(
        id=[f"r{k}" for k in range(len(texts))]
    )
    if not pair:
        table = table.drop(columns="text_b")
    steps = plain_steps(["lowercase", "whitespace", "drop_duplicates"])
    made = normalise(table, steps, language="en", wordnet=None)
    columns = [name for name in ("text_a", "text_b") if name in table]
    for k, row in made.iterrows():
        equal = (made[columns] == row[columns]).all(axis=1)
        assert row["same_as"] == made["id"][equal].iloc[0], k
    assert made["same_as"].dtype == "str"


def test_digests_tell_pairs_of_texts_apart() -> None:
    texts = ["".join(some) for size in range(4) for some in itertools.product("0:a", repeat=size)]
    first, second = zip(*itertools.product(texts, repeat=2), strict=True)
    assert first_rows(digests([first, second])).tolist() == list(range(len(texts) ** 2))


def test_user_errors() -> None:
    table = pd.DataFrame({"id": ["1"], "text_a": ["a"]})
    with pytest.raises(UserError, match=r"no step 'lower' \(did you mean 'lowercase'"):
        normalise(table, [{"step": "lower"}], language="en", wordnet=None)
    with pytest.raises(UserError, match="must be the last one"):
        apply("a", "drop_duplicates", "nfkc")
    with pytest.raises(UserError, match="no emoji names in language 'xx'"):
        apply("a", "emoji", language="xx")
    with pytest.raises(UserError, match="no words for emoticons in language 'de'"):
        apply("a", "emoticons", language="de")


@pytest.mark.skipif("PODIUM_DATA" not in os.environ, reason="PODIUM_DATA names no folder of public data sets")
@pytest.mark.parametrize(("name", "language"), [("mr", "en"), ("sentiment", "zh")])
def test_real_text(name: str, language: str) -> None:
    table = pd.read_csv(Path(os.environ["PODIUM_DATA"]) / name / "test.csv", dtype="str").head(1000)
    table = table.rename(columns={"text": "text_a"})[["id", "text_a"]]
    steps = plain_steps([*(name for name in FORMS if isinstance(name, str)), "whitespace"])
    made = normalise(table, steps, language=language, wordnet=None)
    assert made["text_a"].str.len().gt(0).all()
    assert not made["text_a"].str.contains(r"\s\s|[A-Z]").any()
