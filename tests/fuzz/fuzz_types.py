"""Bad and odd targets of other types, files beside train and test, and a person's word on single rows."""

from collections.abc import Callable
from typing import Any

from fuzz_cases import CONFIG, SAMPLE, TEST, TRAIN, Case, config, lines, table, words
from fuzz_tables import HEADER, has_labels, same

NUMBERS = [[id, text, str(k * 1.5 - 3)] for k, (id, text, _) in enumerate(TRAIN)]
REGRESSION = config({"tasks/t/type": "regression", "tasks/t/metric": "rmse", "decision": ...})
SETS = [
    [id, text, "neg|old" if label == "neg" else ["pos", "", "pos|old"][k % 3]]
    for k, (id, text, label) in enumerate(TRAIN)
]
MULTI = config(
    {
        "tasks/t/type": "multi_label",
        "tasks/t/metric": "micro_f1",
        "tasks/t/label_separator": "|",
        "decision": ...,
    }
)
FLAGS = [[id, text, int(label == "pos"), k // 2 % 2] for k, (id, text, label) in enumerate(TRAIN)]
MULTI_FLAGS = config(
    {
        "tasks/t/type": "multi_label",
        "tasks/t/metric": "micro_f1",
        "tasks/t/target": ["x", "y"],
        "decision": ...,
    }
)


def numbers(values: dict[int, object]) -> dict[str, str]:
    """Rows of a regression with other values at some places."""
    return {
        "data/train.csv": table(HEADER, [[*row[:2], values.get(k, row[2])] for k, row in enumerate(NUMBERS)])
    }


def sets(values: dict[int, object], header: list[str] = HEADER) -> dict[str, str]:
    return {
        "data/train.csv": table(header, [[*row[:2], values.get(k, row[2])] for k, row in enumerate(SETS)])
    }


def flags(values: dict[int, object], header: list[str] | None = None) -> dict[str, str]:
    rows = [[*row[:2], values.get(k, row[2]), row[3]] for k, row in enumerate(FLAGS)]
    return {"data/train.csv": table(header or ["id", "text", "x", "y"], rows)}


def value(row: int, wanted: float) -> Callable[[Any], None]:
    def check(result: Any) -> None:
        assert float(result.train["t"]["target"][row]) == wanted

    return check


def targets(*wanted: str) -> Callable[[Any], None]:
    """Targets of the first rows, joined as tables have them."""

    def check(result: Any) -> None:
        assert result.train["t"]["target"].tolist()[: len(wanted)] == list(wanted)

    return check


VALUES = [
    Case("regression", numbers({}), base=REGRESSION, fine=value(1, -1.5)),
    *(
        Case(f"regression of {name}", numbers({2: text}), base=REGRESSION, error=r"1 rows whose 'label' is (no number|beyond 1e[+]100)")
        for name, text in {"nan": "nan", "inf": "inf", "minus infinity": "-Infinity", "text": "high", "comma": "1,5", "thousands": "1,000.5",
                           "nothing": "", "space": " ", "underscore": "1_000", "hexadecimal": "0x10", "huge": "1e999", "huge but finite": "1" * 300, "percent": "5%",
                           "full-width digits": "１２", "two numbers": "1 2", "a sign": "-", "huge text": "x" * 100_000}.items()
    ),
    *(
        Case(f"regression of {name}", numbers({2: text}), base=REGRESSION, fine=value(2, wanted))
        for name, text, wanted in [("exponent", "1e3", 1000.0), ("plus", "+2", 2.0), ("point first", ".5", 0.5), ("spaces", " 7 ", 7.0),
                                   ("many digits", "1" * 90, float("1" * 90)), ("least", "5e-324", 5e-324), ("minus nothing", "-0.0", 0.0)]
    ),
    Case("regression of one number", numbers(dict.fromkeys(range(16), 1)), base=REGRESSION, error="is the same number in every row"),
    Case("regression of two columns", {"data/train.csv": table(["id", "text", "label", "w"], [[*row, k] for k, row in enumerate(NUMBERS)])},
         {"tasks/t/target": ["label", "w"]}, base=REGRESSION, fine=targets("-3.0\x1f0.0")),
    Case("regression of a column twice", numbers({}), {"tasks/t/target": ["label", "label"]}, base=REGRESSION, error="stands there more than once"),
    Case("regression with accuracy", numbers({}), {"tasks/t/metric": "accuracy"}, base=REGRESSION, error="accuracy is no metric of a regression"),
    Case("regression with qwk of fractions", numbers({}), {"tasks/t/metric": "qwk"}, base=REGRESSION, error="qwk|whole"),
    Case("regression with a separator", numbers({}), {"tasks/t/label_separator": "|"}, base=REGRESSION, error="only for type multi_label"),
    Case("regression with a linear model", numbers({}), {"models": {"l": {"kind": "linear"}}}, base=REGRESSION, fine=value(1, -1.5)),
    Case("regression sample of another column", {**numbers({}), "data/sample.csv": table(["id", "v"], SAMPLE)}, {"tasks/t/sample": "data/sample.csv"},
         base=REGRESSION, fine=None),
    Case("regression sample of two other columns", {**numbers({}), "data/sample.csv": table(["id", "v", "w"], [[*row, 1] for row in SAMPLE])},
         {"tasks/t/sample": "data/sample.csv"}, base=REGRESSION, error="no column 'label'"),
]  # fmt: skip

LABELS = [
    Case("multi-label", sets({}), base=MULTI, fine=targets("neg\x1fold", "", "neg\x1fold", "pos")),
    Case("multi-label with spaces and repeats", sets({0: " neg | old|neg|| "}), base=MULTI, fine=targets("neg\x1fold")),
    Case("multi-label unit separator", sets({0: "a\x1fb"}), base=MULTI, error="holds U[+]001F"),
    Case("multi-label all empty", sets(dict.fromkeys(range(16), "")), base=MULTI, error="fewer than two labels"),
    Case("multi-label all the same", sets(dict.fromkeys(range(16), "a|b")), base=MULTI, error="the same labels in every row"),
    Case("multi-label of another separator", {"data/train.csv": sets({})["data/train.csv"].replace("|", ";")}, base=MULTI,
         fine=lambda result: None if "neg;old" in result.labels["t"] else 1 / 0),
    Case("multi-label without a separator", sets({}), {"tasks/t/label_separator": ...}, base=MULTI, error="multi_label needs several columns"),
    Case("multi-label with an empty separator", sets({}), {"tasks/t/label_separator": ""}, base=MULTI, error="label_separator"),
    Case("multi-label of many labels", sets({0: "|".join(f"l{k}" for k in range(300))}), {"models/linear/max_iter": 1}, base=MULTI,
         fine=lambda result: None if len(result.labels["t"]) == 303 else 1 / 0),
    Case("multi-label of huge labels", sets({0: "x" * 100_000}), base=MULTI, fine=targets("x" * 100_000)),
    Case("multi-label flags", flags({}), base=MULTI_FLAGS, fine=targets("", "x", "y", "x\x1fy")),
    Case("multi-label flags as words", flags({0: "False", 1: "TRUE", 2: "0.0", 3: " 1 "}), base=MULTI_FLAGS, fine=targets("", "x", "y", "x\x1fy")),
    *(Case(f"multi-label flag {name}", flags({0: text}), base=MULTI_FLAGS, error=r"1 rows whose 'x' is neither 0 nor 1")
      for name, text in {"2": "2", "minus": "-1", "half": "0.5", "nothing": "", "nan": "nan", "yes": "yes", "newline": "a\nb"}.items()),
    Case("multi-label flags that do not differ", {"data/train.csv": table(["id", "text", "x", "y"], [[*row[:2], 1, 0] for row in FLAGS])},
         base=MULTI_FLAGS, error="none of 'x', 'y' differs"),
    Case("multi-label of one column", flags({}), {"tasks/t/target": ["x"]}, base=MULTI_FLAGS, error="one column of 0 and 1 is a single_label task"),
    Case("multi-label column lacking", flags({}), {"tasks/t/target": ["x", "z"]}, base=MULTI_FLAGS, error="no column 'z'"),
    Case("multi-label column called by a unit separator", flags({}, ["id", "text", "x\x1f", "y"]), {"tasks/t/target": ["x\x1f", "y"]},
         base=MULTI_FLAGS, error="U[+]001F"),
    Case("single-label of a list", {}, {"tasks/t/target": ["label"]}, error="a single_label task has one column"),
    Case("type unknown", {}, {"tasks/t/type": "multilabel"}, error="tasks.t.type: .*did you mean 'multi_label'"),
    Case("type of a list", {}, {"tasks/t/type": ["span"]}, error="tasks.t"),
    Case("type of truth", {}, {"tasks/t/type": True}, error="tasks.t"),
]  # fmt: skip

MORE = [[f"c{k}", words(40 + k, label), label] for k, label in enumerate(["neg", "pos"] * 3)]
EXTERNAL = {"tasks/t/external": {"more": {"file": "data/more.csv"}}}
UNLABELLED = {"tasks/t/unlabelled": {"loose": {"file": "data/loose.csv"}}}


def more(rows: list[list[Any]], header: list[str] = HEADER) -> dict[str, str]:
    return {"data/more.csv": table(header, rows)}


BESIDE = [
    Case("external", more(MORE), EXTERNAL, fine=same),
    Case("external missing", {}, EXTERNAL, error=r"tasks\.t\.external\.more\.file: there is no file data/more\.csv"),
    Case("external empty", {"data/more.csv": ""}, EXTERNAL, error=r"more.*the file is empty"),
    Case("external header only", more([]), EXTERNAL, error="more.*no rows|has no rows"),
    Case("external is train", {}, {"tasks/t/external": {"more": {"file": "./data/train.csv"}}}, error="is the file of tasks.t.train"),
    Case("external is train by a link", {"data/more.csv": lambda path: path.symlink_to("train.csv")}, EXTERNAL, fine=same),
    Case("external of test's texts", more([[f"z{k}", row[1], "neg"] for k, row in enumerate(TEST)]), EXTERNAL, fine=same),
    Case("external unknown label", more([*MORE, ["z", "odd words", "neutral"]]), EXTERNAL, error="'neutral' .1 rows. is no label of the task"),
    Case("external empty label", more([*MORE, ["z", "odd words", ""]]), EXTERNAL, error="1 rows have an empty label"),
    Case("external hundred unknown labels", more([[f"z{k}", f"odd {k}", f"l{k}"] for k in range(100)]), EXTERNAL, error="97 more labels are unknown"),
    Case("external huge unknown label", more([*MORE, ["z", "odd words", "n" * 100_000]]), EXTERNAL, error="is no label of the task"),
    Case("external label with line ends", more([*MORE, ["z", "odd words", "a\nb\x1b"]]), EXTERNAL, error="is no label of the task"),
    Case("external mapped", more([*MORE, ["z", "odd words", "1"]]), {"tasks/t/external": {"more": {"file": "data/more.csv", "labels": {1: "neg"}}}}, fine=same),
    Case("external mapped to nothing known", more(MORE), {"tasks/t/external": {"more": {"file": "data/more.csv", "labels": {"neg": "bad"}}}},
         error="which is no label of the task"),
    Case("external all left out", more(MORE), {"tasks/t/external": {"more": {"file": "data/more.csv", "labels": {"neg": None, "pos": None}}}},
         error="every row has a label that is mapped to null"),
    Case("external duplicate ids", more([*MORE, MORE[0]]), EXTERNAL, error="1 ids more than once"),
    Case("external ids of train", more([[TRAIN[0][0], *MORE[0][1:]]]), EXTERNAL, fine=same),
    Case("external without ids", more([row[1:] for row in MORE], HEADER[1:]), EXTERNAL, fine=same),
    Case("external without texts", more([[row[0], row[2]] for row in MORE], ["id", "label"]), EXTERNAL, error="no column 'text'"),
    Case("external without labels", more([row[:2] for row in MORE], ["id", "text"]), EXTERNAL, error="no column 'label'"),
    Case("external ragged", {"data/more.csv": table(HEADER, MORE) + "z\n"}, EXTERNAL, error=r"more\.csv: line 8 has 1 fields"),
    Case("external of two texts", more(MORE), {"tasks/t/external": {"more": {"file": "data/more.csv", "text": ["text", "label"]}}}, error="segments"),
    Case("external weight", more(MORE), {"tasks/t/external": {"more": {"file": "data/more.csv", "weight": -1}}}, error="more.weight"),
    Case("external empty texts", more([[f"z{k}", "", "neg"] for k in range(4)]), EXTERNAL, fine=same),
    Case("external called train", more(MORE), {"tasks/t/external": {"train": {"file": "data/more.csv"}}}, error="this name is reserved"),
    Case("external list", more(MORE), {"tasks/t/external": ["data/more.csv"]}, error="tasks.t.external"),
    Case("external of text", more(MORE), {"tasks/t/external": {"more": "data/more.csv"}}, error="tasks.t.external.more"),
    Case("external multi-label unit separator", {**sets({}), **more([["z", "odd", "a\x1fb"]])}, EXTERNAL, base=MULTI, error="U[+]001F"),
    Case("external regression of text", {**numbers({}), **more(MORE)}, EXTERNAL, base=REGRESSION, error="is no number"),
    Case("unlabelled", {"data/loose.csv": table(["id", "text"], [row[:2] for row in MORE])}, UNLABELLED, fine=same),
    Case("unlabelled in other form", {"data/loose.jsonl": lines([{"text": row[1]} for row in MORE])},
         {"tasks/t/unlabelled": {"loose": {"file": "data/loose.jsonl"}}}, fine=same),
    Case("unlabelled in other encoding", {"data/loose.csv": table(["text"], [["这条河很美丽" * 3]]).encode("gb18030")}, UNLABELLED, fine=same),
    Case("unlabelled missing", {}, UNLABELLED, error=r"tasks\.t\.unlabelled\.loose\.file: there is no file"),
    Case("unlabelled is test", {}, {"tasks/t/unlabelled": {"loose": {"file": "data/test.csv"}}}, error="is the file of tasks.t.test"),
    Case("unlabelled and external of one name", more(MORE), {**EXTERNAL, "tasks/t/unlabelled": {"more": {"file": "data/more.csv"}}}, error="has this name, too"),
    Case("unlabelled with a target", {"data/loose.csv": table(["id", "text"], [row[:2] for row in MORE])},
         {"tasks/t/unlabelled": {"loose": {"file": "data/loose.csv", "target": "x"}}}, error="target: unknown key"),
    Case("unlabelled null", {}, {"tasks/t/unlabelled": {"loose": None}}, fine=same),
]  # fmt: skip


def word(rows: list[list[str]], header: list[str] | None = None) -> dict[str, str]:
    """A person's table of corrected rows."""
    return {"data/overrides.csv": table(header or ["id", "label"], rows)}


OVERRIDES = [
    Case("overrides", word([["a0", "pos"], ["a1", "drop"]]), fine=same),
    Case("overrides of nothing", word([]), fine=same),
    Case("overrides empty", {"data/overrides.csv": ""}, error=r"overrides\.csv: the file is empty"),
    Case("overrides of an unknown id", word([["z", "pos"]]), error=r"overrides\.csv: row 1 .id 'z'.: no training row has this id"),
    Case("overrides of an id twice", word([["a0", "pos"], ["a0", "neg"]]), error=r"row 2 .id 'a0'.: this id stands there more than once"),
    Case("overrides of an unknown class", word([["a0", "poss"]]), error=r"'poss' is neither a class nor the word drop; did you mean 'pos'"),
    Case("overrides of a huge class", word([["a0", "p" * 100_000]]), error="is neither a class"),
    Case("overrides of a huge id", word([["i\n" * 50_000, "pos"]]), error="no training row has this id"),
    Case("overrides of an empty class", word([["a0", ""]]), error="'' is neither a class"),
    Case("overrides without a label", word([["a0"]], ["id"]), error="no column 'label'"),
    Case("overrides ragged", {"data/overrides.csv": "id,label\na0\n"}, error=r"overrides\.csv: line 2 has 1 fields"),
    Case("overrides drop all", word([[row[0], "drop"] for row in TRAIN]), error="train: fold 0 has no rows to train on"),
    Case("overrides leave one class", word([[row[0], "neg"] for row in TRAIN]), fine=has_labels("neg", "pos")),
    Case("overrides of noise", {"data/overrides.csv": bytes(range(128, 256)) * 3}, error="overrides"),
    Case("overrides is a folder", {"data/overrides.csv/x": ""}, error=r"noise\.overrides: data/overrides\.csv is a folder"),
    Case("overrides of a regression", {**numbers({}), **word([["a0", "high"]])}, base=REGRESSION, error="'high' is neither the word drop"),
    Case("overrides of a regression, infinite", {**numbers({}), **word([["a0", "inf"]])}, base=REGRESSION, error="'inf' is neither the word drop"),
    Case("overrides of a multi-label task", {**sets({}), **word([["a0", "pos|old"], ["a1", ""]])}, base=MULTI, fine=None),
    Case("overrides of two tasks without a task", word([["a0", "pos"]]), {"tasks/u": CONFIG["tasks"]["t"]}, error="no column 'task'"),
]  # fmt: skip

CASES = [*VALUES, *LABELS, *BESIDE, *OVERRIDES]
