"""Bad and odd rows: ids, labels, texts."""

import unicodedata

from fuzz_cases import NOUNS, SAMPLE, TEST, TRAIN, TRAIN_CSV, Case, lines, table
from fuzz_tables import HEADER, WITH_SAMPLE, changed, has_ids, has_labels, holds, labelled, same, texts, train

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

CASES = [*IDENTITIES, *LABELS, *TEXTS]
