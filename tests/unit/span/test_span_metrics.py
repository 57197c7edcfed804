"""Exact match and F1 of spans: recorded values of the official scripts, and an independent tokenizer."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.errors import UserError
from podium.span import metrics
from podium.span.segmentation import CMRC_PUNCTUATION, mixed_words, treebank_words

# prediction, answers, EM, F1 by the rules of evaluate-v2.0.py
SQUAD = [
    ("The Normans!", ["normans"], 1, 1.0),
    ("in the 10th and 11th centuries", ["10th and 11th centuries"], 0, 8 / 9),
    ("an  apple a day", ["Apple day"], 1, 1.0),
    ("Denmark and Iceland", ["Norway", "Denmark, Iceland and Norway"], 0, 6 / 7),
    ("", ["France"], 0, 0.0),
    ("", [], 1, 1.0),
    ("France", [], 0, 0.0),
    ("", ["the"], 1, 1.0),  # an answer of articles alone is none
    ("a.b", ["ab"], 1, 1.0),
    ("“quoted”", ["quoted"], 0, 0.0),  # only ASCII punctuation is removed
    ("dog dog", ["dog"], 0, 2 / 3),
    ("theatre", ["atre"], 0, 0.0),
]
# ... by those of cmrc2018_evaluate.py
CMRC = [
    ("光荣和ω-force", ["光荣和ω-force"], 1, 1.0),
    ("光荣和ω－Force。", ["光荣和ω-force"], 1, 1.0),
    ("村雨城", ["任天堂游戏谜之村雨城"], 0, 6 / 13),
    ("4分钟", ["分钟"], 0, 0.8),
    ("1999年5月", ["1999年6月"], 0, 0.5),  # 1999 年 5 月: the run is two of four
    ("红、黄、蓝", ["红黄蓝"], 1, 1.0),
    ("北京", ["上海"], 0, 0.0),
    ("the Beatles乐队", ["beatles乐队"], 0, 6 / 7),
    ("北京……", ["北京"], 0, 4 / 5),  # the ellipsis is not on the script's list, and two of them are one word
    ("", ["北京"], 0, 0.0),
]


@pytest.mark.parametrize(("prediction", "answers", "em", "f1"), SQUAD, ids=range(len(SQUAD)))
def test_squad(prediction: str, answers: list[str], em: int, f1: float) -> None:
    assert metrics.best("squad_em", prediction, answers) == em
    assert metrics.best("squad_f1", prediction, answers) == pytest.approx(f1, abs=1e-12)


@pytest.mark.parametrize(("prediction", "answers", "em", "f1"), CMRC, ids=range(len(CMRC)))
def test_cmrc(prediction: str, answers: list[str], em: int, f1: float) -> None:
    assert metrics.best("cmrc_em", prediction, answers) == em
    assert metrics.best("cmrc_f1", prediction, answers) == pytest.approx(f1, abs=1e-12)


def test_commas_are_in_neither_text_where_the_leaderboard_has_none() -> None:
    for prediction, answer, value in [
        ("1,200", "1200", 1),
        ("1200", "1,200 ", 1),
        ("1，200", "1200", 0),
        ("12", "1,2", 1),
    ]:
        assert metrics.best("exact_without_commas", prediction, [answer]) == value
    assert metrics.handed_in("exact_without_commas", "1,200,000 人") == "1200000 人"
    assert metrics.handed_in("exact", "1,200") == "1,200"


def test_words_between_han_characters_follow_the_treebank() -> None:
    assert mixed_words("他说：can't stop, $3.50（约）U.S.A.") == [
        *("他", "说", "ca", "n't", "stop", ",", "$", "3.50", "约", "u.s.a", ".")
    ]
    assert mixed_words("it's 1,000 o'clock") == ["it", "'s", "1,000", "o'clock"]


@given(st.text(alphabet="ab9 .,'\"()$%;!?s\u00e9…％", max_size=12))
def test_words_are_those_of_nltk(text: str) -> None:
    destructive = pytest.importorskip("nltk.tokenize.destructive")
    assert treebank_words(text) == destructive.NLTKWordTokenizer().tokenize(text)


def test_words_of_real_texts_are_those_of_nltk() -> None:
    destructive = pytest.importorskip("nltk.tokenize.destructive")
    if "PODIUM_DATA" not in os.environ:
        pytest.skip("PODIUM_DATA is not set")
    reference = destructive.NLTKWordTokenizer()
    data = json.loads((Path(os.environ["PODIUM_DATA"]) / "cmrc2018/trial.json").read_text(encoding="utf-8"))
    answers = [
        answer["text"].lower()
        for article in data["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
        for answer in question["answers"]
    ]
    plain = [text for text in answers if not set(text) & CMRC_PUNCTUATION]
    assert len(plain) > 300
    for text in plain:
        assert treebank_words(text) == reference.tokenize(text)


@given(st.text(max_size=12), st.text(max_size=12), st.sampled_from(sorted(metrics.METRICS)))
def test_values_are_shares_and_a_text_meets_itself(first: str, second: str, metric: str) -> None:
    assert 0 <= metrics.best(metric, first, [second]) <= 1
    better = metrics.best(metric, first, [second, first])
    assert better >= metrics.best(metric, first, [second])
    if metric == "squad_em" or (metric in ("exact", "squad_f1") and second.strip()):
        assert metrics.best(metric, second, [second]) == 1


def test_the_score_is_the_mean_with_its_error() -> None:
    found = metrics.score("exact", ["a", "b", "c", ""], [["a"], ["x", "b"], ["y"], []])
    assert found.value == 0.75
    assert found.se == pytest.approx((0.75 * 0.25 / 3) ** 0.5)


def test_an_unknown_metric_is_told_with_the_closest_name() -> None:
    with pytest.raises(UserError, match="did you mean 'squad_f1'"):
        metrics.get("squad_f")
