"""Bad and odd files of questions."""

import copy
import json
from collections.abc import Callable
from typing import Any

from fuzz_cases import Case, table

PEOPLE = ["Anna", "Boris", "Clara", "Doris", "Emil", "Frida", "Gustav", "Hanna"]
TOWNS = ["Riga", "Oslo", "Bern", "Cork", "Lyon", "Kiel", "Graz", "Pisa"]


def context(row: int) -> str:
    return f"{PEOPLE[row]} has a {['red', 'blue', 'green'][row % 3]} house. In winter {PEOPLE[row]} lives in {TOWNS[row]} by the sea."


def asked(row: int, *, answered: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"id": f"q{row}", "question": f"Where does {PEOPLE[row]} live in winter?"}
    if answered:
        made["answers"] = [{"text": TOWNS[row], "answer_start": context(row).index(TOWNS[row])}]
    return made


def squad(rows: range, *, answered: bool) -> dict[str, Any]:
    return {"version": "v2.0", "data": [
        {"title": f"t{row}", "paragraphs": [{"context": context(row), "qas": [asked(row, answered=answered)]}]} for row in rows
    ]}  # fmt: skip


TRAIN, TEST = squad(range(6), answered=True), squad(range(6, 8), answered=False)
FILES = {"data/train.json": json.dumps(TRAIN), "data/test.json": json.dumps(TEST)}
CONFIG: dict[str, Any] = {
    "competition": "fuzz",
    "tasks": {"t": {"type": "span", "train": "data/train.json", "test": "data/test.json", "data": {"group": "article"}}},
    "folds": {"n": 2},
    "models": {"retriever": {"kind": "retriever", "trees": 2, "min_data_in_leaf": 1}},
    "ensemble": {"methods": ["mean"], "submit": "mean"},
}  # fmt: skip


def changed(change: Callable[[Any], object], part: str = "train") -> dict[str, str]:
    """The right file, after something has been done to it."""
    content = copy.deepcopy(TRAIN if part == "train" else TEST)
    change(content)
    return {f"data/{part}.json": json.dumps(content)}


def at(*path: Any, value: Any = None, take: bool = False) -> Callable[[Any], None]:
    """What puts a value at a place of the file, or takes out what is there."""

    def change(content: Any) -> None:
        node = content
        for key in path[:-1]:
            node = node[key]
        if take:
            node.pop(path[-1], None)
        else:
            node[path[-1]] = value

    return change


PARAGRAPH = ("data", 0, "paragraphs", 0)
QUESTION = (*PARAGRAPH, "qas", 0)
ANSWER = (*QUESTION, "answers", 0)
ODD: list[Any] = [None, True, 3, -1, 1.5, "", "text", [], {}, [[]], [None], {"a": 1}, 10**30, "x" * 100_000]
DEEP = '{"data": ' + "[" * 100_000


def told(result: Any) -> None:
    assert result.train["t"]["id"].tolist() == [f"q{row}" for row in range(6)]
    assert result.test["t"]["id"].tolist() == ["q6", "q7"]
    assert result.submission.startswith("id,answer\n")


def case(
    name: str, files: dict[str, Any], error: str | None = None, changes: Any = None, **more: Any
) -> Case:
    return Case(f"questions {name}", files, changes or {}, error, base=CONFIG, base_files=FILES, **more)


HW7 = {"questions": [{"id": row, "paragraph_id": row, "question_text": asked(row, answered=False)["question"],
                      "answer_text": TOWNS[row], "answer_start": context(row).index(TOWNS[row]),
                      "answer_end": context(row).index(TOWNS[row]) + 3} for row in range(6)],
       "paragraphs": [context(row) for row in range(6)]}  # fmt: skip
CMRC = [{"context_id": f"c{row}", "context_text": context(row), "title": f"t{row}",
         "qas": [{"query_id": f"q{row}", "query_text": "Where?", "answers": [TOWNS[row]]}]} for row in range(6)]  # fmt: skip


def hw7(*path: Any, value: Any) -> dict[str, str]:
    content = copy.deepcopy(HW7)
    at(*path, value=value)(content)
    return {"data/train.json": json.dumps(content)}


def cmrc(*path: Any, value: Any) -> dict[str, str]:
    content = copy.deepcopy(CMRC)
    at(*path, value=value)(content)
    return {"data/train.json": json.dumps(content)}


COLUMNS = {
    "question": "asked",
    "context": "passage",
    "answer": "said",
    "start": "where",
    "group": "paragraph",
}
ROWS = [
    [f"q{row}", f"Where does {PEOPLE[row]} live?", context(row), TOWNS[row], context(row).index(TOWNS[row])]
    for row in range(6)
]
TABLE = {"tasks/t/train": "data/train.csv", "tasks/t/data": COLUMNS}


def rows(
    given: list[list[Any]], header: tuple[str, ...] = ("id", "asked", "passage", "said", "where")
) -> dict[str, Any]:
    test = [[f"q{row}", "Where?", context(row)] for row in (6, 7)]
    return {"data/train.csv": table(header, given), "data/test.csv": table(header[:3], test)}


FORMS = [
    case("right", {}, fine=told),
    case("with a mark", {"data/train.json": "\ufeff" + json.dumps(TRAIN)}, fine=told),
    case("no json", {"data/train.json": "{bad"}, "not JSON"),
    case("cut short", {"data/train.json": json.dumps(TRAIN)[:-40]}, "not JSON"),
    case("empty", {"data/train.json": ""}, "not JSON"),
    case("deep", {"data/train.json": DEEP}, "not JSON"),
    case("deep and whole", {"data/train.json": DEEP + "]" * 100_000 + "}"}, "not JSON"),
    case("huge number", {"data/train.json": '{"data": ' + "1" * 5000 + "}"}, "not JSON|no form"),
    case("utf-16", {"data/train.json": json.dumps(TRAIN).encode("utf-16")}, "not JSON|encoding"),
    case("utf-16 named", {"data/train.json": json.dumps(TRAIN).encode("utf-16"), "data/test.json": json.dumps(TEST).encode("utf-16")},
         changes={"tasks/t/encoding": "utf-16"}, fine=told),
    case("encoding unknown", {}, "utf-9", {"tasks/t/encoding": "utf-9"}),
    case("encoding of no text", {}, "base64", {"tasks/t/encoding": "base64"}),
    case("bad bytes", {"data/train.json": json.dumps(TRAIN).encode() + b"\xff"}, "not JSON"),
    case("a list", {"data/train.json": "[]"}, "no form of question answering"),
    case("a number", {"data/train.json": "1"}, "no form of question answering"),
    case("null", {"data/train.json": "null"}, "no form of question answering"),
    case("other keys", {"data/train.json": json.dumps({"a\nb" * 9000: 1, "c": 2})}, "no form of question answering"),
    case("no questions", {"data/train.json": '{"data": []}'}, "no questions"),
    case("missing", {"data/train.json": None}, "there is no file data/train.json"),
    case("is a folder", {"data/train.json": None, "data/train.json/x": ""}, "there is no file data/train.json"),
    case("test is train", {}, "is the file of tasks.t.train", {"tasks/t/test": "data/train.json"}),
    case("train is a test part", {"data/train.json": json.dumps(TEST)}, "say nothing of their answers"),
    case("repeated ids", changed(at("data", 1, "paragraphs", 0, "qas", 0, "id", value="q0")), "1 of 6 questions are repeated ids: 'q0'"),
    case("huge repeated ids", changed(lambda content: [at("data", row, "paragraphs", 0, "qas", 0, "id", value="i\n" * 50_000)(content)
                                                      for row in range(6)]), "1 of 6 questions are repeated ids"),
    case("empty context", changed(at(*PARAGRAPH, "context", value=" ")), "empty context"),
    case("empty question", changed(at(*QUESTION, "question", value="")), fine=told),
    case("all alike", changed(lambda content: [at("data", row, "paragraphs", 0, "context", value=context(0))(content) for row in range(6)]),
         "do not stand in their contexts"),
    case("all answers wrong", changed(lambda content: [at("data", row, "paragraphs", 0, "qas", 0, "answers", 0, "text", value="Atlantis")(content)
                                                      for row in range(6)]), "do not stand in their contexts"),
    case("all impossible", changed(lambda content: [at("data", row, "paragraphs", 0, "qas", 0, "is_impossible", value=True)(content)
                                                   for row in range(6)]), "answer"),
    case("wrong offset", changed(at(*ANSWER, "answer_start", value=0)), fine=told),
    case("offset beyond the end", changed(at(*ANSWER, "answer_start", value=10**9)), fine=told),
    case("offset below", changed(at(*ANSWER, "answer_start", value=-5)), fine=told),
    case("offset of text", changed(at(*ANSWER, "answer_start", value="x")), fine=told),
    case("offset infinite", {"data/train.json": json.dumps(TRAIN).replace(f'"answer_start": {context(0).index(TOWNS[0])}', '"answer_start": Infinity', 1)},
         fine=told),
    case("offset nan", {"data/train.json": json.dumps(TRAIN).replace(f'"answer_start": {context(0).index(TOWNS[0])}', '"answer_start": NaN', 1)}, fine=told),
    case("lone surrogate", changed(at(*QUESTION, "question", value="\ud800 where")), fine=None),
    case("lone surrogate in an id", changed(at(*QUESTION, "id", value="\ud800")), fine=None),
    case("lone surrogate in a context", changed(at(*PARAGRAPH, "context", value=context(0) + "\udfff")), fine=None),
    case("nul", changed(at(*PARAGRAPH, "context", value=context(0) + "\0")), fine=told),
    case("astral letters before the answer", changed(at(*PARAGRAPH, "context", value="🙂🙂 " + context(0))), fine=told),
    case("long context", changed(at(*PARAGRAPH, "context", value=context(0) + " word" * 4000)), fine=told),
    case("context of one letter a word", changed(at(*PARAGRAPH, "context", value=context(0) + " " + "q" * 20_000)), fine=told),
    case("sample", {"data/s.csv": "id,answer\nq7,\nq6,\n"}, changes={"tasks/t/sample": "data/s.csv"}, fine=told),
    case("sample lacks ids", {"data/s.csv": "id,answer\nq7,\n"}, "sample lacks 1 ids", {"tasks/t/sample": "data/s.csv"}),
    case("sample without the id", {"data/s.csv": "key,answer\nq7,\n"}, "no column 'id'", {"tasks/t/sample": "data/s.csv"}),
    case("with a linear model", {}, "models", {"models": {"l": {"kind": "linear"}}}),
    case("retriever of no span task", {}, "models", {"tasks/t": {"train": "data/train.json", "test": "data/test.json", "text": ["a"], "target": "b"}}),
    case("with rmse", {}, "tasks.t.metric", {"tasks/t/metric": "rmse"}),
    case("hw7", {"data/train.json": json.dumps(HW7)}, fine=lambda result: None if result.train["t"]["id"][0] == "0" else 1 / 0),
    case("hw7 of paragraph 99", hw7("questions", 0, "paragraph_id", value=99), "there is no paragraph 99"),
    case("hw7 of paragraph -1", hw7("questions", 0, "paragraph_id", value=-1), "there is no paragraph -1"),
    case("cmrc", {"data/train.json": json.dumps(CMRC)}, fine=told),
    case("table", rows(ROWS), changes={**TABLE, "tasks/t/test": "data/test.csv"}, fine=told),
    case("table for train alone", rows(ROWS), changes=TABLE, fine=told),
    case("table without its columns", rows(ROWS), "data", {"tasks/t/train": "data/train.csv"}),
    case("table lacks a column", rows([row[:4] for row in ROWS], ("id", "asked", "passage", "said")), "no column 'where'", TABLE),
    case("table of one id for two questions", rows([*ROWS, ["q0", "Another?", *ROWS[0][2:]]]), "has the id 'q0' of another question", TABLE),
    case("table of one id twice", rows([*ROWS, ROWS[0]]), changes=TABLE, fine=told),
    case("table of a huge id", rows([*ROWS, ["i" * 100_000, *ROWS[0][1:]], ["i" * 100_000, "Why?", *ROWS[0][2:]]]), "of another question", TABLE),
    case("table with offsets of text", rows([[*row[:4], "here"] for row in ROWS]), changes=TABLE, fine=told),
    case("table ragged", {"data/train.csv": table(["id", "asked", "passage", "said", "where"], ROWS) + "z\n"}, "line 8 has 1 fields", TABLE),
]  # fmt: skip

# What stands at every place of the three forms, replaced by values of every sort: told, or read
PLACES = [
    *((f"squad {path[-1]}", path, TRAIN, changed) for path in [
        ("data",), ("data", 0), ("data", 0, "title"), ("data", 0, "paragraphs"), PARAGRAPH, (*PARAGRAPH, "context"), (*PARAGRAPH, "qas"), QUESTION,
        (*QUESTION, "id"), (*QUESTION, "question"), (*QUESTION, "answers"), (*QUESTION, "is_impossible"), ANSWER, (*ANSWER, "text"),
        (*ANSWER, "answer_start")]),
]  # fmt: skip


def odd() -> list[tuple[str, dict[str, str]]]:
    """Files with a value of another sort at one place."""
    made = []
    for name, path, _, _ in PLACES:
        depth = sum(isinstance(key, int) for key in path)
        for number, value in enumerate(ODD):
            made.append((f"{name} {depth} {number}", changed(at(*path, value=value))))
        if isinstance(path[-1], str):
            made.append((f"{name} {depth} taken out", changed(at(*path, take=True))))
    for path in [
        ("questions",),
        ("paragraphs",),
        ("questions", 0),
        ("paragraphs", 0),
        *(("questions", 0, key) for key in HW7["questions"][0]),
    ]:
        for number, value in enumerate(ODD):
            made.append((f"hw7 {path} {number}", hw7(*path, value=value)))
    for path in [
        (0,),
        (0, "context_text"),
        (0, "title"),
        (0, "qas"),
        (0, "qas", 0),
        *((0, "qas", 0, key) for key in CMRC[0]["qas"][0]),
        (0, "qas", 0, "answers", 0),
    ]:
        for number, value in enumerate(ODD):
            made.append((f"cmrc {path} {number}", cmrc(*path, value=value)))
    return made


CASES = FORMS
