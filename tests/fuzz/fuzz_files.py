"""Bad and odd files of tables: encodings, separators, rows, ids, labels, texts, samples, kinds of files."""

import gzip
import io
import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from fuzz_cases import NOUNS, SAMPLE, SAMPLE_CSV, TEST, TEST_CSV, TRAIN, TRAIN_CSV, Case, lines, table

HEADER = ["id", "text", "label"]
WITH_SAMPLE = {"tasks/t/sample": "data/sample.csv"}
IDS, TEST_IDS = [row[0] for row in TRAIN], [row[0] for row in TEST]


def train(rows: Sequence[Sequence[object]], header: Sequence[str] = HEADER, **form: Any) -> dict[str, str]:
    return {"data/train.csv": table(header, rows, **form)}


def changed(
    column: int, values: dict[int, object], rows: Sequence[Sequence[object]] = TRAIN
) -> list[list[object]]:
    """Rows with other values in a column at some places."""
    return [
        [values.get(number, cell) if place == column else cell for place, cell in enumerate(row)]
        for number, row in enumerate(rows)
    ]


def texts(values: dict[int, object]) -> dict[str, str]:
    return train(changed(1, values))


def labelled(neg: str, pos: str) -> list[list[str]]:
    return [[id, text, {"neg": neg, "pos": pos}[label]] for id, text, label in TRAIN]


def same(result: Any) -> None:
    """The rows are those of the right files."""
    assert result.train["t"]["id"].tolist() == IDS
    assert result.train["t"]["text_a"].tolist() == [row[1] for row in TRAIN]
    assert result.train["t"]["target"].tolist() == [row[2] for row in TRAIN]
    assert result.test["t"]["id"].tolist() == TEST_IDS
    assert result.labels["t"] == ["neg", "pos"]
    if result.submission is None:
        return
    written = pd.read_csv(
        io.StringIO(result.submission, newline=""), dtype="str", keep_default_na=False, lineterminator="\n"
    )
    assert written["id"].tolist() == TEST_IDS
    assert set(written["label"]) <= {"neg", "pos"}


def holds(text: str, row: int = 0) -> Callable[[Any], None]:
    """A row of train has this text."""

    def check(result: Any) -> None:
        assert result.train["t"]["text_a"][row] == text

    return check


def has_labels(*labels: str) -> Callable[[Any], None]:
    def check(result: Any) -> None:
        assert result.labels["t"] == list(labels)
        if result.submission is None:
            return
        written = pd.read_csv(
            io.StringIO(result.submission, newline=""),
            dtype="str",
            keep_default_na=False,
            lineterminator="\n",
        )
        assert set(written.iloc[:, 1]) <= set(labels)

    return check


def has_ids(*ids: str) -> Callable[[Any], None]:
    """The first ids of train, as they stand in the file."""

    def check(result: Any) -> None:
        assert result.train["t"]["id"].tolist()[: len(ids)] == list(ids)

    return check


def encoded(name: str, text: str, **more: Any) -> dict[str, Any]:
    rows = [[id, f"{text} {own}", label] for id, own, label in TRAIN]
    return {"data/train.csv": table(HEADER, rows).encode(name), **more}


CHINESE, FRENCH, RUSSIAN = "这条河很美丽,我们都喜欢", "déjà vu à l'été", "это хорошая река"

ENCODINGS = [
    Case("utf8 bom", {"data/train.csv": b"\xef\xbb\xbf" + TRAIN_CSV.encode()}, fine=same),
    Case(
        "utf8 bom in all",
        {
            "data/train.csv": b"\xef\xbb\xbf" + TRAIN_CSV.encode(),
            "data/test.csv": b"\xef\xbb\xbf" + TEST_CSV.encode(),
            "data/sample.csv": b"\xef\xbb\xbf" + SAMPLE_CSV.encode(),
        },
        WITH_SAMPLE,
        fine=same,
    ),
    Case("two boms", {"data/train.csv": b"\xef\xbb\xbf" * 2 + TRAIN_CSV.encode()}, fine=same),
    Case("utf16", {"data/train.csv": TRAIN_CSV.encode("utf-16")}, fine=same),
    Case("utf16 be with mark", {"data/train.csv": b"\xfe\xff" + TRAIN_CSV.encode("utf-16-be")}, fine=same),
    Case("utf16 le without mark", {"data/train.csv": TRAIN_CSV.encode("utf-16-le")}, fine=same),
    Case("utf16 be without mark", {"data/train.csv": TRAIN_CSV.encode("utf-16-be")}, fine=same),
    Case(
        "utf16 le without mark, chinese",
        encoded("utf-16-le", CHINESE * 9),
        fine=holds(f"{CHINESE * 9} {TRAIN[0][1]}"),
    ),
    Case(
        "utf16 be without mark, chinese",
        encoded("utf-16-be", CHINESE * 9),
        fine=holds(f"{CHINESE * 9} {TRAIN[0][1]}"),
    ),
    Case(
        "utf16 named",
        {"data/train.csv": TRAIN_CSV.encode("utf-16-le"), "data/test.csv": TEST_CSV.encode("utf-16-le")},
        {"tasks/t/encoding": "utf-16-le"},
        fine=same,
    ),
    Case("utf32", {"data/train.csv": TRAIN_CSV.encode("utf-32")}, fine=same),
    Case(
        "utf16 of odd length",
        {"data/train.csv": TRAIN_CSV.encode("utf-16") + b"x"},
        error=r"train\.csv: .*encoding",
    ),
    Case("gb18030", encoded("gb18030", CHINESE), fine=holds(f"{CHINESE} {TRAIN[0][1]}")),
    Case(
        "big5 named",
        encoded("big5", "這條河很美麗"),
        {"tasks/t/encoding": "big5"},
        fine=holds(f"這條河很美麗 {TRAIN[0][1]}"),
    ),
    Case("cp1252", encoded("cp1252", FRENCH), fine=holds(f"{FRENCH} {TRAIN[0][1]}")),
    Case(
        "cp1251 named",
        encoded("cp1251", RUSSIAN),
        {"tasks/t/encoding": "cp1251"},
        fine=holds(f"{RUSSIAN} {TRAIN[0][1]}"),
    ),
    Case(
        "encoding unknown",
        config={"tasks/t/encoding": "utf-9"},
        error="unknown encoding 'utf-9'; did you mean 'utf-8'",
    ),
    Case("encoding no text codec", config={"tasks/t/encoding": "base64"}, error=r"unknown encoding 'base64'"),
    Case("encoding rot13", config={"tasks/t/encoding": "rot13"}, error=r"unknown encoding 'rot13'"),
    Case("encoding with nul", config={"tasks/t/encoding": "utf-8\0"}, error="encoding"),
    Case("encoding empty", config={"tasks/t/encoding": ""}, error="encoding"),
    Case("encoding idna", config={"tasks/t/encoding": "idna"}, error="encoding"),
    Case("encoding undefined", config={"tasks/t/encoding": "undefined"}, error="encoding"),
    Case("encoding utf7", config={"tasks/t/encoding": "utf-7"}, fine=same),
    Case(
        "encoding wrong",
        encoded("gb18030", CHINESE),
        {"tasks/t/encoding": "utf-8"},
        error=r"train\.csv: .*encoding",
    ),
    Case(
        "encoding ascii of utf8",
        encoded("utf-8", FRENCH),
        {"tasks/t/encoding": "ascii"},
        error=r"train\.csv: .*encoding",
    ),
    Case(
        "invalid bytes",
        {"data/train.csv": TRAIN_CSV.encode() + b"z,\xff\xfe\x81\x00\x8d,neg\n"},
        error="encoding|UTF-8",
    ),
    Case(
        "mixed encodings",
        {
            "data/train.csv": TRAIN_CSV.encode()
            + f"z,{CHINESE},neg\ny,".encode()
            + FRENCH.encode("cp1252")
            + b" \x81\x8d\x8f\x90\x9d,pos\n"
        },
        error="encoding|UTF-8",
    ),
    Case("only bytes of noise", {"data/train.csv": bytes(range(256)) * 8}, error=r"data/train\.csv"),
    Case(
        "a png",
        {"data/train.csv": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89" * 9},
        error=r"data/train\.csv",
    ),
    Case("a zip", {"data/train.csv": b"PK\x03\x04" + bytes(300)}, error=r"data/train\.csv"),
    Case(
        "a web page",
        {"data/train.csv": "<!DOCTYPE html>\n<html><body>404</body></html>\n"},
        error=r"no column 'id'",
    ),
]

SEPARATORS = [
    Case("semicolon", train(TRAIN, separator=";"), fine=same),
    Case("tab", train(TRAIN, separator="\t"), fine=same),
    Case("bar", train(TRAIN, separator="|"), fine=same),
    Case(
        "semicolon in all",
        {
            **train(TRAIN, separator=";"),
            "data/test.csv": table(HEADER[:2], TEST, separator=";"),
            "data/sample.csv": table(["id", "label"], SAMPLE, separator=";"),
        },
        WITH_SAMPLE,
        fine=lambda result: None if result.submission.startswith("id;label\n") else 1 / 0,
    ),
    Case(
        "odd separator named",
        {**train(TRAIN, separator="~"), "data/test.csv": table(HEADER[:2], TEST, separator="~")},
        {"tasks/t/separator": "~"},
        fine=same,
    ),
    Case("odd separator not named", train(TRAIN, separator="~"), error="no column 'id'"),
    Case("wrong separator", config={"tasks/t/separator": "\t"}, error="no column 'id'"),
    Case("long separator", config={"tasks/t/separator": "||"}, error="separator"),
    Case("empty separator", config={"tasks/t/separator": ""}, error="separator"),
    Case("newline separator", config={"tasks/t/separator": "\n"}, error="separator"),
    Case("quote separator", config={"tasks/t/separator": '"'}, error="separator"),
    Case("nul separator", config={"tasks/t/separator": "\0"}, error="separator .* must be one character"),
    Case("space separator", config={"tasks/t/separator": " "}, error="no column|fields"),
    Case("backslash-t separator", config={"tasks/t/separator": "\\t"}, error="separator"),
    Case(
        "emoji separator",
        {**train(TRAIN, separator="🙂"), "data/test.csv": table(HEADER[:2], TEST, separator="🙂")},
        {"tasks/t/separator": "🙂"},
        fine=same,
    ),
]

ROWS = [
    Case(
        "ragged short",
        {"data/train.csv": TRAIN_CSV + "z,short\n"},
        error=r"line 18 has 2 fields, the header has 3",
    ),
    Case(
        "ragged long", {"data/train.csv": TRAIN_CSV + "z,long,neg,more,more\n"}, error=r"line 18 has 5 fields"
    ),
    Case("ragged test", {"data/test.csv": TEST_CSV + "z\n"}, error=r"test\.csv: line 5 has 1 fields"),
    Case("trailing commas", {"data/train.csv": TRAIN_CSV.replace("\n", ",\n")}, fine=same),
    Case(
        "trailing commas, not in header",
        {"data/train.csv": TRAIN_CSV.replace("\n", ",\n").replace("label,", "label", 1)},
        error=r"line 2 has 4 fields",
    ),
    Case("blank lines", {"data/train.csv": "\n\n" + TRAIN_CSV.replace("\n", "\n\n") + "\n\n"}, fine=same),
    Case("crlf", {"data/train.csv": TRAIN_CSV.replace("\n", "\r\n")}, fine=same),
    Case("cr only", {"data/train.csv": TRAIN_CSV.replace("\n", "\r")}, fine=same),
    Case("mixed line ends", {"data/train.csv": TRAIN_CSV.replace("\n", "\r\n", 5)}, fine=same),
    Case("no last line end", {"data/train.csv": TRAIN_CSV.rstrip("\n")}, fine=same),
    Case("quoted newlines", texts({0: "one\ntwo\r\nthree\rfour"}), fine=holds("one\ntwo\r\nthree\rfour")),
    Case("quotes inside", texts({0: 'he said "no", then, left'}), fine=holds('he said "no", then, left')),
    Case(
        "stray quote", {"data/train.csv": TRAIN_CSV.replace("sad", '"sad', 1)}, fine=holds(f'"{TRAIN[0][1]}')
    ),
    Case(
        "stray quote inside",
        {"data/train.csv": TRAIN_CSV.replace("sad ", 'sad 5" ', 1)},
        fine=holds(TRAIN[0][1].replace("sad ", 'sad 5" ', 1)),
    ),
    Case(
        "unbalanced quote at the end",
        {"data/train.csv": TRAIN_CSV + 'z,"open,neg\n'},
        fine=holds('"open', 16),
    ),
    Case(
        "unbalanced quote and quoted line ends",
        {"data/train.csv": TRAIN_CSV + 'y,"a\nb",neg\nz,"open,neg\n'},
        error=r"train\.csv: line",
    ),
    Case("text after a quote", {"data/train.csv": TRAIN_CSV + 'z,"a"b,neg\n'}, fine=holds('"a"b', 16)),
    Case("nul bytes", {"data/train.csv": TRAIN_CSV.replace("sad", "sa\0d", 1)}, fine=holds(TRAIN[0][1])),
    Case("nul in the header", {"data/train.csv": TRAIN_CSV.replace("label", "la\0bel", 1)}, fine=same),
    Case("only nul", {"data/train.csv": bytes(5000)}, error=r"train\.csv"),
    Case("control characters", texts({0: "a\x01\x02\x1b[31mb\x7f"}), fine=holds("a\x01\x02\x1b[31mb\x7f")),
    Case("unit separator in text", texts({0: "a\x1fb"}), fine=holds("a\x1fb")),
    Case(
        "other line ends in text",
        texts({0: "a\x0bb\x0cc\x85d\u2028e\u2029f"}),
        fine=holds("a\x0bb\x0cc\x85d\u2028e\u2029f"),
    ),
    Case("empty train", {"data/train.csv": ""}, error=r"train\.csv: the file is empty"),
    Case("empty test", {"data/test.csv": ""}, error=r"test\.csv: the file is empty"),
    Case("empty sample", {"data/sample.csv": ""}, WITH_SAMPLE, error=r"sample\.csv: the file is empty"),
    Case("only line ends", {"data/train.csv": "\n\r\n\n"}, error=r"train\.csv: the file is empty"),
    Case("only a bom", {"data/train.csv": b"\xef\xbb\xbf"}, error=r"train\.csv: the file is empty"),
    Case("train header only", {"data/train.csv": "id,text,label\n"}, error="train"),
    Case("test header only", {"data/test.csv": "id,text\n"}, error="test has no rows"),
    Case("sample header only", {"data/sample.csv": "id,label\n"}, WITH_SAMPLE, error="sample"),
    Case(
        "empty header",
        {"data/train.csv": TRAIN_CSV.replace("id,text,label", ",,")},
        error="more than once|no column",
    ),
    Case(
        "one empty header", {"data/train.csv": TRAIN_CSV.replace("id,text", ",text")}, error="no column 'id'"
    ),
    Case(
        "duplicate column",
        {"data/train.csv": TRAIN_CSV.replace("id,text,label", "id,text,text")},
        error=r"names the column 'text' more than once",
    ),
    Case(
        "duplicate column with newline",
        {"data/train.csv": '"a\nb","a\nb",c\n1,2,3\n'},
        error=r"more than once",
    ),
    Case(
        "duplicate huge column",
        {"data/train.csv": f"{'x' * 100_000},{'x' * 100_000}\n1,2\n"},
        error=r"more than once",
    ),
    Case(
        "other case of columns",
        {"data/train.csv": TRAIN_CSV.replace("id,text,label", "ID,Text,Label")},
        error="no column 'id' .*did you mean 'ID'",
    ),
    Case(
        "spaces around columns",
        {"data/train.csv": TRAIN_CSV.replace("id,text,label", "id , text,label ")},
        error="did you mean 'id '",
    ),
    Case(
        "strange column names missing",
        {"data/train.csv": '"a\nb","\x1b[31m","' + "y" * 5000 + '"\n1,2,3\n'},
        error="no column 'id'",
    ),
    Case(
        "many columns",
        train([[*row, *range(5000)] for row in TRAIN], [*HEADER, *(f"c{k}" for k in range(5000))]),
        fine=same,
    ),
    Case(
        "many columns, none right",
        {"data/train.csv": table([f"c{k}" for k in range(30_000)], [range(30_000)])},
        error="no column 'id'",
    ),
    Case("million characters", texts({0: "long " * 200_000}), fine=holds("long " * 200_000)),
    Case("million characters without a space", texts({0: "q" * 1_000_000}), fine=holds("q" * 1_000_000)),
    Case("million characters of chinese", texts({0: "河" * 400_000}), fine=holds("河" * 400_000)),
    Case("no header, not said", {"data/train.csv": table(None, TRAIN)}, error="no column 'id'"),
    Case(
        "no header, named",
        {"data/train.csv": table(None, TRAIN), "data/test.csv": table(None, TEST)},
        {"tasks/t/columns": HEADER},
        fine=same,
    ),
    Case("header, and columns named", config={"tasks/t/columns": HEADER}, error="is a header"),
    Case(
        "columns too few",
        {"data/train.csv": table(None, TRAIN), "data/test.csv": table(None, TEST)},
        {"tasks/t/columns": ["id", "text"], "tasks/t/target": "text"},
        error="target|fields",
    ),
    Case(
        "columns twice",
        config={"tasks/t/columns": ["id", "id", "text", "label"]},
        error="columns: 'id' stands there more than once",
    ),
]

IDENTITIES = [
    Case("duplicate ids", train([*TRAIN, TRAIN[0]]), error="1 ids more than once in 'id' .'a0'"),
    Case("all ids the same", train([["a", *row[1:]] for row in TRAIN]), error="1 ids more than once"),
    Case(
        "duplicate test ids",
        {"data/test.csv": table(HEADER[:2], [*TEST, TEST[0]])},
        error="test has 1 ids more than once",
    ),
    Case("huge duplicate ids", train([["i" * 100_000, *row[1:]] for row in TRAIN]), error="more than once"),
    Case(
        "ids with newlines, twice", train([["i\nj\x1b", *row[1:]] for row in TRAIN]), error="more than once"
    ),
    Case("empty id", train(changed(0, {3: ""})), error="train has 1 rows without an id"),
    Case("blank id", train(changed(0, {3: "  "})), error="train has 1 rows without an id"),
    Case(
        "ids with zeros",
        train(changed(0, {0: "0042", 1: "42", 2: "42.0"})),
        fine=has_ids("0042", "42", "42.0"),
    ),
    Case(
        "ids like floats",
        train(changed(0, {0: "1e5", 1: "100000", 2: "NaN", 3: "None", 4: "nan", 5: "inf"})),
        fine=has_ids("1e5", "100000", "NaN", "None", "nan", "inf"),
    ),
    Case(
        "ids with spaces",
        train(changed(0, {0: " a0", 1: "a0 ", 2: "a 0"})),
        fine=has_ids(" a0", "a0 ", "a 0"),
    ),
    Case(
        "twins by normalisation",
        train(changed(0, {0: "caf\u00e9", 1: unicodedata.normalize("NFD", "caf\u00e9")})),
        fine=has_ids("caf\u00e9", "cafe\u0301"),
    ),
    Case(
        "huge ids",
        train(changed(0, {0: "9" * 40, 1: "9" * 39 + "8", 2: "x" * 100_000})),
        fine=has_ids("9" * 40, "9" * 39 + "8"),
    ),
    Case(
        "huge whole ids in jsonl",
        {
            "data/train.csv": None,
            "data/train.jsonl": lines(
                [{"id": 10**30 + k, "text": row[1], "label": row[2]} for k, row in enumerate(TRAIN)]
            ),
        },
        {"tasks/t/train": "data/train.jsonl"},
        fine=has_ids(str(10**30), str(10**30 + 1)),
    ),
    Case(
        "ids with signs",
        train(changed(0, {0: "../../x", 1: "$(touch y)", 2: "a{b}", 3: "'\"", 4: "a;rm -rf *", 5: "-1"})),
        fine=has_ids("../../x", "$(touch y)", "a{b}", "'\"", "a;rm -rf *", "-1"),
    ),
    Case(
        "ids of test with newlines",
        {"data/test.csv": table(HEADER[:2], changed(0, {0: "b\n0", 1: "b\r\n1", 2: 'b"2'}, TEST))},
        fine=lambda result: None if result.test["t"]["id"].tolist() == ["b\n0", "b\r\n1", 'b"2'] else 1 / 0,
    ),
    Case(
        "ids shared by train and test",
        {"data/test.csv": table(HEADER[:2], changed(0, {0: "a0"}, TEST))},
        fine=lambda result: None if result.test["t"]["id"][0] == "a0" else 1 / 0,
    ),
    Case(
        "no id column",
        {
            "data/train.csv": table(HEADER[1:], [row[1:] for row in TRAIN]),
            "data/test.csv": table(HEADER[1:2], [row[1:] for row in TEST]),
        },
        {"tasks/t/id": None},
        fine=has_ids("0", "1"),
    ),
    Case(
        "id column lacking",
        {"data/train.csv": table(HEADER[1:], [row[1:] for row in TRAIN])},
        error="no column 'id'",
    ),
    Case("id is the text", config={"tasks/t/id": "text"}, fine=has_ids(TRAIN[0][1])),
    Case(
        "id is the target",
        config={"tasks/t/id": "label"},
        error="target: 'label' is the column of ids or groups",
    ),
]

LABELS = [
    Case("empty label", train(changed(2, {3: ""})), error="1 rows with an empty 'label'"),
    Case("blank labels", train(changed(2, {3: " ", 4: "\t"})), error="2 rows with an empty 'label'"),
    Case("all labels empty", train([[*row[:2], ""] for row in TRAIN]), error="label"),
    Case(
        "nan labels",
        train(changed(2, {3: "NaN", 4: "nan", 5: "None", 6: "N/A"})),
        fine=has_labels("N/A", "NaN", "None", "nan", "neg", "pos"),
    ),
    Case(
        "null labels in jsonl",
        {"data/train.jsonl": lines([dict(zip(HEADER, [*row[:2], None], strict=True)) for row in TRAIN])},
        {"tasks/t/train": "data/train.jsonl"},
        error="label",
    ),
    Case("one class", train([[*row[:2], "neg"] for row in TRAIN]), error="fewer than two classes"),
    Case(
        "class of one row",
        train([*TRAIN, ["z", "alone by itself here", "rare"]]),
        fine=has_labels("neg", "pos", "rare"),
    ),
    Case(
        "classes of one row",
        train([[*row[:2], row[0]] for row in TRAIN]),
        fine=lambda result: len(result.labels["t"]) == 16,
    ),
    Case("two rows, two classes", train([TRAIN[0], TRAIN[1]]), fine=has_labels("neg", "pos")),
    Case("one row", train([TRAIN[0]]), error="fewer than two classes"),
    Case(
        "class of one row, more folds",
        train([*TRAIN, ["z", "alone by itself here", "rare"]]),
        {"folds/n": 5},
        fine=has_labels("neg", "pos", "rare"),
    ),
    Case("more folds than rows", config={"folds/n": 50}, error="fold"),
    Case("labels 0 and 1", train(labelled("0", "1")), fine=has_labels("0", "1")),
    Case("labels 1 and 1.0", train(labelled("1", "1.0")), fine=has_labels("1", "1.0")),
    Case("labels 01 and 1", train(labelled("01", "1")), fine=has_labels("01", "1")),
    Case("labels True and False", train(labelled("False", "True")), fine=has_labels("False", "True")),
    Case(
        "labels like dates",
        train(labelled("2026-01-01", "2026-01-02")),
        fine=has_labels("2026-01-01", "2026-01-02"),
    ),
    Case("labels yes and no", train(labelled("no", "yes")), fine=has_labels("no", "yes")),
    Case("labels null and nan", train(labelled("nan", "null")), fine=has_labels("nan", "null")),
    Case(
        "labels of huge digits",
        train(labelled("9" * 5000, "1" * 5000)),
        fine=has_labels("1" * 5000, "9" * 5000),
    ),
    Case("labels of digits of all scripts", train(labelled("१", "٣")), fine=has_labels("٣", "१")),
    Case("labels of a superscript", train(labelled("²", "1")), fine=has_labels("1", "²")),
    Case(
        "huge labels",
        train(labelled("n" * 20_000, "p" * 20_000)),
        fine=has_labels("n" * 20_000, "p" * 20_000),
    ),
    Case(
        "labels with signs",
        train(labelled("../x", "$(rm -rf ~); {a}")),
        fine=has_labels("$(rm -rf ~); {a}", "../x"),
    ),
    Case("labels with newlines", train(labelled("a\nb", "c\r\nd")), fine=has_labels("a\nb", "c\r\nd")),
    Case("labels with a unit separator", train(labelled("a\x1fb", "c")), fine=has_labels("a\x1fb", "c")),
    Case("label called proba_x and id", train(labelled("id", "proba_id")), fine=has_labels("id", "proba_id")),
    Case("label called fold", train(labelled("fold", "cluster")), fine=has_labels("cluster", "fold")),
    Case("labels with spaces", train(changed(2, {0: " neg"})), fine=has_labels(" neg", "neg", "pos")),
    Case(
        "labels twins", train(labelled("caf\u00e9", "cafe\u0301")), fine=has_labels("cafe\u0301", "caf\u00e9")
    ),
    Case("label emoji", train(labelled("🙂", "👩‍👩‍👧")), fine=has_labels("👩‍👩‍👧", "🙂")),
    Case(
        "target lacking",
        {"data/train.csv": table(["id", "text"], [row[:2] for row in TRAIN])},
        error="no column 'label'",
    ),
    Case("target in test", {"data/test.csv": table(HEADER, [[*row, "neg"] for row in TEST])}, fine=same),
    Case("train is test", config={"tasks/t/test": "data/train.csv"}, error="is the file of tasks.t.train"),
    Case(
        "train is test by another path",
        config={"tasks/t/test": "data/../data/train.csv"},
        error="is the file of tasks.t.train",
    ),
    Case(
        "labels only in sample",
        {"data/sample.csv": table(["id", "label"], [[row[0], "neutral"] for row in SAMPLE])},
        WITH_SAMPLE,
        fine=same,
    ),
    Case(
        "labels only in test",
        {"data/test.csv": table(HEADER, [[*row, "neutral"] for row in TEST])},
        fine=same,
    ),
    Case("target is text", config={"tasks/t/target": "text"}, error="holds the target column"),
    Case(
        "thousand classes",
        train([[f"a{k}", f"word{k} {NOUNS[k % 10]} again{k % 7}", f"c{k // 2}"] for k in range(400)]),
        {"models/linear/max_iter": 1},
        fine=lambda result: len(result.labels["t"]) == 200,
    ),
]

TEXTS = [
    Case("empty text", texts({0: ""}), fine=holds("")),
    Case(
        "all texts empty",
        train([[row[0], "", row[2]] for row in TRAIN]),
        error="folds.n: .*resemble each other",
    ),
    Case("most texts empty", texts(dict.fromkeys(range(14), "")), fine=holds("")),
    Case(
        "all test texts empty",
        {"data/test.csv": table(HEADER[:2], [[row[0], ""] for row in TEST])},
        fine=lambda result: None if result.test["t"]["text_a"].tolist() == [""] * 3 else 1 / 0,
    ),
    Case(
        "all texts equal",
        train([[row[0], "always the same words here", row[2]] for row in TRAIN]),
        error="folds.n: .*resemble each other",
    ),
    Case(
        "all texts equal, no near duplicates",
        train([[row[0], "always the same words here", row[2]] for row in TRAIN]),
        {"folds/near_duplicates": None},
        fine=holds("always the same words here"),
    ),
    Case(
        "texts of stop signs",
        train([[row[0], ". , !", row[2]] for row in TRAIN]),
        {"folds/near_duplicates": None},
        fine=holds(". , !"),
    ),
    Case("right to left", texts({0: "\u202eشجرة כלב\u202c نهر"}), fine=holds("\u202eشجرة כלב\u202c نهر")),
    Case("emoji", texts({0: "👩‍👩‍👧‍👦🏳️‍🌈 ❤️"}), fine=holds("👩‍👩‍👧‍👦🏳️‍🌈 ❤️")),
    Case(
        "zero width",
        texts({0: "a\u200bb\u200c\u200d\ufeffc\u2060"}),
        fine=holds("a\u200bb\u200c\u200d\ufeffc\u2060"),
    ),
    Case(
        "astral and private",
        texts({0: "\U0010ffff\ue000\U000e0041 \ufffe\uffff"}),
        fine=holds("\U0010ffff\ue000\U000e0041 \ufffe\uffff"),
    ),
    Case("zalgo", texts({0: "z" + "\u0301\u0489" * 5000}), fine=holds("z" + "\u0301\u0489" * 5000)),
    Case(
        "lone surrogate in jsonl",
        {
            "data/train.jsonl": lines([dict(zip(HEADER, row, strict=True)) for row in TRAIN]).replace(
                '"sad ', r'"\ud800 ', 1
            )
        },
        {"tasks/t/train": "data/train.jsonl"},
        fine=holds("\ufffd" + TRAIN[0][1][3:]),
    ),
    Case(
        "surrogate bytes",
        {"data/train.csv": TRAIN_CSV.encode().replace(b"sad", b"\xed\xa0\x80", 1)},
        fine=lambda result: None,
    ),
    Case(
        "formulas",
        texts({0: '=HYPERLINK("http://x")', 1: "=cmd|' /C calc'!A0", 2: "{{7*7}}", 3: "${jndi:ldap://x}"}),
        fine=holds('=HYPERLINK("http://x")'),
    ),
    Case(
        "all steps of a view on odd texts",
        texts(
            {
                0: "a\u200b" * 50,
                1: "<b" * 2000,
                2: "&amp;" * 2000,
                3: "@" * 3000,
                4: "http://" * 500,
                5: "(" * 3000,
                6: "河" * 500,
                7: "\ud7ff\ue000",
                8: "1,2.3:" * 800,
                9: "#" * 3000,
                10: ":a" * 3000,
                11: ":-)" * 900,
                12: "é" * 2000,
                13: "a." * 3000,
            }
        ),
        {
            "text/views/raw": [
                "nfkc",
                "width",
                "punctuation",
                "simplified",
                "emoji",
                "emoticons",
                "urls",
                "emails",
                "mentions",
                "hashtags",
                "numbers",
                "html",
                "mojibake",
                "repeats",
                "lowercase",
                "whitespace",
                "drop_duplicates",
            ]
        },
        fine=lambda result: None,
    ),
    Case(
        "view that leaves nothing",
        train([[row[0], "@user http://x.y 12", row[2]] for row in TRAIN]),
        {
            "text/views/raw": [
                {"urls": {"action": "drop"}},
                {"mentions": {"action": "drop"}},
                {"numbers": {"action": "drop"}},
            ],
            "folds/near_duplicates": None,
        },
        fine=lambda result: None,
    ),
    Case(
        "drop duplicates of all",
        train([[row[0], "always the same words here", row[2]] for row in TRAIN]),
        {"text/views/raw": ["drop_duplicates"], "folds/near_duplicates": None},
        fine=lambda result: None,
    ),
    Case(
        "pair",
        {
            "data/train.csv": table([*HEADER, "b"], [[*row, row[1][::-1]] for row in TRAIN]),
            "data/test.csv": table(["id", "text", "b"], [[*row, ""] for row in TEST]),
        },
        {"tasks/t/text": ["text", "b"]},
        fine=lambda result: None if result.test["t"]["text_b"].tolist() == ["", "", ""] else 1 / 0,
    ),
    Case("pair of the same column", config={"tasks/t/text": ["text", "text"]}, fine=holds(TRAIN[0][1])),
    Case(
        "pair, second lacking in test",
        {"data/train.csv": table([*HEADER, "b"], [[*row, "x"] for row in TRAIN])},
        {"tasks/t/text": ["text", "b"]},
        error=r"test\.csv has no column 'b'",
    ),
    Case(
        "joined columns",
        {
            "data/train.csv": table([*HEADER, "b"], [[*row, ""] for row in TRAIN]),
            "data/test.csv": table(["id", "text", "b"], [[*row, "x"] for row in TEST]),
        },
        {"tasks/t/text": [["text", "b"]]},
        fine=same,
    ),
    Case(
        "group of all",
        {"data/train.csv": table([*HEADER, "g"], [[*row, "one"] for row in TRAIN])},
        {"tasks/t/group": "g"},
        error="fold",
    ),
    Case(
        "group with empties",
        {
            "data/train.csv": table(
                [*HEADER, "g"], [[*row, "g" if k % 3 else ""] for k, row in enumerate(TRAIN)]
            )
        },
        {"tasks/t/group": "g"},
        fine=same,
    ),
    Case("group lacking", config={"tasks/t/group": "author"}, error="no column 'author'"),
    Case("group is text", config={"tasks/t/group": "text"}, fine=same),
]

SAMPLES = [
    Case(
        "sample of another order",
        {"data/sample.csv": table(["id", "label"], SAMPLE[::-1])},
        WITH_SAMPLE,
        fine=lambda result: None if result.submission.splitlines()[1].startswith("b2,") else 1 / 0,
    ),
    Case(
        "sample lacks ids",
        {"data/sample.csv": table(["id", "label"], SAMPLE[:2])},
        WITH_SAMPLE,
        error="sample lacks 1 ids of test .'b2'",
    ),
    Case(
        "sample has more ids",
        {"data/sample.csv": table(["id", "label"], [*SAMPLE, ["z", "neg"]])},
        WITH_SAMPLE,
        error="sample has 1 ids that test lacks .'z'",
    ),
    Case(
        "sample repeats ids",
        {"data/sample.csv": table(["id", "label"], [*SAMPLE, SAMPLE[0]])},
        WITH_SAMPLE,
        error="more than once",
    ),
    Case(
        "sample with other columns",
        {"data/sample.csv": table(["key", "value"], SAMPLE)},
        WITH_SAMPLE,
        error="no column 'id'",
    ),
    Case(
        "sample with one other column",
        {"data/sample.csv": table(["id", "value"], SAMPLE)},
        WITH_SAMPLE,
        fine=lambda result: None if result.submission.startswith("id,value\n") else 1 / 0,
    ),
    Case(
        "sample with two other columns",
        {"data/sample.csv": table(["id", "v", "w"], [[*row, 1] for row in SAMPLE])},
        WITH_SAMPLE,
        error="no column 'label'",
    ),
    Case(
        "sample of classes",
        {"data/sample.csv": table(["id", "pos", "neg"], [[row[0], 0.5, 0.5] for row in SAMPLE])},
        WITH_SAMPLE,
        fine=lambda result: None if result.submission.startswith("id,pos,neg\n") else 1 / 0,
    ),
    Case(
        "sample of some classes",
        {"data/sample.csv": table(["id", "pos", "neutral"], [[row[0], 0.5, 0.5] for row in SAMPLE])},
        WITH_SAMPLE,
        error="'neutral' is none",
    ),
    Case(
        "sample holds numbers",
        {"data/sample.csv": table(["id", "label"], [[row[0], 0] for row in SAMPLE])},
        WITH_SAMPLE,
        error="holds whole numbers such as '0'",
    ),
    Case(
        "sample with an id alone",
        {"data/sample.csv": table(["id"], [[row[0]] for row in SAMPLE])},
        WITH_SAMPLE,
        error="sample",
    ),
    Case(
        "sample of ids as floats",
        {
            "data/sample.csv": table(["id", "label"], [["0.0", "neg"], ["1.0", "neg"], ["2.0", "neg"]]),
            "data/test.csv": table(HEADER[:2], [[k, row[1]] for k, row in enumerate(TEST)]),
        },
        WITH_SAMPLE,
        error="sample lacks 3 ids of test",
    ),
    Case(
        "sample of jsonl",
        {"data/sample.jsonl": lines([{"label": "neg", "id": row[0]} for row in SAMPLE])},
        {"tasks/t/sample": "data/sample.jsonl"},
        fine=lambda result: None,
    ),
    Case(
        "sample of jsonl with numbers",
        {"data/sample.jsonl": lines([{"label": 1, "id": row[0]} for row in SAMPLE])},
        {"tasks/t/sample": "data/sample.jsonl"},
        error="numbers",
    ),
    Case(
        "sample with another extra column",
        {"data/sample.csv": table(["id", "label", "note"], [[*row, "a,\nb"] for row in SAMPLE])},
        WITH_SAMPLE,
        fine=lambda result: None if '"a,\nb"' in result.submission else 1 / 0,
    ),
    Case(
        "sample without ids",
        {"data/sample.csv": table(["label"], [["neg"]] * 3)},
        {**WITH_SAMPLE, "tasks/t/id": None},
        fine=lambda result: None if result.submission.startswith("label\n") else 1 / 0,
    ),
    Case(
        "sample without ids, other count",
        {"data/sample.csv": table(["label"], [["neg"]] * 4)},
        {**WITH_SAMPLE, "tasks/t/id": None},
        error="the sample has 4 rows, test has 3",
    ),
    Case("sample is test", config={"tasks/t/sample": "data/test.csv"}, error="is the file of tasks.t.sample"),
    Case(
        "submission file of another form",
        {"data/sample.csv": SAMPLE_CSV},
        {**WITH_SAMPLE, "tasks/t/submission": {"file": "x.json"}},
        error="two forms",
    ),
    Case(
        "submission file of tsv",
        config={"tasks/t/submission": {"file": "out.tsv"}},
        fine=lambda result: None if result.submission.startswith("id\tlabel\n") else 1 / 0,
    ),
]


def _closed(path: Path) -> None:
    path.write_text(TRAIN_CSV, encoding="utf-8")
    path.chmod(0)


def _parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out)
    return out.getvalue()


ROWS_JSON = [dict(zip(HEADER, row, strict=True)) for row in TRAIN]
FRAME = pd.DataFrame(TRAIN, columns=HEADER)
GZ = gzip.compress(TRAIN_CSV.encode(), mtime=0)


def of(path: str, content: Any, **more: Any) -> dict[str, Any]:
    """A training file of another name."""
    return {"files": {"data/train.csv": None, path: content}, "config": {"tasks/t/train": path}, **more}


KINDS = [
    Case("gz", **of("data/train.csv.gz", GZ), fine=same),
    Case("gz that is none", **of("data/train.csv.gz", TRAIN_CSV), error=r"train\.csv\.gz: not a complete gzip file"),
    Case("gz cut short", **of("data/train.csv.gz", GZ[:-20]), error="not a complete gzip file"),
    Case("gz cut to the header", **of("data/train.csv.gz", GZ[:6]), error="not a complete gzip file"),
    Case("gz broken inside", **of("data/train.csv.gz", GZ[:60] + b"\xff\xff\xff" + GZ[63:]), error="not a complete gzip file"),
    Case("gz empty", **of("data/train.csv.gz", b""), error=r"train\.csv\.gz"),
    Case("gz of nothing", **of("data/train.csv.gz", gzip.compress(b"", mtime=0)), error="is empty"),
    Case("gz of a gz", **of("data/train.csv.gz", gzip.compress(GZ, mtime=0)), error=r"train\.csv\.gz"),
    Case("gz not in its name", {"data/train.csv": GZ}, error=r"train\.csv"),
    Case("upper case ending", **of("data/TRAIN.CSV", TRAIN_CSV), fine=same),
    Case("unknown ending", **of("data/train.xlsx", TRAIN_CSV), error="does not tell the kind of file"),
    Case("no ending", **of("data/train", TRAIN_CSV), error="does not tell the kind of file"),
    Case("only gz", **of("data/train.gz", GZ), error="does not tell the kind of file"),
    Case("parquet", **of("data/train.parquet", _parquet(FRAME)), fine=same),
    Case("parquet that is csv", **of("data/train.parquet", TRAIN_CSV), error=r"train\.parquet: cannot be read"),
    Case("parquet cut short", **of("data/train.parquet", _parquet(FRAME)[:-30]), error=r"train\.parquet: cannot be read"),
    Case("parquet broken inside", **of("data/train.parquet", _parquet(FRAME)[:40] + bytes(400) + _parquet(FRAME)[440:]),
         error=r"train\.parquet: cannot be read"),
    Case("parquet empty", **of("data/train.parquet", b""), error=r"train\.parquet: cannot be read"),
    Case("parquet of no rows", **of("data/train.parquet", _parquet(FRAME[:0])), error="train"),
    Case("parquet of lists", **of("data/train.parquet", _parquet(FRAME.assign(text=[[text] for text in FRAME["text"]]))),
         error="column 'text' holds list"),
    Case("parquet of numbers", **of("data/train.parquet", _parquet(FRAME.assign(label=[k % 2 for k in range(16)], id=range(16)))),
         fine=has_labels("0", "1")),
    Case("parquet of float labels with nulls", **of("data/train.parquet", _parquet(
        FRAME.assign(label=[None if k == 3 else float(k % 2) for k in range(16)]))), error="1 rows with an empty 'label'"),
    Case("parquet of bools, dates, binary", **of("data/train.parquet", _parquet(
        FRAME.assign(label=[k % 2 == 0 for k in range(16)], id=pd.date_range("2026-01-01", periods=16)))), fine=has_labels("false", "true")),
    Case("parquet of bad bytes", **of("data/train.parquet", _parquet(FRAME.assign(text=[b"\xff\xfe"] * 16))), error="text"),
    Case("csv that is parquet", {"data/train.csv": _parquet(FRAME)}, error=r"train\.csv"),
    Case("jsonl", **of("data/train.jsonl", lines(ROWS_JSON)), fine=same),
    Case("jsonl bad line", **of("data/train.jsonl", lines(ROWS_JSON) + "{bad\n"), error="line 17 is not JSON"),
    Case("jsonl is a list", **of("data/train.json", "[" + lines(ROWS_JSON).replace("}\n{", "},\n{") + "]"), error="line 1 is not JSON"),
    Case("jsonl list in one line", **of("data/train.json", "[" + lines(ROWS_JSON).replace("}\n{", "},{").strip() + "]"),
         error="line 1 is not a JSON object"),
    Case("jsonl indented", **of("data/train.json", lines(ROWS_JSON).replace(", ", ",\n ")), error="line 1 is not JSON"),
    Case("jsonl nested", **of("data/train.jsonl", lines([{**row, "text": {"a": 1}} for row in ROWS_JSON])), error="'text' holds a dict"),
    Case("jsonl list value", **of("data/train.jsonl", lines([{**row, "text": ["a"]} for row in ROWS_JSON])), error="'text' holds a list"),
    Case("jsonl missing keys", **of("data/train.jsonl", lines([*ROWS_JSON, {"id": "z", "text": "no label here"}])), error="empty 'label'"),
    Case("jsonl key in no row", **of("data/train.jsonl", lines([{"id": row["id"], "text": row["text"]} for row in ROWS_JSON])), error="no column 'label'"),
    Case("jsonl key far below", **of("data/train.jsonl", lines([{"id": f"q{k}", "text": f"t {k}"} for k in range(300)] + ROWS_JSON)), error="label"),
    Case("jsonl duplicate keys", **of("data/train.jsonl", lines(ROWS_JSON).replace('"id"', '"id": "q", "id"')), fine=same),
    Case("jsonl nan", **of("data/train.jsonl", lines([{**row, "label": float("nan")} for row in ROWS_JSON])), error="label"),
    Case("jsonl infinity", **of("data/train.jsonl", lines([{**row, "label": float("inf")} for row in ROWS_JSON])), error="label"),
    Case("jsonl deep", **of("data/train.jsonl", '{"id": ' + "[" * 100_000 + "\n"), error="line 1 is not JSON"),
    Case("jsonl of huge number", **of("data/train.jsonl", lines(ROWS_JSON).replace('"a0"', "1" * 5000, 1)), fine=has_ids("1" * 5000)),
    Case("jsonl of floats as ids", **of("data/train.jsonl", lines([{**row, "id": 1.0 * k} for k, row in enumerate(ROWS_JSON)])), fine=has_ids("0", "1")),
    Case("jsonl of huge float ids", **of("data/train.jsonl", lines([{**row, "id": 1e308 + 0.0} for row in ROWS_JSON]).replace("1e+308", "1e999")),
         error="more than once|id"),
    Case("jsonl empty", **of("data/train.jsonl", ""), error="the file is empty"),
    Case("jsonl of numbers", **of("data/train.jsonl", "1\n2\n"), error="line 1 is not a JSON object"),
    Case("jsonl of empty objects", **of("data/train.jsonl", "{}\n{}\n"), error="no column 'id'"),
    Case("jsonl with a control character", **of("data/train.jsonl", lines(ROWS_JSON).replace("sad ", "sad\t", 1)), fine=holds(TRAIN[0][1].replace(" ", "\t", 1))),
    Case("jsonl that is csv", **of("data/train.jsonl", TRAIN_CSV), error="line 1 is not JSON"),
    Case("csv that is jsonl", {"data/train.csv": lines(ROWS_JSON)}, error="no column 'id'"),
    Case("missing", {"data/train.csv": None}, error=r"tasks\.t\.train: there is no file data/train\.csv"),
    Case("missing by a letter", config={"tasks/t/train": "data/tran.csv"}, error=r"tasks\.t\.train: there is no file data/tran\.csv"),
    Case("a directory", {"data/train.csv": Path.mkdir}, error=r"there is no file data/train\.csv"),
    Case("a fifo", {"data/train.csv": os.mkfifo}, error=r"there is no file data/train\.csv"),
    Case("a dangling link", {"data/train.csv": lambda path: path.symlink_to("nowhere.csv")}, error=r"there is no file data/train\.csv"),
    Case("a looping link", {"data/train.csv": lambda path: path.symlink_to("train.csv")}, error=r"there is no file data/train\.csv"),
    Case("a link", {"data/train.csv": lambda path: path.symlink_to("real.csv"), "data/real.csv": TRAIN_CSV}, fine=same),
    Case("no permission", {"data/train.csv": _closed}, error=r"data/train\.csv"),
    Case("a device", **of("data/zero.csv", lambda path: path.symlink_to("/dev/zero")), error="there is no file"),
    Case("test is a directory", {"data/test.csv": Path.mkdir}, error=r"there is no file data/test\.csv"),
    Case("sample is missing", config=WITH_SAMPLE, error=r"tasks\.t\.sample: there is no file data/sample\.csv"),
    Case("holdout is missing", config={"tasks/t/holdout": "data/h.csv"}, error=r"tasks\.t\.holdout: there is no file"),
    Case("path through a file", config={"tasks/t/train": "data/test.csv/x.csv"}, error="there is no file"),
    Case("very long path", config={"tasks/t/train": f"data/{'x' * 5000}.csv"}, error="train"),
    Case("path with nul", config={"tasks/t/train": "data/\0.csv"}, error="train"),
    Case("path with spaces and signs", **of("data/a b;$(touch x)'\"&#.csv", TRAIN_CSV), fine=same),
    Case("path with a newline", **of("data/a\nb.csv", TRAIN_CSV), error="tasks.t.train: .* not allowed here"),
    Case("path with unicode", **of("data/训练 🙂.csv", TRAIN_CSV), fine=same),
    Case("path with braces", **of("data/{task}.csv", TRAIN_CSV), error="not allowed here"),
    Case("path outside", config={"tasks/t/train": "../canary/none.csv"}, error="there is no file ../canary/none.csv"),
    Case("path of home", config={"tasks/t/train": "~/none.csv"}, error="there is no file ~/none.csv"),
]  # fmt: skip

READING = [
    replace(case, whole=number % 8 == 0) if "sample" not in " ".join(case.files) else case
    for number, case in enumerate([*ENCODINGS, *SEPARATORS, *ROWS, *KINDS])
]
CASES = [*READING, *IDENTITIES, *LABELS, *TEXTS, *SAMPLES]
