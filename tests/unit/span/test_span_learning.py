"""Pseudo-labels that the members agree on, and contexts in another order."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from podium.config.span import SpanPseudo
from podium.span.answers import Answer, decode, encode
from podium.span.augment import shuffle_sentences, shuffled
from podium.span.decode import DecodeOptions
from podium.span.predictions import Spans
from podium.span.pseudo import PseudoOptions, choose
from podium.span.sentences import Words, sentences

DECODING = DecodeOptions(max_characters=1, candidates=10, complete=False)
OPTIONS = PseudoOptions(**SpanPseudo().model_dump())
PIECES = [
    "One two. ",
    "Three!",
    " ",
    "四五。",
    "“六七？”",
    "\n",
    "e.g. this",
    "8.5",
    "  ",
    "Nine\n\n",
    "；",
    "x",
]


def says(*tops: list[float], null: float = 0.0) -> Spans:
    """A voter that gives the first characters of each question these probabilities, as starts and as ends."""
    rows = np.repeat(np.arange(len(tops)), [len(top) for top in tops])
    places = np.concatenate([np.arange(len(top)) for top in tops])
    values = np.concatenate(tops)
    return Spans.gather(
        [f"q{row}" for row in range(len(tops))], rows, places, values, values, np.full(len(tops), null)
    )


def test_only_what_all_are_sure_of_is_taken() -> None:
    sure, torn, unsure = [0.9, 0.02, 0.01], [0.6, 0.4], [0.05, 0.1, 0.02]
    voters = [says(sure, torn, unsure, sure), says(sure, torn, unsure, sure[::-1])]
    given: dict[str, Any] = {"threshold": None, "decoding": DECODING}

    def taken(options: PseudoOptions) -> list[int]:
        return np.flatnonzero(choose(voters, ["abc"] * 4, options=options, **given)["accepted"]).tolist()

    found = choose(voters, ["abc"] * 4, options=OPTIONS, **given)
    assert taken(OPTIONS) == [0]
    places = [decode(target)[0] for target in found["label"]]
    assert places[:3] == [Answer(0, 1, "a"), Answer(0, 1, "a"), Answer(1, 2, "b")]
    assert found["votes"].tolist()[:3] == [2, 2, 2]
    assert found["votes"][3] == 1
    np.testing.assert_allclose(found["confidence"], [0.9, 0.6, 0.1, 0.455])
    assert found["why"].tolist() == [
        *("accepted", "another span is nearly as probable", "below confidence", "votes differ")
    ]
    close = dataclasses.replace(OPTIONS, margin=0.5)
    assert taken(close) == [0, 1]
    half = dataclasses.replace(OPTIONS, agree=0.5, confidence=0.4, margin=0.0)
    assert taken(half) == [0, 1, 3]
    few = dataclasses.replace(half, max_share=0.25)
    assert taken(few) == [0]
    assert choose(voters, ["abc"] * 4, options=few, **given)["why"].tolist()[1] == "max_share reached"


def test_a_share_of_the_questions_is_rounded_as_a_person_would() -> None:
    options = dataclasses.replace(OPTIONS, max_share=0.29)
    found = choose(
        [says(*[[0.9, 0.01]] * 100)], ["ab"] * 100, threshold=None, decoding=DECODING, options=options
    )
    assert found["accepted"].sum() == 29


def test_questions_that_may_have_no_answer_are_left() -> None:
    sure = [0.9, 0.05]
    voters = [says(sure), says(sure, null=0.4)]
    silent = [says(sure, null=1.0)] * 2
    every = dataclasses.replace(OPTIONS, max_share=1.0)
    for asked, threshold, why in (
        (voters, 0.0, "accepted"),
        (voters, -0.5, "votes differ"),
        (voters, -2.0, "better left without an answer"),
        (silent, None, "below confidence"),
        ([says([])] * 2, None, "no span in the context"),
    ):
        found = choose(asked, ["ab"], threshold=threshold, decoding=DECODING, options=every)
        assert found["why"].tolist() == [why]
        assert found["label"].tolist() == ["" if "no span" in why else '[[0,1,"a"]]']


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=14).map("".join), st.integers(0, 99), st.data())
def test_answers_move_with_their_sentences(context: str, seed: int, data: st.DataObject) -> None:
    letters = [place for place, letter in enumerate(context) if not letter.isspace()]
    answers = [Answer(-1, -1, "lost")]
    for _ in range(data.draw(st.integers(0, 3)) if letters else 0):
        low, high = sorted(data.draw(st.tuples(st.sampled_from(letters), st.sampled_from(letters))))
        answers.append(Answer(low, high + 1, context[low : high + 1]))
    found = shuffled(context, answers, np.random.default_rng(seed))
    if found is None:
        return
    text, moved = found
    assert sorted(text) == sorted(context)
    assert len(text) == len(context)
    assert moved[0] == answers[0]
    for old, new in zip(answers[1:], moved[1:], strict=True):
        assert text[new.start : new.end] == new.text == old.text


def test_rows_are_made_from_their_sources_alone() -> None:
    target = encode([Answer(9, 14, "Three")])
    rows = pd.DataFrame(
        {
            "id": ["1", "2"],
            "text_a": ["q", "r"],
            "text_b": ["One two. Three four.", "Only one."],
            "target": target,
        }
    )
    made = shuffle_sentences(rows, seed=3)
    assert made[["id", "source_id", "text_b"]].values.tolist() == [
        ["1#shuffled", "1", "Three four. One two."]
    ]
    assert decode(made["target"][0]) == [Answer(0, 5, "Three")]
    assert shuffle_sentences(rows.iloc[::-1], seed=3).equals(made)


@given(st.lists(st.sampled_from([*PIECES, "3,000", "don't"]), max_size=14).map("".join))
def test_sentences_and_words_are_parts_of_the_text(context: str) -> None:
    parts = sentences(context)
    assert "".join(context[low:high] for low, high in parts) == context
    words = Words.of(context)
    assert [context[low:high] for low, high in zip(words.start, words.end, strict=True)] == words.raw
    assert "".join(words.raw) == "".join(context.split())


def test_sentences_of_two_scripts() -> None:
    context = "他在1.5米处。“真的？”是！ He paid 3.50 (U.S.). Then left"
    assert [context[low:high] for low, high in sentences(context)] == [
        *("他在1.5米处。", "“真的？”", "是！", " He paid 3.50 (U.S.).", " Then left")
    ]
