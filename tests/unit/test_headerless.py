"""Files without a header line: the config names their columns."""

import csv
import gzip
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.errors import UserError
from podium.filecheck import check
from podium.ingest import from_files
from podium.plan import Plan
from podium.tables import columns_of, read_rows
from podium.validation import load
from scripts import ingest_external, ingest_unlabelled

NAMES = ["id", "text", "label"]
AS_FOUND = {"encoding": None, "separator": None}
LINE = st.text(st.characters(exclude_characters="\t\r\n\0\ufeff", exclude_categories=["Cs"]), max_size=12)
LINE |= st.text('"a, ;', max_size=4)


def read(path: Path, names: list[str] = NAMES, **form: Any) -> list[list[str]]:
    table = read_rows(path, columns=None, **{**AS_FOUND, **form}, names=names)
    assert list(table.columns) == columns_of(path, **{**AS_FOUND, **form}, names=names)
    return table.to_numpy(dtype=object).tolist()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.tuples(LINE, LINE, LINE), min_size=1, max_size=8),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
def test_any_text_without_tab_or_line_end_survives(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    encoding: str,
    end: str,
    last: bool,
) -> None:
    body = end.join("\t".join(row) for row in rows) + (end if last else "")
    path = tmp_path_factory.mktemp("x") / "x.csv"
    path.write_bytes(body.encode(encoding))
    assert read(path) == [list(row) for row in rows]


@pytest.mark.parametrize("texts", [['"开', "中间", '完"'], ['"', '"', "x"], ['说"好"', 'a""b', '"x"y']])
def test_quote_marks_between_tabs_eat_no_rows(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "x.csv"
    path.write_text("".join(f"{n}\t{text}\t1\n" for n, text in enumerate(texts)), encoding="utf-8")
    assert [row[1] for row in read(path)] == texts


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
def test_encoding_and_separator_are_found(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = [["0", "第一行，标题", "1"], ["1", "再来一行", "0"], ["2", "第三行", "0"]]
    body = "".join(separator.join(row) + "\n" for row in rows)
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(body.encode(encoding)))
    assert read(tmp_path / "x.csv.gz") == rows


def test_commas_in_a_file_of_tabs_and_fields_in_quotes_in_a_file_of_commas(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("0\ta,b\n", encoding="utf-8")
    assert read(path) == [["0", "a,b"]]  # test lacks the label; a comma would cut as many fields
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([["0", 'a, "b"\nc', "1"], ["1", "", "0"]])
    assert read(path) == [["0", 'a, "b"\nc', "1"], ["1", "", "0"]]
    path.write_text('0, a "b" c\n1, d\n', encoding="utf-8")
    assert read(path, ["text"]) == [['0, a "b" c'], ["1, d"]]  # one column: a text a line


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("x.csv", "0\ta,b\tc\t1\n1\td,e\tf\t0\n", "line 1 has 4 fields, and 'columns' names 3"),
        ("x.csv", "0\ta\t1\n\n1\tb\n", "line 3 has 2 fields, the first line has 3"),
        ("x.csv", '0\tx\t1\n1\t"a\nb"\t1\n', "line 2 has 2 fields, .* quote marks are text here"),
        ("x.csv", "id\ttext\tlabel\n0\ta\t1\n", "line 1 is a header, .* take 'columns' out"),
        ("x.csv", "id,text\n0,a\n", "line 1 is a header"),
        ("x.csv", "", "the file is empty; it has no rows"),
        ("x.jsonl", '{"id": 0}\n', "names its columns itself; take 'columns' out"),
    ],
)
def test_what_is_no_such_file_is_told_with_its_line(tmp_path: Path, name: str, body: str, told: str) -> None:
    path = tmp_path / name
    path.write_text(body, encoding="utf-8")
    with pytest.raises(UserError, match=told) as caught:
        read(path)
    assert "\n" not in str(caught.value)


TASK: dict[str, Any] = {
    "train": "a.csv",
    "test": "b.csv",
    "text": ["text"],
    "target": "label",
    "columns": NAMES,
}


def raw_of(**keys: Any) -> dict[str, Any]:
    return {"competition": "c", "tasks": {"t": {**TASK, **keys}}, "models": {"m": {"kind": "linear"}}}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"text": ["txet"]}, "tasks.t.text: 'txet' is none of tasks.t.columns; did you mean 'text'?"),
        ({"text": [["text", "title"]]}, "tasks.t.text: 'title' is none of tasks.t.columns"),
        ({"target": "lable"}, "tasks.t.target: 'lable' is none of tasks.t.columns; did you mean 'label'?"),
        ({"columns": ["text", "label"]}, "tasks.t.id: 'id' is none of tasks.t.columns; valid: label, text, or null"),
        ({"group": "author"}, "tasks.t.group: 'author' is none of"),
        ({"columns": [*NAMES, "text"]}, "tasks.t.columns: 'text' stands there more than once"),
        ({"columns": []}, "tasks.t.columns: it should have at least 1 item"),
        (
            {"external": {"more": {"file": "c.csv", "columns": ["text", "mood"]}}},
            "tasks.t.external.more.target: 'label' is none of tasks.t.external.more.columns; valid: mood, text",
        ),
        ({"unlabelled": {"bare": {"file": "c.txt", "columns": ["x"]}}}, "bare.text: 'text' is none of tasks.t.unl"),
    ],
)  # fmt: skip
def test_names_that_columns_lack_are_told(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as error:
        load(raw_of(**keys))
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("train", "test", "told"),
    [
        ("0\ta\tp\n1\tb\tq\n", "0\ta\n", None),
        ("0\ta\tp\n1\tb\tq\n", "0\ta\t?\n", None),
        ("0\ta\n1\tb\n", "0\ta\n", "a.csv: its first line has 2 fields, so it lacks 'label' of 'columns'"),
        (
            "0\ta\tp\n1\tb\tq\n",
            "0 a\n",
            "b.csv: its first line has 1 fields, so it lacks 'text' of 'columns'",
        ),
        ("0\ta\tp\n1\tb\tq\t\n", "0\ta\n", "a.csv: line 2 has 4 fields, the first line has 3"),
        ("0\ta\tp\tx\n1\tb\tq\tx\n", "0\ta\n", "line 1 has 4 fields, and 'columns' names 3"),
    ],
)
def test_files_are_looked_at_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: str, test: str, told: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text(train, encoding="utf-8")
    Path("b.csv").write_text(test, encoding="utf-8")
    plan = Plan.from_raw(raw_of(), tmp_path)
    if told is None:
        check(plan)
        return
    with pytest.raises(UserError) as error:
        check(plan)
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_other_files_have_a_header_unless_they_say_otherwise(tmp_path: Path) -> None:
    """Whatever the task's files have: the rows of a header would be rows of texts."""
    bare, titled, out = tmp_path / "bare.txt", tmp_path / "titled.csv", tmp_path / "out.parquet"
    bare.write_text('谁说"\n第二\n', encoding="utf-8")
    titled.write_text("label,text\np,x\n", encoding="utf-8")
    files = {"bare": {"file": str(bare), "columns": ["text"]}, "titled": {"file": str(titled)}}
    plan = Plan.from_raw(raw_of(unlabelled=files), tmp_path)
    ingest_unlabelled.main(file=bare, out=out, **plan.ingest_unlabelled("bare"))
    assert pd.read_parquet(out).to_dict("list") == {"id": ["0", "1"], "text_a": ['谁说"', "第二"]}
    ingest_unlabelled.main(file=titled, out=out, **plan.ingest_unlabelled("titled"))
    assert pd.read_parquet(out)["text_a"].tolist() == ["x"]
    bare.write_text("p\tx\nq\ty\n", encoding="utf-8")
    (tmp_path / "labels.json").write_text('["p", "q"]')
    plan = Plan.from_raw(
        raw_of(external={"more": {"file": str(bare), "columns": ["label", "text"]}}), tmp_path
    )
    counts, labels = tmp_path / "counts.json", tmp_path / "labels.json"
    ingest_external.main(file=bare, labels=labels, out=out, counts=counts, **plan.ingest_external("more"))
    assert pd.read_parquet(out)["target"].tolist() == ["p", "q"]


@pytest.mark.skipif(not os.environ.get("PODIUM_DATA"), reason="PODIUM_DATA names no folder of data sets")
@pytest.mark.parametrize(("name", "text"), [("ocnli", ["text_a", "text_b"]), ("tnews", ["text"])])
def test_real_rows_are_the_same_without_a_header(tmp_path: Path, name: str, text: list[str]) -> None:
    folder = Path(os.environ["PODIUM_DATA"]) / name
    given = {"train": folder / "train.csv", "test": folder / "dev.csv"}
    columns = ["id", *text, "label"]
    for part, path in given.items():
        rows = read_rows(path, columns=columns if part == "train" else columns[:-1], **AS_FOUND)
        lines = ["\t".join(" ".join(cell.split()) for cell in row) for row in rows.to_numpy(dtype=object)]
        (tmp_path / f"{part}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    form: dict[str, Any] = {
        "id": "id",
        "text": text,
        "type": "single_label",
        "target": "label",
        "group": None,
    }
    form |= {"label_separator": None, "encoding": None, "separator": None}
    titled = from_files(given["train"], given["test"], None, **form, columns=None)
    bare = from_files(tmp_path / "train.csv", tmp_path / "test.csv", None, **form, columns=columns)
    assert bare.labels == titled.labels
    for ours, theirs in ((bare.train, titled.train), (bare.test, titled.test)):
        pd.testing.assert_frame_equal(ours, theirs.map(lambda cell: " ".join(cell.split())).astype("str"))
