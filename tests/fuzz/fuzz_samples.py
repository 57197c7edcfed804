"""Bad and odd sample submissions."""

from fuzz_cases import SAMPLE, SAMPLE_CSV, TEST, Case, lines, table
from fuzz_tables import HEADER, WITH_SAMPLE

CASES = [
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
