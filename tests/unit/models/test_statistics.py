"""Text statistics by hand, and what holds for any text."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.models.statistics import NAMES, PAIR_NAMES, text_statistics
from podium.models.words import tokenise

SHARES = ("upper", "digits", "punctuation", "non_ascii", "emoji", "unique_words")


def of(first: str, second: str | None = None) -> dict[str, float]:
    rows = pd.DataFrame({"text_a": [first]}, dtype="str")
    names = list(NAMES)
    if second is not None:
        rows["text_b"] = second
        names += [f"{name}_b" for name in NAMES] + list(PAIR_NAMES)
    found = text_statistics(rows)
    assert found.dtype == np.float32
    assert found.shape == (1, len(names))
    return dict(zip(names, found[0].tolist(), strict=True))


def test_an_english_text() -> None:
    text = "@ann GO, go! 42 #win? https://x.io/a?b www.y.de 😀é ann@x.de C#"
    found = of(text)
    words = [
        "ann",
        "go",
        "go",
        "42",
        "win",
        "https",
        "x",
        "io",
        "a",
        "b",
        "www",
        "y",
        "de",
        "é",
        "ann",
        "x",
        "de",
        "c",
    ]
    expected = {
        "characters": 62,
        "words": len(words),
        "word_length": np.mean([len(word) for word in words]),
        "upper": 3 / 62,
        "digits": 2 / 62,
        "punctuation": sum(text.count(sign) for sign in "@,!#?:/.") / 62,
        "non_ascii": 2 / 62,
        "emoji": 1 / 62,
        "urls": 2,
        "mentions": 1,
        "hashtags": 1,
        "questions": 2,
        "exclamations": 1,
        "unique_words": len(set(words)) / len(words),
    }
    assert len(text) == 62
    assert found == pytest.approx(expected)


def test_a_chinese_text() -> None:
    found = of("今天好吗？好！")
    assert found["words"] == 5  # its letters
    assert (found["questions"], found["exclamations"], found["non_ascii"]) == (1, 1, 1)
    assert found["unique_words"] == pytest.approx(4 / 5)
    assert found["punctuation"] == pytest.approx(2 / 7)
    assert found["emoji"] == 0


def test_pairs() -> None:
    assert of("a b b", "B c")["jaccard"] == pytest.approx(1 / 3)
    assert of("a b b", "B c")["length_ratio"] == pytest.approx(3 / 5)
    assert (of("", "")["jaccard"], of("", "")["length_ratio"]) == (1, 1)
    assert (of("a", "")["jaccard"], of("a", "")["length_ratio"]) == (0, 0)


@given(st.text(), st.text())
def test_shares_are_shares_and_a_pair_is_its_texts(first: str, second: str) -> None:
    found, other = of(first, second), of(second, first)
    assert np.isfinite(list(found.values())).all()
    for name in SHARES:
        assert 0 <= found[name] <= 1
    for name in PAIR_NAMES:
        assert 0 <= found[name] == other[name] <= 1
    for name, value in of(second).items():
        assert found[f"{name}_b"] == value
    one, two = map(set, tokenise([first, second], lowercase=True))
    assert (found["jaccard"] == 1) == (one == two)
