"""Bad and odd files of tables: encodings, separators, lines, kinds of files."""

import gzip
import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from fuzz_cases import SAMPLE, SAMPLE_CSV, TEST, TEST_CSV, TRAIN, TRAIN_CSV, Case, lines, table
from fuzz_tables import HEADER, WITH_SAMPLE, has_ids, has_labels, holds, same, texts, train


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
CASES = READING
