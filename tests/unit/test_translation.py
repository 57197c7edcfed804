"""Masks and the cache, which every engine of translation shares."""

import re
import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from translation_samples import Reversing

from podium.augment.words import cut
from podium.errors import UserError
from podium.translation.cache import FILE, key_of, open_cache, translate
from podium.translation.masks import mask, unmask

KEPT = [
    "https://t.co/aB3?x=1&y=(2)z",
    "www.Example.org/Path",
    "@Some_One",
    "#BlackLivesMatter",
    "mail.me+now@example.co.uk",
    "<br />",
    '<a href="x y">',
    "&amp;",
    "😀",
    "👩‍👩‍👧",
    "🇪🇸",
    "👍🏽",
]
PIECES = [
    *KEPT,
    "word",
    "No",
    "9000001",
    "12.5",
    "(",
    ")",
    ".",
    "!",
    ",",
    " ",
    "  ",
    "\n",
    "é",
    "\\1",
    "\\g<0>",
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join)


@given(TEXTS)
def test_what_is_taken_out_comes_back_where_nothing_is_translated(text: str) -> None:
    masked = mask(text)
    assert unmask(masked, masked.text) == text.strip()
    assert unmask(masked, f"  {masked.text}\n") == text.strip()


@given(st.lists(st.sampled_from(KEPT), min_size=1, max_size=6, unique=True), st.randoms())
def test_every_kept_thing_is_out_of_the_text_and_comes_back_in_any_order(kept: list[str], random) -> None:
    masked = mask(" and ".join(kept))
    assert len(masked.kept) == len(kept)
    assert not any(one in masked.text for one in kept)
    numbers = [one.number for one in masked.kept]
    random.shuffle(numbers)
    back = unmask(masked, " or ".join(numbers))
    assert back is not None
    assert sorted(back.split(" or ")) == sorted(kept)


@given(TEXTS.filter(lambda text: mask(text).kept))
def test_a_number_that_is_lost_doubled_or_changed_gives_the_row_up(text: str) -> None:
    masked = mask(text)
    number = masked.kept[0].number
    for wrong in ("", f"{number} {number}", f"{number}0", f"1{number}", number[:-1]):
        assert unmask(masked, masked.text.replace(number, wrong)) is None


@given(TEXTS)
def test_numbers_are_not_those_of_the_text(text: str) -> None:
    assert all(one.number not in text for one in mask(text).kept)


@pytest.mark.parametrize(
    ("text", "translated", "whole"),
    [
        ("so good😀", "tan bueno N1", "tan bueno😀"),
        ("@bob said no", "no said N1", "no said @bob"),  # it had no blank before it, and needs one now
        ("said @bob", "N1 said", "@bob said"),
        ("(@bob) left", "( N1 ) left", "(@bob) left"),
        ("see http://a.b/c, now", "now see N1", "now see http://a.b/c"),
        ("see http://a.b/c, now", "N1 now", "http://a.b/c now"),
        ("go @al @bo #x home", "home N1 go", "home @al @bo #x go"),
        ("one<br>two", "dos N1 uno", "dos<br>uno"),
    ],
)
def test_blanks_around_what_comes_back(text: str, translated: str, whole: str) -> None:
    masked = mask(text)
    assert unmask(masked, translated.replace("N1", masked.kept[0].number)) == whole


@pytest.mark.parametrize("text", ["a 5 < 6 thing", "3.5% of 1,000 at 12:30", "C# and me @ home", "x & y", ""])
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert mask(text).kept == ()
    assert mask(text).text == text


def test_a_comment_is_kept_as_it_is() -> None:
    masked = mask("so <!-- not <b> shown\nhere --> it is <!-- open")
    assert [one.what for one in masked.kept] == ["<!-- not <b> shown\nhere -->"]
    assert mask("#tag.me@a.org").kept[0].what == "#tag.me@a.org"


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "a.", "@a ", "<!--", "<!-- --> ", "<a", "#a#", "&a", "www.!", "我 ", " "),
        *("😀 a ", "👨\u200d", "9000001 😀 ", "90000001"),
    ],
)
def test_long_texts_take_linear_time(unit: str) -> None:
    """Each of these texts would take minutes or hours in quadratic time."""
    text = "我a" + unit * (400_000 // len(unit))
    masked = mask(text)
    assert unmask(masked, masked.text) == text.strip()
    pieces = list(cut(text))
    assert "".join(part for piece in pieces for part in piece) == text.rstrip()


@settings(max_examples=20)
@given(st.lists(st.sampled_from(["a b", "c d. e f", "", " ", "g", "h i j"]), max_size=12), st.integers(1, 3))
def test_each_different_piece_is_translated_once(texts: list[str], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("podium.translation.cache.sqlite3.connect", lambda *_, **__: _memory())
        with open_cache(Path()) as cache:
            engine = Reversing(size=size)
            made = translate(engine, texts, variant=3, cache=cache)
            pieces = {piece for text in texts for piece in engine.pieces(text)}
            asked = [piece for batch in engine.asked for piece in batch]
            assert sorted(asked) == sorted(pieces)
            expected = [
                " ".join(f"{' '.join(reversed(piece.split()))} 3" for piece in engine.pieces(text))
                for text in texts
            ]
            assert made == expected
            again = Reversing()
            assert translate(again, texts, variant=3, cache=cache) == made
            assert again.asked == []


def _memory() -> sqlite3.Connection:
    return sqlite3.Connection(":memory:")


def test_a_run_with_more_rows_translates_the_new_ones_alone(tmp_path: Path) -> None:
    with open_cache(tmp_path) as cache:
        translate(Reversing(), ["a b", "c d"], variant=0, cache=cache)
    with open_cache(tmp_path) as cache:
        engine = Reversing()
        assert translate(engine, ["e f", "a b", "c d"], variant=0, cache=cache) == ["f e 0", "b a 0", "d c 0"]
        assert engine.asked == [["e f"]]
        other = Reversing()
        translate(other, ["a b"], variant=1, cache=cache)
        assert other.asked == [["a b"]]  # another variant is another translation


def test_a_killed_run_loses_one_batch_at_most_and_ends_the_same(tmp_path: Path) -> None:
    texts = [f"word{place} here" for place in range(20)]
    with pytest.raises(KeyboardInterrupt), open_cache(tmp_path / "killed") as cache:
        translate(Reversing(killed_after=3), texts, variant=0, cache=cache)
    resumed = Reversing()
    with open_cache(tmp_path / "killed") as cache:
        made = translate(resumed, texts, variant=0, cache=cache)
    assert [piece for batch in resumed.asked for piece in batch] == texts[12:]
    with open_cache(tmp_path / "whole") as cache:
        assert made == translate(Reversing(), texts, variant=0, cache=cache)


def test_jobs_share_a_cache(tmp_path: Path) -> None:
    texts = [f"word{place} here" for place in range(60)]
    made: dict[int, list[str]] = {}

    def work(number: int) -> None:
        with open_cache(tmp_path) as cache:
            order = texts if number % 2 else texts[::-1]
            found = dict(zip(order, translate(Reversing(), order, variant=0, cache=cache), strict=True))
            made[number] = [found[text] for text in texts]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert all(one == made[0] for one in made.values())


def test_a_text_of_which_a_piece_is_missing_is_not_half_translated(tmp_path: Path) -> None:
    class Failing(Reversing):
        def translate(self, pieces, variant):
            return ["" if "bad" in piece else piece for piece in pieces]

    with open_cache(tmp_path) as cache:
        assert translate(Failing(), ["good. bad", "good"], variant=0, cache=cache) == ["", "good"]


def test_an_engine_that_loses_count_is_an_error(tmp_path: Path) -> None:
    class Losing(Reversing):
        def translate(self, pieces, variant):
            return list(pieces)[1:]

    with open_cache(tmp_path) as cache, pytest.raises(ValueError, match="0 translations of 1"):
        translate(Losing(), ["a"], variant=0, cache=cache)


@given(st.text(), st.text(), st.text(), st.text())
def test_keys_do_not_meet(identity: str, text: str, other_identity: str, other: str) -> None:
    one, two = Reversing(), Reversing()
    one.identity, two.identity = identity, other_identity
    same = (identity, text) == (other_identity, other)
    assert (key_of(one, text, 0) == key_of(two, other, 0)) == same
    assert key_of(one, text, 0) != key_of(one, text, 1)


def test_a_file_that_is_no_cache_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("not a database, but long enough to be looked at\n" * 20)
    with pytest.raises(UserError, match=re.escape(FILE)), open_cache(tmp_path):
        pass
