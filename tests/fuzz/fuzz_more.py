"""More bad and odd files, as other programs and careless hands make them: what must be refused, or must not be lost."""

import gzip
import os
from typing import Any

from fuzz_cases import SAMPLE_CSV, TEST, TEST_CSV, TRAIN, TRAIN_CSV, Case, table
from fuzz_files import GZ, encoded, of
from fuzz_tables import (
    HEADER,
    IDS,
    WITH_SAMPLE,
    changed,
    has_ids,
    has_labels,
    holds,
    same,
    train,
)
from fuzz_types import MULTI, MULTI_FLAGS, REGRESSION, flags, numbers, sets


def quoted(cell: object) -> str:
    return '"' + str(cell).replace('"', '""') + '"'


def csv_of(body: str, header: str = "id,text,label\n") -> dict[str, str]:
    return {"data/train.csv": header + body}


def split(mark: bytes) -> dict[str, bytes]:
    """The training file as two that another program joined."""
    first, middle, second = TRAIN_CSV.partition("a8")
    return {"data/train.csv": first.encode() + mark + (middle + second).encode()}


def read(name: str, files: dict[str, Any], error: str | None = None, **more: Any) -> Case:
    """A case that ends with the folds."""
    return Case(f"more {name}", files, error=error, whole=False, **({} if error else {"fine": same}) | more)


QUOTED = "".join(",".join(map(quoted, row)) + "\n" for row in TRAIN)
SPACED = [[a, f' "{b}"', f" {c}"] for a, b, c in TRAIN]
EATEN = TRAIN_CSV.replace("a2,", 'a2,"', 1).replace(",pos\na6", '",pos\na6', 1)

DELIMITED = [
    read("header again", {"data/train.csv": f"{TRAIN_CSV}id,text,label\nz,one more,neg\n"}, r"data/train\.csv: line 18 is the header once more"),
    read("header again in test", {"data/test.csv": f"{TEST_CSV}id,text\n"}, r"data/test\.csv: line 5 is the header once more"),
    read("header again in sample", {"data/sample.csv": f"{SAMPLE_CSV}id,label\n"}, r"data/sample\.csv: line 5 is the header", config=WITH_SAMPLE),
    read("header again behind a mark", split(b"\xef\xbb\xbfid,text,label\n"), "line 10 is the header once more"),
    read("mark in the middle", split(b"\xef\xbb\xbf")),
    read("mark before a quoted id", csv_of(TRAIN_CSV.partition("\n")[2].replace("a8,", '\ufeff"a8",'))),
    read("quoted, quote behind a backslash", csv_of(QUOTED + '"z","he said \\"no\\" twice","neg"\n'), "line 18: .*must be doubled"),
    read("quoted, quote and comma behind a backslash", csv_of(QUOTED + '"z","he said \\"no\\", twice","neg"\n'), "line 18: .*must be doubled"),
    read("quoted with tabs, quotes not doubled", csv_of("".join("\t".join(map(quoted, row)) + "\n" for row in TRAIN) + '"z"\t"a "b" c"\t"neg"\n',
         "id\ttext\tlabel\n"), "line 18: .*must be doubled"),
    read("header quoted, quote behind a backslash", csv_of(QUOTED + '"z","he said \\"no\\" twice","neg"\n', '"id","text","label"\n'), "line 18: .*must be doubled"),
    read("backslash before the last quote", csv_of(QUOTED + '"z","c:\\dir\\","neg"\n'), fine=holds("c:\\dir\\", 16)),
    read("spaces before quotes", csv_of("".join(", ".join([a, quoted(b), c]) + "\n" for a, b, c in TRAIN)), "'text' has a space before its quote marks"),
    read("spaces before quotes and in the header", csv_of("".join(f'{a}, "{b}", {c}\n' for a, b, c in TRAIN), "id, text, label\n"), "did you mean ' text'"),
    read("rows eaten between two stray quotes", {"data/train.csv": EATEN},
         fine=lambda result: None if result.train["t"]["id"].tolist() == IDS else 1 / 0),
    read("text of two lines that look like rows", csv_of(TRAIN_CSV.partition("\n")[2] + 'z,"Dear Sir, I\nam, here",neg\n'), fine=holds("Dear Sir, I\nam, here", 16)),
    read("total row", {"data/train.csv": f"{TRAIN_CSV}Total,,\n"}, "1 rows with an empty 'label' .'Total'"),
    read("separator line of a spreadsheet", {"data/train.csv": "sep=;\n" + table(HEADER, TRAIN, separator=";")}, "no column 'id'"),
    read("comment above the header", {"data/train.csv": f"# made by hand\n{TRAIN_CSV}"}, "no column 'id'"),
    read("end sign of an old system", {"data/train.csv": f"{TRAIN_CSV}\x1a"}, "line 18 has 1 fields"),
    read("line ends upside down", {"data/train.csv": TRAIN_CSV.replace("\n", "\n\r")}),
    read("line ends doubled", {"data/train.csv": TRAIN_CSV.replace("\n", "\r\r\n")}),
    read("line ends of three systems", {"data/train.csv": TRAIN_CSV.replace("\n", "\r", 1).replace("\n", "\r\n", 4)}),
    read("unit separators", {"data/train.csv": table(HEADER, TRAIN, separator="\x1f")}, r"no column 'id' .valid: id\\x1ftext"),
    read("unit separators, named", {"data/train.csv": table(HEADER, TRAIN, separator="\x1f"), "data/test.csv": table(HEADER[:2], TEST, separator="\x1f")},
         config={"tasks/t/separator": "\x1f"}),
    read("record separators", {"data/train.csv": TRAIN_CSV.replace("\n", "\x1e")}, r"did you mean 'label\\x1ea0'"),
    read("column of a million letters", {"data/train.csv": TRAIN_CSV.replace("text", "t" * 1_000_000, 1)}, "no column 'text'"),
    read("another column of a million letters", {"data/train.csv": f"{'x' * 1_000_000}," + TRAIN_CSV.replace("\na", "\n0,a")}),
    read("column of row numbers", {"data/train.csv": "," + TRAIN_CSV.replace("\na", "\n0,a")}),
    read("column with a hard space", {"data/train.csv": TRAIN_CSV.replace("label", "label\u00a0", 1)}, r"did you mean 'label\\xa0'"),
    read("column with a letter of another script", {"data/train.csv": TRAIN_CSV.replace("text", "t\u0435xt", 1)}, "no column 'text'"),
    read("curly quotes", csv_of("".join(f"{a},\u201c{b}, x\u201d,{c}\n" for a, b, c in TRAIN)), "line 2 has 4 fields"),
    read("cut inside a letter", {"data/train.csv": TRAIN_CSV.encode() + "z,\u6cb3".encode()[:-1]}, "line 18 has 2 fields"),
    read("trailing separators in test alone", {"data/test.csv": TEST_CSV.replace("\n", ",\n")}),
    read("gb18030 of four bytes", encoded("gb18030", "\u6cb3\U00020000"), fine=holds(f"\u6cb3\U00020000 {TRAIN[0][1]}")),
    read("gz of two members", **of("data/train.csv.gz", gzip.compress(TRAIN_CSV[:200].encode()) + gzip.compress(TRAIN_CSV[200:].encode()))),
    read("gz with more behind it", **of("data/train.csv.gz", GZ + b"more"), error="not a complete gzip file"),
    read("gz with zeros behind it", **of("data/train.csv.gz", GZ + bytes(512))),
    read("zip called gz", **of("data/train.csv.gz", b"PK\x03\x04" + bytes(99)), error="not a complete gzip file"),
    read("zip", **of("data/train.csv.zip", b"PK\x03\x04" + bytes(99)), error="does not tell the kind of file"),
    read("gz bomb", **of("data/train.csv.gz", gzip.compress(bytes(50_000_000), 1)), error="the file is empty"),
]  # fmt: skip

IDENTITIES = [
    read("ids of one number in several forms", train(changed(0, {0: "1e5", 1: "1E5", 2: "1.00E+05", 3: "-0", 4: "0", 5: "-1"})),
         fine=has_ids("1e5", "1E5", "1.00E+05", "-0", "0", "-1")),
    read("ids of spreadsheet errors", train(changed(0, {0: "#N/A", 1: "#REF!", 2: "A0", 3: "a0"})), fine=has_ids("#N/A", "#REF!", "A0", "a0")),
    read("ids nan twice", train(changed(0, {0: "nan", 1: "nan"})), "1 ids more than once in 'id' .'nan'"),
    read("ids alike without their nul", {"data/train.csv": TRAIN_CSV.replace("a0,", "a\x001,", 1)}, "1 ids more than once"),
    read("ids of 65 bits", train(changed(0, {0: str(2**64), 1: str(2**64 + 1), 2: str(-(2**63) - 1)})), fine=has_ids(str(2**64), str(2**64 + 1), str(-(2**63) - 1))),
    read("labels of one thing in several forms", train(changed(2, dict(enumerate(["True", "TRUE", "true", "1", "1.0", "yes"])))),
         fine=has_labels("1", "1.0", "TRUE", "True", "neg", "pos", "true", "yes")),
    read("labels with a hard space", train(changed(2, {0: "neg\u00a0"})), fine=has_labels("neg", "neg\u00a0", "pos")),
    read("labels of other case", train(changed(2, {0: "Neg"})), fine=has_labels("Neg", "neg", "pos")),
    Case("more sample with zeros before ids", {"data/sample.csv": table(["id", "label"], [[f"{k:04}", "neg"] for k in range(3)]),
         "data/test.csv": table(HEADER[:2], [[k, row[1]] for k, row in enumerate(TEST)])}, WITH_SAMPLE, "sample lacks 3 ids of test .'0', .*has 3 ids that test lacks .'0000'"),
    Case("more sample with ids of a spreadsheet", {"data/sample.csv": table(["id", "label"], [["1E+05", "neg"], ["b1", "neg"], ["b2", "neg"]]),
         "data/test.csv": table(HEADER[:2], changed(0, {0: "100000"}, TEST))}, WITH_SAMPLE, "sample lacks 1 ids of test .'100000'"),
]  # fmt: skip

TRUTH = [["b0", "neg"], ["b1", "pos"], ["b2", "pos"]]
HAN = {"neg": "\u8ca0", "pos": "\u6b63"}
HAN_FILES = {"data/train.csv": table(HEADER, [[*row[:2], HAN[row[2]]] for row in TRAIN])}


def truth(
    name: str,
    content: str | bytes,
    error: str | None = None,
    files: dict[str, Any] | None = None,
    **more: Any,
) -> Case:
    """A hold-out; where it is right, the submission's second of three labels and one more are right."""
    where = {"tasks/t/holdout": "data/truth.csv", **more.pop("config", {})}
    fine = {} if error else {"fine": more.pop("fine", two_of_three)}
    return Case(
        f"more truth {name}", {"data/truth.csv": content, **(files or {})}, where, error, **fine, **more
    )


def two_of_three(result: Any) -> None:
    said = dict(line.split(",") for line in result.submission.splitlines()[1:])
    assert result.holdout["n"] == 3
    assert result.holdout["true_score"] == sum(said[id] == label for id, label in TRUTH) / 3


def answers(rows: list[list[Any]], **form: Any) -> str:
    return table(["id", "label"], rows, **form)


HELD_OUT = [
    truth("right", answers(TRUTH)),
    truth("of another order", answers(TRUTH[::-1])),
    truth("of another column and separator", table(["id", "Category"], TRUTH, separator=";")),
    truth("in utf-16", answers(TRUTH).encode("utf-16")),
    truth("in utf-16 without mark", answers(TRUTH).encode("utf-16-le")),
    truth("lacks an id", answers(TRUTH[:2]), r"data/truth\.csv: the truth lacks 1 ids .first 'b2'"),
    truth("has another id", answers([*TRUTH, ["z", "neg"]]), r"data/truth\.csv: the submission lacks 1 ids .first 'z'"),
    truth("has an id twice", answers([*TRUTH, TRUTH[0]]), r"data/truth\.csv: the truth has 1 ids more than once"),
    truth("has the header again", answers([*TRUTH, ["id", "label"]]), r"data/truth\.csv: line 5 is the header"),
    truth("without ids", table(["label"], [row[1:] for row in TRUTH]), r"data/truth\.csv: the truth has no column 'id'"),
    truth("has an empty label", answers([*TRUTH[:2], ["b2", " "]]), r"data/truth\.csv: the truth has 1 rows with an empty label"),
    truth("of numbers", answers([[id, int(label == "pos")] for id, label in TRUTH]), "no label of the truth is one of train: it has '0'"),
    truth("with a space before labels", answers([[id, f" {label}"] for id, label in TRUTH]), "it has ' neg' .did you mean 'neg'"),
    truth("has one unknown label", answers([*TRUTH[:2], ["b2", "neutral"]]), fine=lambda result: None if result.holdout["n"] == 3 else 1 / 0),
    truth("in gb18030", answers([[id, HAN[label]] for id, label in TRUTH]).encode("gb18030"), files=HAN_FILES,
          fine=lambda result: None if result.holdout["true_score"] > 0 else 1 / 0),
    truth("in big5", answers([[id, HAN[label]] for id, label in TRUTH]).encode("big5"), "no label of the truth is one of train.*UTF-8", HAN_FILES),
    truth("of a regression, decimal comma", answers([["b0", "1,5"], ["b1", 2], ["b2", 3]]), r"data/truth\.csv: .*'label' is no number .'1,5'", numbers({}), base=REGRESSION),
    truth("of a regression, empty", answers([["b0", ""], ["b1", 2], ["b2", 3]]), r"data/truth\.csv: .*'label' is no number", numbers({}), base=REGRESSION),
    truth("of several labels, none known", answers([["b0", "x"], ["b1", "y|z"], ["b2", ""]]), "no label of the truth is one of train: it has 'x'", sets({}), base=MULTI),
    truth("of flags, -1 for not scored", table(["id", "x", "y"], [["b0", 0, 1], ["b1", -1, -1], ["b2", 1, 1]]), r"data/truth\.csv: .*neither 0 nor 1 .'-1'",
          flags({}), base=MULTI_FLAGS),
]  # fmt: skip

HEAD = "greater_is_better = True\ntakes = 'labels'\n"
SCORE = "def score(truth, prediction):\n    return float((truth == prediction).mean())\n"


def metric(
    name: str,
    body: Any,
    error: str | None = None,
    head: str = HEAD,
    files: dict[str, Any] | None = None,
    **more: Any,
) -> Case:
    """A metric of the user's own."""
    content = head + body if isinstance(body, str) else body
    config = {"tasks/t/metric": "own.py"} | more.pop("config", {})
    return Case(
        f"more metric {name}", {"own.py": content, **(files or {})}, config, error, whole=False, **more
    )


def returns(value: str) -> str:
    return f"import numpy as np\ndef score(truth, prediction):\n    return {value}\n"


def raises(error: str) -> str:
    return f"class Odd(BaseException):\n    pass\nclass Mute(Exception):\n    def __str__(self):\n        raise RuntimeError('no')\ndef score(truth, prediction):\n    raise {error}\n"


METRICS = [
    metric("right", SCORE, fine=same),
    metric("of nothing", returns("None"), "must return a number, not nothing"),
    metric("of an array", returns("truth == prediction"), "must return a number, not ndarray"),
    metric("of an array of one", returns("np.array(0.5)"), fine=same),
    metric("of an imaginary number", returns("1j"), "must return a number, not complex"),
    metric("of a huge whole number", returns("10**400"), "must return a number, not int"),
    metric("of infinity", returns("np.inf"), "returned inf on 16 rows"),
    metric("of what fails as a number", "class Odd:\n    def __float__(self):\n        raise RuntimeError('no')\n" + returns("Odd()"), "must return a number, not Odd"),
    metric("that yields", "def score(truth, prediction):\n    yield 1.0\n", "must return a number, not generator"),
    metric("async", "async def score(truth, prediction):\n    return 1.0\n", "has no function 'score'"),
    metric("of three arguments", "def score(truth, prediction, weight):\n    return 1.0\n", "must take two arguments.*'weight'"),
    metric("of named arguments", "def score(truth, *, prediction):\n    return 1.0\n", "must take two arguments"),
    metric("that is built in", "score = max\n", "failed on 16 rows"),
    metric("that is a number", "score = 3\n", "is no function"),
    metric("that prints", "print('on import')\n" + returns("print('odd') or 1.0"), fine=same),
    metric("of a missing module", "import not_there_at_all\n" + SCORE, "cannot be imported: ModuleNotFoundError"),
    metric("of a file beside it", "import helper\n" + SCORE, "cannot be imported: ModuleNotFoundError", files={"helper.py": "x = 1\n"}),
    metric("that changes its arrays", "def score(truth, prediction):\n    prediction[:] = truth\n    return 1.0\n", "assignment destination is read-only"),
    metric("that unlocks its arrays", "def score(truth, prediction):\n    truth.setflags(write=True)\n    truth[:] = 0\n    return float(truth.mean())\n", fine=same),
    metric("that leaves by an error of its own", raises("Odd('bye')"), "failed on 16 rows: Odd: bye"),
    metric("that leaves as a generator", raises("GeneratorExit('bye')"), "failed on 16 rows: GeneratorExit: bye"),
    metric("that cannot say its error", raises("Mute()"), "failed on 16 rows: Mute: no message"),
    metric("that calls itself", returns("score(truth, prediction)"), "failed on 16 rows: RecursionError"),
    metric("that leaves on import", "class Odd(BaseException):\n    pass\nraise Odd('bye')\n" + SCORE, "cannot be imported: Odd: bye"),
    metric("with a block that is no constant", "odd = {[]: 1}\n" + SCORE, "cannot be imported: TypeError"),
    metric("with a set that is no constant", "odd = lambda: {1, [2]}\n" + SCORE, fine=same),
    metric("with a long sum", "odd = " + "+".join(["1"] * 3000) + "\n" + SCORE, "own.py: maximum recursion depth"),
    metric("with many signs", "odd = " + "-" * 50_000 + "1\n" + SCORE, "own.py: "),
    metric("with mixed tabs", "def score(truth, prediction):\n\tif 1:\n        return 1.0\n", "own.py, line 5: inconsistent use of tabs"),
    metric("in an unknown coding", b"# -*- coding: klingon -*-\n" + (HEAD + SCORE).encode(), "unknown encoding: klingon"),
    metric("with a mark", b"\xef\xbb\xbf" + (HEAD + SCORE).encode(), fine=same),
    metric("of old Python", "print 'x'\n" + SCORE, "own.py, line 3: Missing parentheses"),
    metric("with its words inside a condition", SCORE, "must say greater_is_better", head="if True:\n    greater_is_better = True\n    takes = 'labels'\n"),
    metric("for classes in another order", f"classes = ['pos', 'neg']\n{SCORE}", "is for the classes pos, neg, but the task's are neg, pos"),
    metric("for thousands of classes", f"classes = {[f'c{k}' for k in range(3000)]}\n{SCORE}", r"is for the classes c0, .*c11, \.\.\., but"),
    metric("that is a pipe", os.mkfifo, "own.py cannot be read .it is no file"),
    metric("that is a device", lambda path: path.symlink_to("/dev/zero"), "own.py cannot be read .it is no file"),
    metric("of a file that is a number", SCORE, "file must be a Python file", config={"tasks/t/metric": {"file": 3}}),
    metric("of another function", SCORE, "has no function 'scor': did you mean 'score'", config={"tasks/t/metric": "own.py::scor"}),
]  # fmt: skip

CASES = [*METRICS, *DELIMITED, *IDENTITIES, *HELD_OUT]
