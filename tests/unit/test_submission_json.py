"""JSON lines to hand in: keys, types of values and spacing are the sample's."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.errors import UserError
from podium.predict import to_table
from podium.submission import rehearse, write_submission
from podium.submission_columns import Form
from podium.submission_files import file_name, write_zip
from podium.targets import JOINT
from podium.validation import load

IDS = ["0", "7", "10"]
PREDICTED = pd.DataFrame({"id": IDS, "label": ["1", "0", "2"]}, dtype="str")


def form(**changes: Any) -> Form:
    """What the config says of a single-label submission, but for some changes."""
    plain: dict[str, Any] = {"id": "id", "type": "single_label", "target": "label"}
    return Form(**{**plain, "label_separator": None, "probabilities": False, **changes})


def submit(
    folder: Path,
    sample: str | None,
    predicted: pd.DataFrame = PREDICTED,
    proba: pd.DataFrame | None = None,
    **changes: Any,
) -> str:
    path = folder / "sample.jsonl" if sample is not None else None
    if path is not None:
        path.write_text(sample or "", encoding="utf-8", newline="")
    write_submission(predicted, path, folder / "out.json", form=form(**changes), proba=proba)
    return (folder / "out.json").read_text(encoding="utf-8")


def lines(form: str) -> str:
    return "".join(form.replace("I", id) + "\n" for id in ["7", "10", "0"])


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        # what the baselines of the Tianchi competition hand in
        (None, ['{"id": "0", "label": "1"}', '{"id": "7", "label": "0"}', '{"id": "10", "label": "2"}']),
        (lines('{"id": "I", "label": "0"}'), ['{"id": "7", "label": "0"}', '{"id": "10", "label": "2"}',
                                             '{"id": "0", "label": "1"}']),
        (lines('{"id": I, "label": 0}'), ['{"id": 7, "label": 0}', '{"id": 10, "label": 2}', '{"id": 0, "label": 1}']),
        (lines('{"label":"","id":I}'), ['{"label":"0","id":7}', '{"label":"2","id":10}', '{"label":"1","id":0}']),
        (lines('{"id": I.0, "label": null, "x": 1.50}'), ['{"id": 7.0, "label": "0", "x": 1.50}',
                                                          '{"id": 10.0, "label": "2", "x": 1.50}',
                                                          '{"id": 0.0, "label": "1", "x": 1.50}']),
        (lines('{"x": [], "id": "I"}').replace("[]", '"\\u6c34"'), ['{"x": "\\u6c34", "id": "7", "label": "0"}']),
    ],
    ids=["none", "strings", "numbers", "compact", "floats", "escaped"],
)  # fmt: skip
def test_form_of_the_sample_is_kept(tmp_path: Path, sample: str | None, expected: list[str]) -> None:
    if sample is not None and "label" not in sample:  # the only other column gets the labels
        expected = [line.replace('"\\u6c34"', '"0"').replace(', "label": "0"', "") for line in expected]
        assert submit(tmp_path, sample).splitlines()[:1] == expected
        return
    assert submit(tmp_path, sample) == "\n".join(expected) + "\n"


def test_probabilities_values_and_flags_are_numbers(tmp_path: Path) -> None:
    proba = to_table(IDS, [[0.25, 0.75], [0.9, 0.1], [0.5, 0.5]], ["neg", "pos"])
    words = PREDICTED.assign(label=["pos", "neg", "neg"])
    sample = lines('{"id": "I", "pos": 0, "neg": 0.0}')
    assert submit(tmp_path, sample, words, proba).splitlines()[1] == '{"id": "10", "pos": 0.5, "neg": 0.5}'
    sample = lines('{"id": "I", "label": null}')
    assert submit(tmp_path, sample, words, proba, probabilities=True).endswith('{"id": "0", "label": 0.75}\n')
    assert submit(tmp_path, None, words, proba, probabilities=True).endswith('{"id": "10", "label": "neg"}\n')
    values = PREDICTED.assign(label=[JOINT.join(["0.5", "-1e-07"])] * 3)
    changes = {"type": "regression", "target": ["a", "b"]}
    assert submit(tmp_path, None, values, **changes).startswith('{"id": "0", "a": 0.5, "b": -1e-07}\n')
    several = PREDICTED.assign(label=["neg", "", JOINT.join(["neg", "pos"])])
    changes = {"type": "multi_label", "target": ["neg", "pos"]}
    assert submit(tmp_path, None, several, proba, **changes).endswith('{"id": "10", "neg": 1, "pos": 1}\n')
    sample = lines('{"id": "I", "neg": false, "pos": true}')
    told = submit(tmp_path, sample, several, proba, **changes)
    assert told.startswith(
        '{"id": "7", "neg": false, "pos": false}\n{"id": "10", "neg": true, "pos": true}\n'
    )


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        (
            '{"id": "I", "label": 0}',
            "'label' holds whole numbers such as '0', but train's labels are like 'good'",
        ),
        ('{"id": "I", "label": 0.5}', "'label' holds numbers, and 'good' is predicted"),
        ('{"id": "I", "label": false}', "'label' holds true and false, and 'good' is predicted"),
    ],
)
def test_what_the_sample_has_no_form_for_is_told_before_and_after(
    tmp_path: Path, sample: str, told: str
) -> None:
    with pytest.raises(UserError, match=told) as caught:
        submit(tmp_path, lines(sample), PREDICTED.assign(label="good"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.json").exists()
    with pytest.raises(UserError, match=told):
        rehearse(tmp_path / "sample.jsonl", ["good", "bad"], form=form())
    (tmp_path / "sample.csv").write_text("id,label\n0,1\n7,1\n10,1\n")
    with pytest.raises(ValueError, match="not of JSON lines"):
        write_submission(PREDICTED, tmp_path / "sample.csv", tmp_path / "out.json", form=form(), proba=None)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=6)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    ids=st.lists(TEXT, min_size=1, max_size=5, unique=True),
    labels=st.lists(TEXT, min_size=5, max_size=5),
    other=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT),
    keys=st.permutations(["id", "label", "other"]),
    separators=st.sampled_from([(",", ":"), (", ", ": "), (",", ": ")]),
    ascii=st.booleans(),
)  # fmt: skip
def test_any_sample_differs_from_its_submission_in_the_labels_alone(
    tmp_path_factory: pytest.TempPathFactory,
    ids: list[str],
    labels: list[str],
    other: Any,
    keys: list[str],
    separators: tuple[str, str],
    ascii: bool,
) -> None:
    def written(labels: list[str]) -> str:
        rows = [{"id": id, "label": label, "other": other} for id, label in zip(ids, labels, strict=False)]
        made = [{key: row[key] for key in keys} for row in rows]
        return "".join(json.dumps(row, separators=separators, ensure_ascii=ascii) + "\n" for row in made)

    folder = tmp_path_factory.mktemp("x")
    predicted = pd.DataFrame({"id": ids, "label": labels[: len(ids)]}, dtype="str")
    out = submit(folder, written(["?"] * len(ids)), predicted.sample(frac=1, random_state=0))
    assert [json.loads(line) for line in out.split("\n")[:-1]] == [
        json.loads(line) for line in written(labels).split("\n")[:-1]
    ]
    if (
        ascii is False or not "".join(ids).isascii()
    ):  # a sample of ASCII alone does not show how others are written
        assert out == written(labels)


def test_name_of_the_file_to_hand_in() -> None:
    assert file_name("x.json", None, stem="ocnli") == "x.json"
    found = [file_name(None, sample, stem="s") for sample in (None, "a.CSV", "a.json.gz", "a.jsonl", "a.pq")]
    assert found == ["s.csv", "s.csv", "s.json", "s.jsonl", "s.csv"]


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (
            {"submission": {"file": "x.json"}, "sample": "s.csv"},
            "x.json and the sample s.csv are of two forms",
        ),
        (
            {"submission": {"file": "x.csv"}, "sample": "s.jsonl"},
            "x.csv and the sample s.jsonl are of two forms",
        ),
        (
            {"submission": {"file": "../x.csv"}},
            "submission.file: '../x.csv' holds characters that are not allowed",
        ),
        ({"submission": {"file": "x.xlsx"}}, "submission.file: 'x.xlsx' "),
        ({"submission": {"file": "x.jsonl"}, "sample": "s.json.gz"}, None),
        ({"submission": {"file": "x.tsv"}}, None),
    ],
)
def test_mistakes_in_the_name(task: dict[str, Any], told: str | None) -> None:
    plain = {"train": "a.csv", "test": "b.csv", "text": ["x"], "target": "y"}
    raw = {"competition": "c", "tasks": {"t": {**plain, **task}}, "models": {"m": {"kind": "linear"}}}
    if told is None:
        load(raw)
        return
    with pytest.raises(UserError) as error:
        load(raw)
    assert told in str(error.value)


@pytest.mark.parametrize("deflate", [False, True])
def test_archive_is_the_same_whenever_and_in_whatever_order_it_is_made(tmp_path: Path, deflate: bool) -> None:
    names = ["tnews_predict.json", "ocnli_predict.json", "情感.json"]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for name in names if folder == "a" else reversed(names):
            (tmp_path / folder / name).write_bytes(name.encode() * 99)
        ordered = names if folder == "a" else names[::-1]
        out = tmp_path / folder / "out.zip"
        write_zip([tmp_path / folder / name for name in ordered], out, deflate=deflate)
    assert (tmp_path / "a/out.zip").read_bytes() == (tmp_path / "b/out.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a/out.zip") as archive:
        assert archive.namelist() == sorted(names)
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.read(names[0]) == names[0].encode() * 99


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "out.zip").write_text("old")
    with pytest.raises(UserError, match="would have one name in it"):
        write_zip([tmp_path / "a/x.json", tmp_path / "b/X.json"], tmp_path / "out.zip", deflate=True)
    with pytest.raises(ValueError, match="nothing to put"):
        write_zip([], tmp_path / "out.zip", deflate=True)
    assert (tmp_path / "out.zip").read_text() == "old"
