"""Words of texts, and the vocabularies made of them."""

import re
from collections import Counter

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from podium.models.words import count, segments, tokenise, vocabulary


def test_words_punctuation_and_letters_of_scripts_without_spaces() -> None:
    found = tokenise(["Don't stop!  今天好OK?", "", "ภาษา \u00e9t\u00e9_2"], lowercase=True)
    assert list(found) == [
        ["don", "'", "t", "stop", "!", "今", "天", "好", "ok", "?"],
        [],
        ["ภ", "า", "ษ", "า", "été_2"],
    ]
    assert next(tokenise(["Ab"], lowercase=False)) == ["Ab"]


@given(st.text())
def test_no_character_is_lost(text: str) -> None:
    assert "".join(next(tokenise([text], lowercase=False))) == re.sub(r"\s", "", text)


@given(
    st.lists(st.lists(st.sampled_from("abcdef"))),
    st.integers(1, 3),
    st.integers(1, 5),
    st.sets(st.sampled_from("abz")),
)
def test_vocabulary_keeps_the_frequent_and_the_known(
    lists: list[list[str]], least: int, most: int, known: set[str]
) -> None:
    counts = count(lists)
    assert counts == Counter(word for words in lists for word in words)
    found = vocabulary(counts, min_count=least, max_words=most, known=known)
    allowed = {word for word in counts if counts[word] >= least or word in known}
    assert len(found) == len(set(found)) == min(most, len(allowed))
    assert set(found) <= allowed
    keys = [(-counts[word], word) for word in found]
    assert keys == sorted(keys)
    assert all(key > keys[-1] for word in allowed - set(found) if (key := (-counts[word], word)))


def test_segments_in_their_order() -> None:
    assert segments(pd.DataFrame(columns=["id", "text_b", "text_a"])) == ["text_a", "text_b"]
    assert segments(pd.DataFrame(columns=["text_a"])) == ["text_a"]
