"""Files of questions: every form, answers placed and repaired, mistakes told."""

import dataclasses
import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.errors import UserError
from podium.span.answers import Answer, decode, encode, placed, texts, trainable
from podium.span.files import Columns
from podium.span.ingest import Ingested, from_file
from podium.span.placing import Context, place

COLUMNS = Columns(id="id", question="q", context="c", answer="a", start="s", article=None)


def ingest(path: Path, columns: Columns | None = None, **changes: Any) -> Ingested:
    settings = {"answered": True, "group": "paragraph", "max_lost": 0.1, "encoding": None, "separator": None}
    return from_file(path, columns, **settings | changes)  # type: ignore[arg-type]


def squad(*paragraphs: dict[str, Any]) -> dict[str, Any]:
    return {"version": "x", "data": [{"title": "T", "paragraphs": list(paragraphs)}]}


def written(folder: Path, content: Any, name: str = "a.json") -> Path:
    (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return folder / name


def asked(**more: Any) -> dict[str, Any]:
    """A file of SQuAD's form with one question."""
    return squad({"context": "x", "qas": [{"id": "1", "question": "q", **more}]})


def listed(*answers: Any) -> list[dict[str, Any]]:
    """A file of CMRC's form with one question."""
    return [{"context_text": "x", "qas": [{"query_id": 1, "query_text": "q", "answers": list(answers)}]}]


def homework(**more: Any) -> dict[str, Any]:
    """A file of homework 7's form with one question."""
    one = {"id": 1, "paragraph_id": 0, "question_text": "q", "answer_text": None, "answer_start": 2}
    return {"paragraphs": ["abcdefgh"] * 2, "questions": [{**one, "answer_end": 4, **more}]}


# ---- places


@given(st.text("ab \u3000Ａ\U0001f600中", max_size=30), st.data())
def test_a_right_offset_is_kept_and_a_wrong_one_is_mended(context: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(context)))
    end = data.draw(st.integers(start, len(context)))
    text = context[start:end]
    answer, how = place(Context(context), text, start)
    if not text.strip():
        assert (how, answer.placed) == ("lost", False)
        return
    assert how == "exact"
    assert context[answer.start : answer.end] == text.strip()
    assert start <= answer.start < answer.end <= end
    other, how = place(Context(context), text, data.draw(st.integers(-2, len(context) + 2)))
    assert how != "lost"
    assert context[other.start : other.end] == text.strip()


def test_the_nearest_place_is_taken() -> None:
    context = Context("ab ab ab ab")
    assert place(context, "ab", 5) == (Answer(6, 8, "ab"), "moved")
    assert place(context, "ab", -1) == (Answer(0, 2, "ab"), "ambiguous")
    assert place(Context("x ab"), "ab", None) == (Answer(2, 4, "ab"), "found")


def test_offsets_in_utf16_units_are_mended() -> None:
    context = "\U0002b6ad，俗名龙尖，为辐鳍鱼纲"
    published = len(context[: context.index("俗")].encode("utf-16-le")) // 2
    assert place(Context(context), "俗名龙尖", published) == (Answer(2, 6, "俗名龙尖"), "moved")


@pytest.mark.parametrize(
    ("context", "text", "span"),
    [
        ("高  ３９,７６４ 人", "39,764", "３９,７６４"),
        ("one  two\nthree", "two three", "two\nthree"),
        ("a ﬁne day", "fine", "ﬁne"),
        ("（甲）乙", "(甲)", "（甲）"),
        ("half a½ cup", "a1⁄2", "a½"),
        ("in a caf\u00e9 noir", "cafe\u0301", "caf\u00e9"),
        ("in a cafe\u0301 noir", "caf\u00e9", "cafe\u0301"),
        ("a\u0323\u0302 b", "\u1ead", "a\u0323\u0302"),
        ("a\u0302\u0323 b", "\u1ead", "a\u0302\u0323"),
        (unicodedata.normalize("NFD", "서울 대학교"), "대학", unicodedata.normalize("NFD", "대학")),
        ("서울 대학교에서", unicodedata.normalize("NFD", "대학교"), "대학교"),
    ],
)
def test_other_widths_and_spaces_are_found(context: str, text: str, span: str) -> None:
    answer, how = place(Context(context), text, 0)
    assert how == "normalised"
    assert context[answer.start : answer.end] == span
    assert answer.text == text


@pytest.mark.parametrize(
    ("context", "text", "start", "answer", "how"),
    [
        ("He started in art school", "art", None, 14, "found"),
        ("He started in art school", "art", 3, 14, "moved"),
        ("In 2010 and 2011, 1 man", "1", None, 18, "found"),
        ("1.5 of 1,000 or 1, then", "1", None, 16, "found"),
        ("the café, cafés", "caf\u00e9", None, 4, "found"),
        ("cafe\u0301 or cafe", "cafe", None, 9, "found"),
        ("it started", "art", None, 5, "found"),
        ("在2010年，1人", "1", 0, 7, "moved"),
        ("北京大学在北京", "大学", None, 2, "found"),
        ("서울대학교에서", "대학교", None, 2, "found"),
        ("He is in charge", "inch", 5, -1, "lost"),
        ("made of ½ cup", "1", None, -1, "lost"),
        ("a½ cup", "a1", 0, -1, "lost"),
        ("a ﬁne day", "f", None, -1, "lost"),
        (unicodedata.normalize("NFD", "선생"), "서", None, -1, "lost"),
    ],
)
def test_words_and_characters_stay_whole(
    context: str, text: str, start: int | None, answer: int, how: str
) -> None:
    found, told = place(Context(context), text, start)
    assert (found.start, told) == (answer, how)
    assert found.end == (answer + len(text) if answer >= 0 else -1)


def test_targets_survive_their_text() -> None:
    answers = [Answer(3, 6, 'q"\u2028中'), Answer(-1, -1, "elsewhere"), Answer(3, 6, "again")]
    assert decode(encode(answers)) == answers
    assert encode([]) == "[]"
    assert texts([]) == [""]
    assert placed(answers) == [answers[2]]
    assert [trainable(found) for found in (answers, [], answers[1:2])] == [True, True, False]
    with pytest.raises(ValueError, match="no target"):
        decode("France")


# ---- forms


def test_squad_with_unanswerable_questions(tmp_path: Path) -> None:
    qas = [
        {
            "id": "1",
            "question": "q?",
            "answers": [{"text": "b c", "answer_start": 2}],
            "is_impossible": False,
        },
        {
            "id": "2",
            "question": "r?",
            "answers": [],
            "is_impossible": True,
            "plausible_answers": [{"text": "a"}],
        },
    ]
    found = ingest(written(tmp_path, squad({"context": "a b c", "qas": qas}, {"context": "d", "qas": []})))
    assert found.form == "squad"
    assert list(found.rows.columns) == ["id", "text_a", "text_b", "target", "group"]
    assert found.rows.values.tolist() == [
        ["1", "q?", "a b c", '[[2,5,"b c"]]', "p0"],
        ["2", "r?", "a b c", "[]", "p0"],
    ]
    assert found.counts == {
        **{"questions": 2, "contexts": 1, "unanswerable": 1, "untrainable": 0, "answers_exact": 1}
    }


def test_other_forms_give_the_same_rows(tmp_path: Path) -> None:
    context, other = "光荣和ω-force开发", "别的"
    own = [
        {"context_id": "P", "title": "t", "context_text": context, "qas": [
            {"query_id": "1", "query_text": "谁?", "answers": ["ω-force", "光荣和ω-force"]}]},
        {"context_id": "Q", "title": "u", "context_text": other, "qas": [
            {"query_id": "2", "query_text": "什么?", "answers": ["别"]}]},
    ]  # fmt: skip
    of_homework = {
        "paragraphs": [context, other],
        "questions": [
            {"id": 1, "paragraph_id": 0, "question_text": "谁?",
             "answer_text": None, "answer_start": 3, "answer_end": 9},
            {"id": 2, "paragraph_id": 1, "question_text": "什么?",
             "answer_text": "别", "answer_start": 0, "answer_end": 0},
        ],
    }  # fmt: skip
    (tmp_path / "t.csv").write_text(
        f"id,q,c,a,s\n1,谁?,{context},ω-force,3\n1,谁?,{context},光荣和ω-force,7.0\n2,什么?,{other},别,\n",
        encoding="utf-8",
    )
    rows = ingest(written(tmp_path, own)).rows
    assert rows["target"].tolist() == ['[[3,10,"ω-force"],[0,10,"光荣和ω-force"]]', '[[0,1,"别"]]']
    assert ingest(tmp_path / "t.csv", COLUMNS).rows.equals(rows)
    single = ingest(written(tmp_path, of_homework)).rows
    assert single.drop(columns="target").equals(rows.drop(columns="target"))
    assert single["target"].tolist() == ['[[3,10,"ω-force"]]', '[[0,1,"别"]]']


def test_a_test_part_needs_no_answers(tmp_path: Path) -> None:
    path = written(
        tmp_path, {"paragraphs": ["x"], "questions": [{"id": 5, "paragraph_id": 0, "question_text": "?"}]}
    )
    assert list(ingest(path, answered=False).rows.columns) == ["id", "text_a", "text_b", "group"]
    with pytest.raises(UserError, match=r"1 of 1 questions say nothing of their answers"):
        ingest(path)


def test_a_question_without_an_article_belongs_to_its_paragraph(tmp_path: Path) -> None:
    rows = ["1,q,one,one,A", "2,r,one,one,", "3,q,two,two,", "4,r,two,two, ", "5,q,six,six,A"]
    (tmp_path / "t.csv").write_text("\n".join(["id,q,c,a,t", *rows]), encoding="utf-8")
    columns = Columns(id="id", question="q", context="c", answer="a", start=None, article="t")
    groups = ingest(tmp_path / "t.csv", columns, group="article").rows["group"].tolist()
    assert groups == ["A", "p0", "p1", "p1", "A"]


# ---- mistakes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"data": [{"paragraph": []}]}, r"data\[0\] has no `paragraphs` \(did you mean 'paragraph'"),
        ({"data": []}, "there are no questions"),
        ({"rows": []}, "no form of question answering"),
        (squad({"context": "x", "qas": [{"id": "1", "question": 3}]}), r"qas\[0\]: `question` holds a int"),
        (
            squad({"context": " ", "qas": [{"id": "1", "question": "q", "answers": []}] * 2}),
            r"2 of 2 questions have an empty context: '1', '1'",
        ),
        (
            squad({"context": "x", "qas": [{"id": "1", "question": "q", "answers": [{"text": "y"}]}]}),
            r"answers of 1 of 1 questions do not stand in their contexts.*\('1'\)",
        ),
        ({"questions": [{"id": 1, "paragraph_id": 3}], "paragraphs": []}, "there is no paragraph 3"),
        (asked(is_impossible=False), "1 of 1 questions say nothing of their answers"),
        (asked(is_impossible=False, answers=[]), "1 of 1 questions say nothing of their answers"),
        (asked(answers=None), "1 of 1 questions say nothing of their answers"),
        (asked(answers=[{"text": " "}]), "1 of 1 questions have empty texts for answers"),
        (asked(is_impossible="false", answers=[{"text": "x"}]), "`is_impossible` holds a str"),
        (listed("x", None), r"\[0\].qas\[0\].answers holds null"),
        (homework(answer_end="x"), r"questions\[0\]: `answer_end` is no whole number"),
        (homework(answer_end=[4]), r"questions\[0\]: `answer_end` is no whole number"),
        (homework(answer_end=2.5), r"questions\[0\]: `answer_end` is no whole number"),
        (homework(answer_end=1), "there is no text from `answer_start` 2 to `answer_end` 1"),
        (homework(answer_text=["cd"]), "`answer_text` holds a list"),
        (homework(paragraph_id=True), "`paragraph_id` holds a bool"),
    ],
    ids=range(19),
)
def test_mistakes_are_told_in_one_line(content: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as caught:
        ingest(written(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_mistakes_of_tables(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,q,c,answer\n1,q,c,x\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"no column 'a'.*no column 's'"):
        ingest(path, COLUMNS)
    with pytest.raises(UserError, match="needs the names of its columns"):
        ingest(path)
    path.write_text("id,q,c,a,s\n1,q,c,c,0\n1,other,c,c,0\n", encoding="utf-8")
    with pytest.raises(UserError, match="row 2 has the id '1' of another question"):
        ingest(path, COLUMNS)
    for answers in (["c,0", ","], [",", "c,0"], [",", ","]):
        path.write_text("\n".join(["id,q,c,a,s", *(f"1,q,c,{one}" for one in answers)]), encoding="utf-8")
        with pytest.raises(
            UserError, match=r"row 2 is another one of the id '1', one of them without an answer"
        ):
            ingest(path, COLUMNS)
    with pytest.raises(UserError, match=r"row 2 is another one of the id '1', a question has one row here"):
        ingest(path, dataclasses.replace(COLUMNS, answer=None, start=None), answered=False)
    (tmp_path / "b.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="not JSON"):
        ingest(tmp_path / "b.json")


# ---- real files


REAL = {
    "cmrc2018/dev.json": (3219, 848, 0, {"exact": 9457, "moved": 7, "lost": 193}),
    "cmrc2018/trial.json": (1002, 256, 0, {"exact": 997, "moved": 5}),
    "squad/dev_part.json": (1407, 173, 702, {"exact": 2106}),
}


@pytest.mark.skipif("PODIUM_DATA" not in os.environ, reason="PODIUM_DATA is not set")
@pytest.mark.parametrize("name", REAL)
def test_real_files(name: str) -> None:
    found = ingest(Path(os.environ["PODIUM_DATA"]) / name)
    questions, contexts, unanswerable, hows = REAL[name]
    assert len(found.rows) == found.counts["questions"] == questions
    assert (found.counts["contexts"], found.counts["unanswerable"]) == (contexts, unanswerable)
    assert {how: found.counts.get(f"answers_{how}", 0) for how in hows} == hows
    assert found.counts["untrainable"] == 0
    for context, target in zip(found.rows["text_b"], found.rows["target"], strict=True):
        for answer in placed(decode(target)):
            assert context[answer.start : answer.end].strip() == answer.text.strip()
