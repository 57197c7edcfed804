"""More bad and odd JSON lines, Parquet files, files beside train and test, configs and questions."""

import datetime
import decimal
import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from fuzz_cases import CONFIG, TRAIN, Case, config, lines, table
from fuzz_files import FRAME, ROWS_JSON, of
from fuzz_more import read
from fuzz_spans import ANSWER, PARAGRAPH, QUESTION, TOWNS, at, case, context
from fuzz_spans import changed as asked
from fuzz_tables import HEADER, has_ids, has_labels, holds, labelled, same, texts, train
from fuzz_types import EXTERNAL, MORE, MULTI, REGRESSION, UNLABELLED, more, numbers, sets, value, word


def jsonl(
    name: str, content: Any, error: str | None = None, path: str = "data/train.jsonl", **more: Any
) -> Case:
    return read(f"json {name}", **of(path, content), error=error, **more)


def rows(**changes: Any) -> list[dict[str, Any]]:
    """The right rows with other values in columns, each made of the row's number."""
    return [{**row, **{key: make(k) for key, make in changes.items()}} for k, row in enumerate(ROWS_JSON)]


DEEP = '{"id": "z", "text": "x", "label": "neg", "more": ' + "[" * 10_000 + "]" * 10_000 + "}\n"
RIGHT = lines(ROWS_JSON)
JSON = [
    jsonl("with other keys in each row", lines([{**row, f"k{k}": k} for k, row in enumerate(ROWS_JSON)])),
    jsonl("of lists", "".join(json.dumps(list(row.values())) + "\n" for row in ROWS_JSON), "line 1 is not a JSON object"),
    jsonl("with commas behind lines", RIGHT.replace("}\n", "},\n"), "line 1 is not JSON .Extra data"),
    jsonl("indented in one list", json.dumps(ROWS_JSON, indent=1), "line 1 is not JSON", "data/train.json"),
    jsonl("of one object with all rows", json.dumps({"data": ROWS_JSON}), "no column 'id'", "data/train.json"),
    jsonl("of one object of columns", json.dumps({key: {str(k): row[key] for k, row in enumerate(ROWS_JSON)} for key in HEADER}), "'label' holds a dict",
          "data/train.json"),
    jsonl("all in one line", RIGHT.replace("\n", " "), "line 1 is not JSON .Extra data"),
    jsonl("with a mark in the middle", RIGHT.replace('{"id": "a8"', '\ufeff{"id": "a8"')),
    jsonl("of one long line", lines([{**ROWS_JSON[0], "text": "x " * 500_000}, *ROWS_JSON[1:]]), fine=holds("x " * 500_000)),
    jsonl("with comments", f"// rows\n{RIGHT}", "line 1 is not JSON"),
    jsonl("in single quotes", "".join(f"{row}\n" for row in ROWS_JSON), "line 1 is not JSON"),
    jsonl("deep where nobody looks", DEEP + RIGHT, "line 1 is not JSON"),
    jsonl("with record separators", "".join(f"\x1e{json.dumps(row)}\n" for row in ROWS_JSON), "line 1 is not JSON"),
    jsonl("in utf-16", RIGHT.encode("utf-16")),
    jsonl("with line separators in texts", lines([{**ROWS_JSON[0], "text": "a\u2028b\x85c"}, *ROWS_JSON[1:]]), fine=holds("a\u2028b\x85c")),
    jsonl("with half a pair in a key", RIGHT.replace('"label"', r'"\ud800"'), "no column 'label'"),
    jsonl("with halves of pairs as ids", RIGHT.replace('"a0"', r'"\ud800"').replace('"a1"', r'"\udfff"'), "1 ids more than once"),
    jsonl("with floats of 20 digits as ids", lines(rows(id=lambda k: f"@{k}")).replace('"@', "123456789012345678").replace('", "text', '.0, "text'),
          fine=has_ids("1234567890123456780", "1234567890123456781")),
    jsonl("with ids of exponents", lines(rows(id=lambda k: k)).replace('"id": 0,', '"id": 1e5,').replace('"id": 1,', '"id": 1E20,'), fine=has_ids("100000", "1" + "0" * 20, "2")),
    jsonl("with one label in two forms", lines(rows(label=lambda k: [0, 0.0, 0.5][k % 3])), fine=has_labels("0", "0.5")),
    jsonl("with labels of several types", lines(rows(label=lambda k: [1, 1.0, "1", True][k % 4])), fine=has_labels("1", "true")),
    jsonl("with whole floats as labels", lines(rows(label=lambda k: k % 2 + 0.0)), fine=has_labels("0", "1")),
    jsonl("with a fraction as a text", lines(rows(text=lambda k: 5.5 + k)), fine=holds("5.5")),
]  # fmt: skip


def stored(name: str, column: str, values: Any, error: str | None = None, **more: Any) -> Case:
    """A Parquet file with another column."""
    made = pa.table(
        {key: values if key == column else pa.array([row[key] for row in ROWS_JSON]) for key in HEADER}
    )
    return parquet(name, made, error, **more)


def parquet(name: str, made: pa.Table, error: str | None = None, **more: Any) -> Case:
    out = io.BytesIO()
    pq.write_table(made, out)
    return read(f"parquet {name}", **of("data/train.parquet", out.getvalue()), error=error, **more)


BASE = pa.Table.from_pandas(FRAME, preserve_index=False)
PARQUET = [
    parquet("naming a column twice", pa.Table.from_arrays([*BASE.columns, BASE[1]], names=[*HEADER, "text"]), "names the column 'text' more than once"),
    parquet("naming another column twice", pa.Table.from_arrays([*BASE.columns, BASE[1], BASE[1]], names=[*HEADER, "x", "x"]), "'x' more than once"),
    parquet("of no groups of rows", BASE.slice(0, 0), "train has no rows"),
    parquet("with ids in the index", pa.Table.from_pandas(FRAME.set_index("id"))),
    parquet("with a list beside", BASE.append_column("x", pa.array([[1]] * 16))),
    parquet("with a point in a name", BASE.rename_columns(["id", "text", "label.x"]), "did you mean 'label.x'"),
    parquet("with a longer name beside", BASE.append_column("text.b", BASE["id"])),
    stored("of a dictionary", "label", BASE["label"].dictionary_encode()),
    stored("of a dictionary of floats", "label", pa.array([k % 2 + 0.0 for k in range(16)]).dictionary_encode(), fine=has_labels("0", "1")),
    stored("of nothing", "label", pa.nulls(16), "16 rows with an empty 'label'"),
    stored("of blocks", "text", pa.array([{"a": row["text"]} for row in ROWS_JSON]), "'text' holds struct"),
    stored("of maps", "text", pa.array([[("a", "b")]] * 16, pa.map_(pa.string(), pa.string())), "'text' holds map"),
    stored("of bytes", "text", pa.array([row["text"].encode() for row in ROWS_JSON])),
    stored("of bytes of one length", "id", pa.array([b"%04d" % k for k in range(16)], pa.binary(4)), fine=has_ids("0000", "0001")),
    stored("of 64 bits", "id", pa.array([2**64 - 1 - k for k in range(16)], pa.uint64()), fine=has_ids(str(2**64 - 1), str(2**64 - 2))),
    stored("of floats beyond 53 bits", "id", pa.array([float(2**60 + k * 4096) for k in range(16)]), fine=has_ids(str(2**60), str(2**60 + 4096))),
    stored("of half floats", "label", pa.array(np.array([k % 2 for k in range(16)], np.float16)), fine=has_labels("0", "1")),
    stored("of decimals", "id", pa.array([decimal.Decimal(k) for k in range(16)], pa.decimal128(10, 2)), fine=has_ids("0.00", "1.00")),
    stored("of days", "id", pa.array([datetime.date(2026, 1, 1 + k) for k in range(16)]), fine=has_ids("2026-01-01", "2026-01-02")),
]  # fmt: skip


def mapped(text: str, given: str, error: str | None = None, **more: Any) -> Case:
    """A map of an external file's labels, as a person writes it in YAML."""
    made = yaml.safe_dump(
        config({"tasks/t/external": {"more": {"file": "data/more.csv", "labels": {"xx": "neg"}}}}),
        sort_keys=False,
    )
    theirs = [[id, words, given if label == "neg" else label] for id, words, label in MORE]
    files = {"data/more.csv": table(HEADER, theirs)} | more.pop("files", {})
    return Case(f"more map {text}", files, made.replace("xx: neg", text), error, whole=False, **more)


BESIDE = [
    mapped("'yes': neg", "yes", fine=same),
    mapped("yes: neg", "yes", "labels.*must be text; put yes, no"),
    mapped("neg: no", "neg", "labels.neg: must be text; put yes, no"),
    mapped("1.0: neg", "1.0", "labels: input should be a valid string; found 1.0"),
    mapped("2026-01-01: neg", "2026-01-01", "labels: input should be a valid string"),
    mapped("010: neg", "010", "line 13.*YAML reads 010 as another number"),
    mapped("007: neg", "007", "YAML reads 007 as another number"),
    mapped("12:30: neg", "12:30", "YAML reads 12:30 as another number"),
    mapped("{1: neg, '1': pos}", "1", "labels: the label 1 stands there more than once"),
    mapped("7: neg", "7", fine=same),
    Case("more external labels with a space", more([[*row[:2], f"{row[2]} "] for row in MORE]), EXTERNAL, "'neg ' .3 rows. is no label of the task .did you mean 'neg'"),
    Case("more external floats", {**train(labelled("0", "1")), "data/more.jsonl": lines([{"id": row[0], "text": row[1], "label": 1.0} for row in MORE])},
         {"tasks/t/external": {"more": {"file": "data/more.jsonl"}}}, fine=has_labels("0", "1"), whole=False),
    Case("more external header again", {"data/more.csv": table(HEADER, [*MORE, HEADER])}, EXTERNAL, "line 8 is the header once more"),
    Case("more unlabelled header again", {"data/loose.csv": table(["id", "text"], [*(row[:2] for row in MORE), HEADER[:2]])}, UNLABELLED,
         "line 8 is the header once more"),
    Case("more overrides in utf-16 with semicolons", {"data/overrides.csv": "id;label\r\na0;pos\r\n".encode("utf-16")}, fine=same, whole=False),
    Case("more overrides of an id with a zero", word([["0a0", "pos"]]), error="row 1 .id '0a0'.: no training row has this id"),
    Case("more overrides that drop a row in capitals", word([["a0", "Drop"]]), error="'Drop' is neither a class nor the word drop; did you mean 'drop'"),
    Case("more overrides of a class called drop", {**train(labelled("drop", "keep")), **word([["a0", "drop"]])}, fine=has_labels("drop", "keep"), whole=False),
    Case("more overrides of labels with spaces", {**train(labelled(" neg", " pos")), **word([["a0", " pos"]])}, fine=has_labels(" neg", " pos"), whole=False),
    Case("more overrides of a number beyond all", {**numbers({}), **word([["a0", "1e300"]])}, base=REGRESSION, error="'1e300' is neither the word drop nor 1 numbers"),
    Case("more overrides of a number with a sign inside", {**numbers({}), **word([["a0", "1_000"]])}, base=REGRESSION, error="'1_000' is neither the word drop"),
    Case("more overrides of several labels, one unknown", {**sets({}), **word([["a0", "pos|olde"]])}, base=MULTI, error="'olde' is neither a class.*did you mean 'old'"),
    *(Case(f"more regression of {name}", numbers({2: text}), base=REGRESSION, error="1 rows whose 'label' is no number")
      for name, text in {"money": "$5", "a long minus": "\u22125", "brackets": "(5)", "a hard space": "1\u00a0000", "a time": "12:30", "truth": "true",
                         "a spreadsheet's error": "#N/A"}.items()),
    Case("more regression of decimal commas", {"data/train.csv": table(HEADER, [[*row[:2], str(k) + ",5"] for k, row in enumerate(TRAIN)], separator=";")},
         base=REGRESSION, error="16 rows whose 'label' is no number .'0,5'"),
    Case("more regression of zeros before it", numbers({2: "007"}), base=REGRESSION, fine=value(2, 7.0), whole=False),
]  # fmt: skip

YAML = yaml.safe_dump(CONFIG, sort_keys=False)


def layer(name: str, old: str, new: str, error: str | None = None, **more: Any) -> Case:
    """A config with one thing written otherwise."""
    assert old in YAML
    return Case(
        f"more yaml {name}",
        config=YAML.replace(old, new, 1),
        error=error,
        whole=False,
        **({} if error else {"fine": same}) | more,
    )


MODEL = "  linear:\n    kind: linear\n    max_iter: 20"
CONFIGS = [
    layer("merged block", MODEL, MODEL.replace("linear:", "linear: &l") + "\n  other:\n    c: 2.0\n    <<: *l"),
    layer("merged list of blocks", MODEL, MODEL.replace("linear:", "linear: &l") + "\n  other:\n    <<: [*l, {c: 3.0}]"),
    layer("merged twice", MODEL, MODEL.replace("linear:", "linear: &l") + "\n  other:\n    <<: *l\n    <<: *l", "the key '<<' stands in this block more than once"),
    layer("key in quotes once more", "competition: fuzz", "competition: fuzz\n'competition': x", "'competition' stands in this block more than once"),
    layer("key with a space", "folds:", "'folds ':", "unknown key; did you mean 'folds'"),
    layer("key with a letter of another script", "folds:", "f\u043elds:", "unknown key; did you mean 'folds'"),
    layer("key with a hard space", "folds:", "folds\u00a0:", "unknown key; did you mean 'folds'"),
    layer("kind with a letter of another script", "kind: linear", "kind: line\u0430r", "unknown kind.*did you mean 'linear'"),
    layer("wide colon", "competition: fuzz", "competition\uff1a fuzz", "config.yaml, line 2"),
    layer("octal", "n: 2", "n: 010", "line 10, column 6: YAML reads 010 as another number"),
    layer("sexagesimal", "max_iter: 20", "max_iter: 1:30", "YAML reads 1:30 as another number"),
    layer("exponent for a whole number", "max_iter: 20", "max_iter: 1e3", "max_iter: input should be a valid integer.*found \"1e3\""),
    layer("exponent for a number", "max_iter: 20", "max_iter: 20\n    c: 1e-3"),
    layer("whole float", "n: 2", "n: 2.0"),
    layer("fraction", "n: 2", "n: 2.5", "folds.n: .*fractional part"),
    layer("infinite", "n: 2", "n: .inf", "folds.n"),
    layer("percent", "n: 2", "n: 2\n  near_duplicates: 80%", "near_duplicates: .*found \"80%\""),
    layer("decimal comma", "max_iter: 20", "max_iter: 20\n    c: 1,5", "linear.c: .*found \"1,5\""),
    layer("model called by a number", "  linear:", "  1.5:", "models: input should be a valid string; found 1.5"),
    layer("model called null", "  linear:", "  null:", "models: input should be a valid string; found null"),
    layer("column called by a number", "target: label", "target: 3", "target: input should be a valid string; found 3"),
    layer("column called no", "target: label", "target: label\n    id: no", "id: must be text; put yes, no"),
    layer("folded path", "train: data/train.csv", "train: >\n      data/train.csv", "tasks.t.train: .*not allowed here"),
    layer("path of a web page", "train: data/train.csv", "train: https://example.org/train.csv", "there is no file https"),
    layer("path with backslashes", "train: data/train.csv", "train: data\\train.csv", "there is no file"),
    layer("file called as the scores", "target: label", "target: label\n    submission: {file: scores.csv}", "results/scores.csv is the table of scores"),
    layer("view of nothing", "folds:", "text:\n  views:\n    raw: [null]\nfolds:", r"text.views.raw\[0\]: found None"),
    layer("included file", "folds:", "x: !include /etc/passwd\nfolds:", "config.yaml, line 9.*!include"),
    layer("empty lists everywhere", YAML, "".join(f"{key}: []\n" for key in CONFIG), "folds: this must be a block of keys"),
    layer("two documents, one empty", YAML, f"{YAML}---\n", "another document"),
]  # fmt: skip

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
TEXTS = [
    Case("more texts of spaces alone", train([[row[0], " \t\u3000\u00a0", row[2]] for row in TRAIN]), {"folds/near_duplicates": None}, fine=holds(" \t\u3000\u00a0")),
    Case("more texts of zero width", train([[row[0], "\u200b\u200d\ufeff\u2060", row[2]] for row in TRAIN]), {"folds/near_duplicates": None}),
    Case("more texts of families alone", train([[row[0], FAMILY * (k + 1), row[2]] for k, row in enumerate(TRAIN)]), {"folds/near_duplicates": None}, fine=holds(FAMILY)),
    Case("more texts alike but for zero width", train([[row[0], f"same words here{chr(0x200B) * k}", row[2]] for k, row in enumerate(TRAIN)]), error="folds.n: .*resemble"),
    Case("more text of one family of thousands", texts({0: "\U0001f469\u200d" * 50_000}), fine=holds("\U0001f469\u200d" * 50_000), whole=False),
    Case("more text of turned directions", texts({0: "\u202e" * 999 + "a" + "\u2066\u2067\u2068x"}), fine=holds("\u202e" * 999 + "a" + "\u2066\u2067\u2068x"), whole=False),
    Case("more pairs with one side empty", {
        "data/train.csv": table([*HEADER, "b"], [[row[0], row[1] if k % 2 else "", row[2], "" if k % 2 else row[1]] for k, row in enumerate(TRAIN)]),
        "data/test.csv": table(["id", "text", "b"], [["b0", "", ""], ["b1", "warm river", ""], ["b2", "", "grim stone"]])},
        {"tasks/t/text": ["text", "b"]}, fine=lambda result: None if result.train["t"]["text_b"][0] == TRAIN[0][1] else 1 / 0),
]  # fmt: skip


def moved(name: str, before: str, start: int, *, told: str = TOWNS[0]) -> Case:
    """The first question with something before its context, and a start that is counted in another way."""

    def change(content: Any) -> None:
        at(*PARAGRAPH, "context", value=before + context(0))(content)
        at(*ANSWER, "answer_start", value=start)(content)

    place = (before + context(0)).index(told)
    return case(
        name,
        asked(change),
        fine=lambda result: (
            None if result.train["t"]["target"][0] == f'[[{place},{place + len(told)},"{told}"]]' else 1 / 0
        ),
    )


START = context(0).index(TOWNS[0])
QUESTIONS = [
    moved("more starts in bytes", "\u00fc\u00f6\u00e4\u00e9: ", START + 10),
    moved("more starts in utf-16", "\U0001f600\U0001f600 ", START + 5),
    moved("more starts before line ends were changed", "One.\r\n\r\n", START + 6),
    case("more answers of one length in another", asked(at(*QUESTION, "answers", value=[{"text": text, "answer_start": START} for text in ("Riga", "Riga by the sea")])),
         fine=lambda result: None if result.train["t"]["target"][0] == f'[[{START},{START + 4},"Riga"],[{START},{START + 15},"Riga by the sea"]]' else 1 / 0),
    case("more answers of spaces", asked(at(*ANSWER, "text", value="  ")), "have empty texts for answers"),
    case("more answers as columns", asked(at(*QUESTION, "answers", value={"text": ["Riga"], "answer_start": [START]})), "`answers` holds a dict"),
    case("more answers beyond the context", asked(at(*ANSWER, "text", value=context(0)[START:] + " and more")), "the answers of 1 of 6 questions do not stand"),
    case("more ids of 5 twice", asked(lambda content: (at(*QUESTION, "id", value=5)(content), at("data", 1, "paragraphs", 0, "qas", 0, "id", value="5")(content))),
         "1 of 6 questions are repeated ids: '5'"),
]  # fmt: skip

CASES = [*JSON, *PARQUET, *BESIDE, *CONFIGS, *TEXTS, *QUESTIONS]
