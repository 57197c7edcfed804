"""Windows: no answer is lost, whatever the overlap, the tokenizer and the script of the context."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizer_samples import save

from podium import tokens
from podium.engine.template import Template
from podium.errors import UserError
from podium.span.answers import Answer
from podium.span.placement import draw_windows, places
from podium.span.windows import (
    NULL,
    Texts,
    WindowOptions,
    all_windows,
    before_context,
    encode,
    rooms,
    token_spans,
    tokenise,
)

NAMES = ("bert", "roberta", "modernbert", "xlm_roberta", "deberta")
PIECES = [
    *("the", "cat", " ", "  ", "\u3000", "\n", "unbelievable", "dog.", "x-y", "(a)", "Ａ１", "é", "e\u0301"),
    *(
        "你",
        "好你好",
        "「你」",
        "\U0001f600",
        "\U0001f468\u200d\U0001f469",
        "\u0e01\u0e34",
        "한국",
        "ﬁ",
        "3.14",
        "\t",
    ),
]
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=40).map("".join).filter(str.strip)


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tokens.Tokenizer]:
    return {name: tokens.open_tokenizer(save(name, tmp_path_factory.mktemp(name))) for name in NAMES}


def texts_of(tokenizer: tokens.Tokenizer, question: str, *contexts: str) -> Texts:
    rows = pd.DataFrame({"text_a": [question] * len(contexts), "text_b": list(contexts)}, dtype="str")
    return tokenise(tokenizer, rows, max_question=4)


def span_of(data: st.DataObject, context: str) -> Answer:
    """A part of the context without white space at its ends."""
    letters = [place for place, letter in enumerate(context) if not letter.isspace()]
    low = data.draw(st.sampled_from(letters))
    high = data.draw(st.sampled_from([place for place in letters if place >= low]))
    return Answer(low, high + 1, context[low : high + 1])


@settings(deadline=None, max_examples=150)
@given(TEXTS, st.sampled_from(NAMES), st.integers(0, 11), st.integers(0, 3), st.data())
def test_every_answer_is_whole_in_a_window(
    tokenizers: dict[str, tokens.Tokenizer],
    context: str,
    name: str,
    overlap: int,
    more: int,
    data: st.DataObject,
) -> None:
    tokenizer = tokenizers[name]
    template = Template.of(tokenizer)
    options = WindowOptions(
        max_length=overlap + 1 + more + 4 + template.pair.specials, max_question=4, overlap=overlap
    )
    texts = texts_of(tokenizer, "the cat a dog x", context)
    room = rooms(texts, template, options)
    answer = span_of(data, context)
    ((low, high),) = token_spans(texts, np.zeros(1, dtype=int), [answer]).tolist()
    if high < low:  # letters that a tokenizer drops, such as a joiner
        assert not tokenizer.ids([answer.text])[0]
        return
    # The tokens hold the answer, and no other token touches it
    assert (
        texts.start[low] <= answer.start or not tokenizer.ids([context[answer.start : texts.start[low]]])[0]
    )
    assert texts.end[high] >= answer.end or not tokenizer.ids([context[texts.end[high] : answer.end]])[0]
    assert texts.end[low] > answer.start
    assert texts.start[high] < answer.end
    assert low == 0 or texts.end[low - 1] <= answer.start
    assert high + 1 == len(texts.start) or texts.start[high + 1] >= answer.end

    windows = all_windows(texts, room, overlap=overlap)
    inside = (windows.first <= low) & (high < windows.first + windows.count)
    if high - low <= overlap:
        assert inside.any()
    covered = np.zeros(len(texts.start), dtype=bool)
    for first, count in zip(windows.first, windows.count, strict=True):
        covered[first : first + count] = True
    assert covered.all()  # so that start and end are each in a window even where no window has both

    drawn = draw_windows(texts, room, [[answer]], np.zeros(1, dtype=int), draws=3, negatives=1.0, seed=more)
    if high - low >= room[0]:
        assert (drawn.skipped, len(drawn.target)) == (1, 0)
        return
    positive = drawn.target[:, 0] >= 0
    assert np.bincount(drawn.draw[positive], minlength=3).tolist() == [1, 1, 1]
    absolute = drawn.target[positive] + drawn.windows.first[positive, None]
    assert (absolute == (low, high)).all()
    assert (drawn.target[positive] < drawn.windows.count[positive, None]).all()
    ends = drawn.windows.first + drawn.windows.count
    assert ((ends <= low) | (drawn.windows.first > high))[~positive].all()


@pytest.mark.parametrize("name", NAMES)
def test_accents_stay_with_their_letters(tokenizers: dict[str, tokens.Tokenizer], name: str) -> None:
    """Whether a tokenizer drops them, joins them or keeps them apart."""
    context = "the cafe\u0301 x e\u0301\u0301"
    texts = texts_of(tokenizers[name], "cat", context)
    for start, end in ((4, 9), (12, 15)):
        answer = Answer(start, end, context[start:end])
        ((low, high),) = token_spans(texts, np.zeros(1, dtype=int), [answer]).tolist()
        assert context[texts.start[low] : texts.end[high]] == answer.text


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.sampled_from(NAMES), st.integers(0, 6))
def test_sequences_are_those_of_the_tokenizer(
    tokenizers: dict[str, tokens.Tokenizer], context: str, name: str, overlap: int
) -> None:
    """Marks stand at the context's letters and nowhere in the question."""
    tokenizer = tokenizers[name]
    template = Template.of(tokenizer)
    options = WindowOptions(max_length=9 + overlap + template.pair.specials, max_question=4, overlap=overlap)
    texts = texts_of(tokenizer, "the cat a dog x", context, context + " cat")
    windows = all_windows(texts, rooms(texts, template, options), overlap=overlap)
    encoded = encode(texts, windows, template, max_length=options.max_length, nulls=True)
    batch = encoded.batch(np.arange(len(windows.row)), torch.device("cpu"), multiple=1)
    assert batch.marks is not None
    assert batch.inputs["input_ids"].shape[1] <= options.max_length
    question, whole = tokenizer.ids(["the cat a dog x"])[0][:4], tokenizer.ids([context, context + " cat"])
    before = before_context(texts, windows, template)
    for number, row in enumerate(windows.row.tolist()):
        first, count = int(windows.first[number]), int(windows.count[number])
        part = whole[row][first : first + count]
        wanted: list[int] = []
        for code in template.pair.ids:
            wanted += [code] if code >= 0 else question if code == -1 else part
        ids = batch.inputs["input_ids"][number].tolist()
        assert ids[: len(wanted)] == wanted
        marks = np.flatnonzero(batch.marks[number].numpy())
        own = texts.context.starts[row] + first + np.arange(count)
        letters = np.flatnonzero(texts.end[own] > texts.start[own])
        assert marks.tolist() == [NULL, *(before[number] + letters)]


def test_windows_stand_at_random_places(tokenizers: dict[str, tokens.Tokenizer]) -> None:
    texts = texts_of(tokenizers["bert"], "cat", " ".join(["dog"] * 40))
    answer = Answer(4 * 20, 4 * 20 + 3, "dog")
    room = np.array([10])
    drawn = draw_windows(texts, room, [[answer]], np.zeros(1, dtype=int), draws=2000, negatives=0.5, seed=0)
    positive = drawn.target[:, 0] >= 0
    seen = np.bincount(drawn.target[positive, 0], minlength=10)
    assert len(seen) == 10
    assert seen.min() > 150
    assert (~positive).sum() == 0  # half of one question is none
    drawn = draw_windows(texts, room, [[answer]], np.zeros(1, dtype=int), draws=2000, negatives=1.0, seed=0)
    away = drawn.windows.first[drawn.target[:, 0] < 0]
    assert len(away) == 2000
    assert set(away.tolist()) == {*range(11), *range(21, 31)}
    assert (places(drawn, np.full(len(drawn.target), 3))[drawn.target[:, 0] < 0] == NULL).all()


def test_no_window_in_a_long_answer_is_taught_as_one_without(tokenizers: dict[str, tokens.Tokenizer]) -> None:
    """Of two published answers the longer one fits no window: it is an answer nevertheless."""
    context = " ".join(["dog"] * 40)
    texts = texts_of(tokenizers["bert"], "cat", context)
    spans = [(10, 12), (10, 29)]
    answers = [[Answer(4 * low, 4 * high + 3, context[4 * low : 4 * high + 3]) for low, high in spans]]
    drawn = draw_windows(
        texts, np.array([10]), answers, np.zeros(1, dtype=int), draws=500, negatives=1.0, seed=0
    )
    away = drawn.windows.first[drawn.target[:, 0] < 0]
    assert set(away.tolist()) == {0, 30}


def test_unanswerable_and_untrainable_questions(tokenizers: dict[str, tokens.Tokenizer]) -> None:
    texts = texts_of(tokenizers["bert"], "cat", *(" ".join(["dog"] * count) for count in (30, 5, 30)))
    answers = [[], [], [Answer(0, 29 * 4 + 3, "dog")]]
    drawn = draw_windows(texts, np.full(3, 10), answers, np.arange(3), draws=4, negatives=1.0, seed=0)
    assert drawn.skipped == 1
    assert (drawn.target == -1).all()
    assert sorted(drawn.windows.row.tolist()) == [0] * 4 + [1] * 4
    assert (drawn.windows.first[drawn.windows.row == 1] == 0).all()


def test_an_overlap_as_long_as_the_window_is_refused(tokenizers: dict[str, tokens.Tokenizer]) -> None:
    template = Template.of(tokenizers["bert"])
    texts = texts_of(tokenizers["bert"], "cat", "dog")
    for overlap in (9, 20, -1):
        with pytest.raises(
            UserError, match=f"overlap {overlap} must be shorter than the window.*leaves 9 tokens"
        ):
            rooms(texts, template, WindowOptions(max_length=16, max_question=4, overlap=overlap))
    assert rooms(texts, template, WindowOptions(max_length=16, max_question=4, overlap=8)).tolist() == [12]


def test_encoders_without_a_first_special_token_are_refused(tmp_path: Path) -> None:
    tokenizer = tokens.open_tokenizer(save("xlnet", tmp_path))
    texts = texts_of(tokenizer, "cat", "dog")
    with pytest.raises(UserError, match="no special token before a text"):
        rooms(texts, Template.of(tokenizer), WindowOptions(max_length=16, max_question=4, overlap=1))
    (tmp_path / "slow").mkdir()
    with pytest.raises(UserError, match="tokenizer"):
        texts_of(tokens.open_tokenizer(save("byt5", tmp_path / "slow")), "cat", "dog")
