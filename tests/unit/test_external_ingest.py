"""Other files at ingest: labels in the task's words, ids, and every mistake told, in the config and in the data."""

from pathlib import Path
from typing import Any

import pytest

from podium.errors import UserError
from podium.filecheck import check
from podium.files import read_json, read_table, write_json
from podium.plan import Plan
from podium.targets import JOINT
from podium.validation import load
from scripts import ingest_external, ingest_unlabelled

TASK: dict[str, Any] = {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}
MANY = {**TASK, "type": "multi_label", "metric": "micro_f1"}
NUMBERS = {**TASK, "type": "regression", "metric": "rmse"}


def raw_of(task: dict[str, Any] = TASK, **keys: Any) -> dict[str, Any]:
    models = {"m": {"kind": "linear"}}
    return {"competition": "c", "tasks": {"t": {**task, **keys}}, "models": models}


def ingested(folder: Path, content: str, task: dict[str, Any], names: list[str], **block: Any) -> Any:
    """The table and the counts of an external file with ``content``."""
    file = folder / "more.csv"
    file.write_text(content, encoding="utf-8")
    write_json(names, folder / "labels.json")
    plan = Plan.from_raw(raw_of(task, external={"more": {"file": str(file), **block}}), folder)
    out, counts = folder / "out.parquet", folder / "counts.json"
    ingest_external.main(
        file=file,
        labels=folder / "labels.json",
        out=out,
        counts=counts,
        **plan.ingest_external("more"),
    )
    return read_table(out), read_json(counts)


def test_labels_are_renamed_kept_or_left_out(tmp_path: Path) -> None:
    content = "id,x,y\n07,a,pos\n8,b,1\n9,c,junk\n10,d,neg\n11,e,junk\n"
    labels = {1: "pos", "junk": None}
    table, counts = ingested(tmp_path, content, TASK, ["neg", "pos"], labels=labels)
    assert table.to_dict("list") == {
        "id": ["07", "8", "10"],
        "text_a": ["a", "b", "d"],
        "target": ["pos", "pos", "neg"],
    }
    assert counts == {"rows": 5, "dropped_labels": {"junk": 2}}
    assert (table.dtypes.astype(str) == "str").all()


def test_columns_of_its_own_and_rows_without_ids(tmp_path: Path) -> None:
    content = "title;body;label\nx;y;pos\n;z;neg\n"
    task = {**TASK, "separator": ",", "encoding": "utf-8"}
    block = {"text": [["title", "body"]], "target": "label", "separator": ";"}
    table, _ = ingested(tmp_path, content, task, ["neg", "pos"], **block)
    assert table["id"].tolist() == ["0", "1"]
    assert table["text_a"].tolist() == ["x y", "z"]
    table, _ = ingested(tmp_path, content, task, ["neg", "pos"], **block, id="body")
    assert table["id"].tolist() == ["y", "z"]


@pytest.mark.parametrize(
    ("content", "block"),
    [
        (
            "id,x,y\n1,a,B|junk\n2,b,\n3,c,C|a\n4,d,a|A\n",
            {"labels": {"B": "b", "junk": None, "A": "a", "C": "c"}},
        ),
        (
            "id,x,a,A,B,C,junk\n1,a,0,0,1,0,1\n2,b,0,0,0,0,0\n3,c,1,0,0,1,0\n4,d,1,1,0,0,0\n",
            {
                "target": ["C", "a", "A", "B", "junk"],
                "labels": {"B": "b", "junk": None, "A": "a", "C": "c"},
            },
        ),
    ],
)
@pytest.mark.parametrize("own", [{"label_separator": "|"}, {"target": ["a", "b", "c"]}])
def test_multi_label_files_of_both_forms(
    tmp_path: Path, content: str, block: dict[str, Any], own: dict[str, Any]
) -> None:
    """Whatever the form of the task's own files."""
    if "target" in own and "target" not in block:
        block = {**block, "target": "y", "label_separator": "|"}
    table, counts = ingested(tmp_path, content, {**MANY, **own}, ["a", "b", "c"], **block)
    assert table["target"].tolist() == ["b", "", JOINT.join("ac"), "a"]
    assert counts == {"rows": 4, "dropped_labels": {"junk": 1}}


def test_values_of_a_regression(tmp_path: Path) -> None:
    content = "id,x,p,q\n1,a,2,-0.50\n2,b,3,1e2\n"
    task = {**NUMBERS, "target": ["u", "v"]}
    table, counts = ingested(tmp_path, content, task, ["u", "v"], target=["q", "p"])
    assert table["target"].tolist() == [JOINT.join(["-0.5", "2.0"]), JOINT.join(["100.0", "3.0"])]
    assert counts == {"rows": 2, "dropped_labels": {}}


@pytest.mark.parametrize(
    ("task", "content", "block", "told"),
    [
        (TASK, "id,x,y\n1,a,ham\n2,b,spem\n3,c,spem\n", {}, r"'spem' \(2 rows\) is no label of the task \(did you"
         r" mean 'spam'\?\); name them in tasks\.t\.external\.more\.labels"),
        (TASK, "id,x,y\n1,a,v\n2,b,w\n3,c,p\n4,d,q\n5,d,r\n", {}, "; 2 more labels are unknown; name them in"),
        (TASK, "id,x,y\n1,a,v\n", {"labels": {"v": "hum"}}, "'v' is mapped to 'hum', which is no label of the task; "
         "did you mean 'ham'"),
        (TASK, "id,x,y\n1,a,\n", {}, "1 rows have an empty label"),
        (TASK, "id,x,y\n1,a,v\n", {"labels": {"v": None}}, "every row has a label that is mapped to null"),
        (TASK, "id,x,y\n1,a,ham\n1,b,ham\n", {}, "has 1 ids more than once in 'id'"),
        (TASK, "id,z,y\n1,a,ham\n", {}, r"tasks\.t\.external\.more has no column 'x'"),
        (TASK, "id,x,y\n", {}, "has no rows"),
        ({**MANY, "label_separator": "|"}, "id,x,y\n1,a,ham|spem\n", {}, r"'spem' \(1 rows\) is no label"),
        ({**MANY, "label_separator": "|"}, "id,x,ham\n1,a,2\n", {"target": ["ham"]}, "neither 0 nor 1"),
        (NUMBERS, "id,x,y\n1,a,two\n", {}, "is no number"),
    ],
)  # fmt: skip
def test_mistakes_in_the_rows(
    tmp_path: Path, task: dict[str, Any], content: str, block: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserError, match=told) as error:
        ingested(tmp_path, content, task, ["ham", "spam"], **block)
    assert "\n" not in str(error.value)


def test_an_unlabelled_file_has_ids_and_texts(tmp_path: Path) -> None:
    file, out = tmp_path / "bare.jsonl", tmp_path / "out"
    file.write_text('{"x": "a", "z": 1}\n{"x": "", "z": 2}\n', encoding="utf-8")
    plan = Plan.from_raw(raw_of(unlabelled={"bare": {"file": str(file)}}), tmp_path)
    ingest_unlabelled.main(file=file, out=out, **plan.ingest_unlabelled("bare"))
    assert read_table(out).to_dict("list") == {"id": ["0", "1"], "text_a": ["a", ""]}


MORE = {"file": "c.csv"}


@pytest.mark.parametrize(
    ("task", "keys", "told"),
    [
        (TASK, {"external": {"test": MORE}}, "tasks.t.external.test: this name is reserved"),
        (TASK, {"unlabelled": {"eda": MORE}}, "tasks.t.unlabelled.eda: augment.eda has this name, too"),
        (TASK, {"external": {"a": MORE}, "unlabelled": {"a": {"file": "d.csv"}}},
         "tasks.t.unlabelled.a: tasks.t.external.a has this name, too"),
        (TASK, {"external": {"a": {"file": "./a.csv"}}}, "a.file: ./a.csv is the file of tasks.t.train, too"),
        (TASK, {"holdout": "c.csv", "external": {"a": MORE}}, "c.csv is the file of tasks.t.holdout, too"),
        (TASK, {"external": {"a": {**MORE, "text": ["x", "z"]}}},
         "tasks.t.external.a.text: has 2 of the text segments, and tasks.t.text has 1"),
        (TASK, {"external": {"a": {**MORE, "lables": {}}}}, "a.lables: unknown key; did you mean 'labels'?"),
        (TASK, {"external": {"a": {**MORE, "target": "x"}}}, "tasks.t.external.a.text: holds the target column 'x'"),
        (TASK, {"external": {"a": {**MORE, "target": ["p", "q"]}}}, "a single_label task has one column"),
        (TASK, {"external": {"a": {**MORE, "weight": 0}}}, "tasks.t.external.a.weight"),
        (TASK, {"external": {"a": {**MORE, "labels": {True: "y"}}}}, "put yes, no, true and false in quotes"),
        (TASK, {"external": {"A b": MORE}}, "the name 'A b' must be lower-case letters"),
        (TASK, {"external": {"a": {"target": "y"}}}, "tasks.t.external.a.file: this key is required"),
        (TASK, {"external": {"a": {**MORE, "label_separator": ";"}}}, "only for type multi_label"),
        (NUMBERS, {"external": {"a": {**MORE, "labels": {"1": "2"}}}}, "a regression has values, not labels"),
        (NUMBERS, {"external": {"a": {**MORE, "target": ["p", "q"]}}}, "names 2 columns, and the task has 1"),
        ({**MANY, "target": ["p", "q"]}, {"external": {"a": {**MORE, "target": "y"}}}, "or label_separator"),
        ({**MANY, "target": ["p", "q"]}, {"external": {"a": {**MORE, "labels": {"r": "q"}}}},
         "tasks.t.external.a.labels: 'r' is none of the columns"),
    ],
)  # fmt: skip
def test_mistakes_in_the_config(task: dict[str, Any], keys: dict[str, Any], told: str) -> None:
    raw = raw_of(task, **keys) | ({"augment": {"eda": {"kind": "eda"}}} if "eda" in str(keys) else {})
    with pytest.raises(UserError) as error:
        load(raw)
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_layer_takes_a_file_away() -> None:
    config = load(raw_of(external={"a": MORE, "b": None}, unlabelled={"c": None}))
    assert list(config.tasks["t"].external) == ["a"]
    assert not config.tasks["t"].unlabelled


def test_other_files_change_no_block_of_the_folds() -> None:
    plain = Plan.from_raw(raw_of(), Path())
    more = Plan.from_raw(raw_of(external={"a": MORE}, unlabelled={"b": {"file": "d.csv"}}), Path())
    for block in ("ingest", "ingest_test", "make_folds"):
        assert getattr(plain, block)() == getattr(more, block)()


@pytest.mark.parametrize(
    ("edit", "touched"),
    [
        ({"weight": 0.5}, {"place_external"}),
        ({"labels": {"a": "b"}}, {"ingest_external"}),
        ({"id": "key"}, {"ingest_external"}),
        ({"file": "z.csv"}, set()),
    ],
)
def test_an_edit_changes_only_the_block_that_depends_on_it(edit: dict[str, Any], touched: set[str]) -> None:
    """A file's name is an input of its rule."""
    plain, edited = (
        Plan.from_raw(raw_of(external={"a": {**MORE, **block}, "b": MORE}), Path()) for block in ({}, edit)
    )
    for block in ("ingest_external", "place_external"):
        assert (getattr(plain, block)("a") != getattr(edited, block)("a")) == (block in touched)
        assert getattr(plain, block)("b") == getattr(edited, block)("b")
    assert plain.make_folds() == edited.make_folds()


@pytest.mark.parametrize(
    ("content", "block", "told"),
    [
        (None, {}, "tasks.t.external.more.file: there is no file c.csv; put it there"),
        ("id,z,y\n1,a,p\n", {}, "tasks.t.external.more: c.csv has no column 'x'"),
        ("id,x,y\n1,a,pp\n", {}, "tasks.t.external.more: 'pp' (1 rows) is no label of the task (did you mean 'p'?)"),
        ("x,y\na,p\n", {"id": "key"}, "c.csv has no column 'key'"),
        ("x,y\na,p\n", {}, None),
    ],
)  # fmt: skip
def test_files_are_looked_at_before_anything_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str | None,
    block: dict[str, Any],
    told: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("id,x,y\n1,a,p\n2,b,q\n", encoding="utf-8")
    Path("b.csv").write_text("id,x\n1,a\n", encoding="utf-8")
    if content:
        Path("c.csv").write_text(content, encoding="utf-8")
    plan = Plan.from_raw(raw_of(external={"more": {"file": "c.csv", **block}}), tmp_path)
    if told is None:
        return check(plan)
    with pytest.raises(UserError) as error:
        check(plan)
    assert told in str(error.value)
    return None
