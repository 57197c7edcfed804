"""The table of predictions, averages of it, and the spans that come out of it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.span.answers import Answer
from podium.span.decode import PAIRS, DecodeOptions, completed, decode, doubts, length_limit, n_best
from podium.span.predictions import Spans, average, check, join, read, write

OPTIONS = DecodeOptions(max_characters=4, candidates=20, complete=False)


def dense(start: np.ndarray, end: np.ndarray, null: np.ndarray) -> Spans:
    """Predictions of N questions with a probability for each of L characters."""
    rows, places = (grid.ravel() for grid in np.indices(start.shape))
    ids = [f"q{number}" for number in range(len(start))]
    return Spans.gather(ids, rows, places, start.ravel(), end.ravel(), null)


def random_spans(seed: int, questions: int = 3, length: int = 9) -> Spans:
    generator = np.random.default_rng(seed)
    start, end = generator.dirichlet(np.full(length, 0.5), (2, questions))
    return dense(start, end, generator.random(questions))


# ---- the table


@given(st.integers(0, 2**20))
def test_the_table_survives_its_file(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    folder = tmp_path_factory.mktemp("spans")
    spans = random_spans(seed).pruned(kept=3, least=0.01)
    write(spans, folder / "a.parquet")
    found = read(folder / "a.parquet")
    assert found.ids == spans.ids
    for field in ("offsets", "places"):
        np.testing.assert_array_equal(getattr(found, field), getattr(spans, field))
    for field in ("start", "end", "null"):
        np.testing.assert_allclose(getattr(found, field), getattr(spans, field), rtol=1e-6)
    write(found, folder / "b.parquet")
    assert (folder / "a.parquet").read_bytes() == (folder / "b.parquet").read_bytes()


def test_an_empty_table_and_questions_without_places(tmp_path: Path) -> None:
    none = np.zeros(0)
    for ids in ([], ["a", "b"]):
        spans = Spans.gather(ids, none.astype(int), none.astype(int), none, none, np.ones(len(ids)))
        write(spans, tmp_path / "a.parquet")
        assert read(tmp_path / "a.parquet").ids == ids
        assert decode(spans, ["x"] * len(ids), options=OPTIONS).text == [""] * len(ids)
        assert len(average([spans, spans], [1, 2])) == len(ids)


def test_rows_are_taken_joined_and_ordered() -> None:
    spans = random_spans(3)
    parts = [spans.take(np.array([2])), spans.take(np.array([0, 1]))]
    again = join(parts).in_order(spans.ids)
    np.testing.assert_array_equal(again.start, spans.start)
    np.testing.assert_array_equal(again.offsets, spans.offsets)
    with pytest.raises(ValueError, match="lack 1 questions, the first is 'x'"):
        spans.in_order(["q0", "x"])


def test_what_is_no_probability_is_refused() -> None:
    spans = random_spans(1)
    for changes in (
        {"start": spans.start * 1.5},
        {"end": -spans.end},
        {"null": spans.null * np.nan},
        {"places": spans.places[::-1]},
    ):
        with pytest.raises(ValueError, match="predictions of spans"):
            check(dataclasses.replace(spans, **changes))


def test_pruning_keeps_the_most_probable() -> None:
    spans = random_spans(5, questions=1)
    pruned = spans.pruned(kept=2, least=0.0)
    wanted = {*np.argsort(-spans.start)[:2].tolist(), *np.argsort(-spans.end)[:2].tolist()}
    assert pruned.places.tolist() == sorted(wanted)
    assert pruned.start.sum() == pytest.approx(spans.start[sorted(wanted)].sum())


# ---- averages


@given(
    st.integers(0, 2**20), st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda w: sum(w) > 0.1)
)
def test_averages_are_those_of_joint_probabilities(seed: int, weights: list[float]) -> None:
    members = [random_spans(seed + number) for number in range(3)]
    found = average(members, weights)
    check(found)
    share = np.array(weights) / sum(weights)
    np.testing.assert_allclose(found.null, sum(w * m.null for w, m in zip(share, members, strict=True)))
    for name in ("start", "end"):
        dense_mean = sum(
            w * getattr(m, name).reshape(3, -1) * (1 - m.null[:, None])
            for w, m in zip(share, members, strict=True)
        )
        np.testing.assert_allclose(
            getattr(found, name).reshape(3, -1) * (1 - found.null[:, None]), dense_mean
        )


def test_a_member_alone_and_equal_members_stay_what_they_are() -> None:
    spans, other = random_spans(7), random_spans(8)
    for found in (average([spans, other], [2, 0]), average([spans, spans], [1, 3])):
        np.testing.assert_array_equal(found.places, spans.places)
        np.testing.assert_allclose(found.start, spans.start)
        np.testing.assert_allclose(found.null, spans.null)
    silent = dataclasses.replace(spans, null=np.ones(3))
    np.testing.assert_allclose(average([silent, silent], [1, 1]).start, spans.start)
    with pytest.raises(ValueError, match="other questions"):
        average([spans, other.take(np.array([1, 0, 2]))], [1, 1])
    with pytest.raises(ValueError, match="cannot be averaged by the weights"):
        average([spans, other], [1, -1])


# ---- decoding


@settings(deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 9))
def test_the_best_spans_are_those_of_all_pairs(seed: int, limit: int) -> None:
    spans = random_spans(seed)
    options = dataclasses.replace(OPTIONS, max_characters=limit)
    found = n_best(spans, count=5, options=options)
    decoded = decode(spans, ["abcdefghi"] * 3, options=options)
    for row in range(3):
        own = slice(spans.offsets[row], spans.offsets[row + 1])
        start, end = spans.start[own], spans.end[own]
        pairs = sorted(
            (-np.log(start[a]) - np.log(end[b]), a, b + 1)
            for a in range(9)
            for b in range(a, min(9, a + limit))
        )
        mine = found.row == row
        np.testing.assert_allclose(-found.score[mine], [pair[0] for pair in pairs[:5]])
        assert list(zip(found.low[mine], found.high[mine], strict=True)) == [pair[1:] for pair in pairs[:5]]
        score, a, b = pairs[0]
        assert decoded.text[row] == "abcdefghi"[a:b]
        rivals = [other for other, c, d in pairs if d <= a or c >= b]
        assert decoded.margin[row] == pytest.approx(min(rivals) - score if rivals else np.inf)
        null = spans.null[row]
        assert decoded.doubt[row] == pytest.approx(np.log(null / (1 - null)) + score / 2)


def test_doubt_and_threshold() -> None:
    found = decode(dense(np.eye(3), np.eye(3), np.array([0.2, 0.5, 0.9])), ["abc"] * 3, options=OPTIONS)
    assert found.text == ["a", "b", "c"]
    assert found.answers(None) == ["a", "b", "c"]
    assert found.answers(0.0) == ["a", "b", ""]
    assert found.answers(-9.0) == ["", "", ""]
    assert doubts(np.array([0.5]), np.array([-np.inf]))[0] == np.inf


def test_answers_are_cut_from_the_context() -> None:
    """Rare characters, traditional ones and double spaces come out as they stand there."""
    context = "臺灣  \U0002b6ad 龍尖"
    at = context.index("\U0002b6ad")
    places = np.arange(len(context))
    start, end = (places == 0).astype(float), (places == at).astype(float)
    options = dataclasses.replace(OPTIONS, max_characters=20)
    found = decode(dense(start[None], end[None], np.zeros(1)), [context], options=options)
    assert found.text == ["臺灣  \U0002b6ad"]


@pytest.mark.parametrize(
    ("context", "span", "wanted"),
    [
        ("看《红楼梦》的人", "《红楼梦", "《红楼梦》"),
        ("看《红楼梦》的人", "红楼梦》", "《红楼梦》"),
        ("看《红楼梦》的人", "红楼梦", "红楼梦"),
        ("the (old) house", "(old", "(old)"),
        ('said "go" to', '"go', '"go"'),
        ("a (b c d) e", "(b", "b"),
        ("a (b c d) e", "d)", "d"),
        ("（甲（乙））", "甲（乙", "甲（乙）"),
        ("(", "(", "("),
        ("x is < 5 today", "< 5", "< 5"),
        ("y is > 3 <-", "> 3", "> 3"),
        ("if a < b and c > d", "< b", "< b"),
        ("see <b>this</b> now", "<b>this</b", "<b>this</b>"),
        ("he said « oui » twice", "« oui", "oui"),
        ('the "a b" c', '"a ', "a"),
        (' " ) (a', ' " ) (a', "a"),
    ],
)
def test_brackets_are_completed(context: str, span: str, wanted: str) -> None:
    low = context.index(span)
    found = completed(context, low, low + len(span))
    assert context[slice(*found)] == wanted


@given(st.text(alphabet="".join(PAIRS) + "".join(PAIRS.values()) + "ab ", min_size=1, max_size=14), st.data())
def test_completion_ends_and_never_empties(context: str, data: st.DataObject) -> None:
    low = data.draw(st.integers(0, len(context) - 1))
    high = data.draw(st.integers(low + 1, len(context)))
    a, b = completed(context, low, high)
    assert 0 <= a < b <= len(context)
    assert completed(context, a, b) == (a, b)


def test_the_length_limit_holds_the_share() -> None:
    answers = [[Answer(0, length, "x")] for length in range(1, 101)] + [[], [Answer(-1, -1, "y")]]
    assert length_limit(answers, share=0.99) == 99
    assert length_limit(answers, share=1.0) == 100
    assert length_limit([[]], share=0.9) == 1
