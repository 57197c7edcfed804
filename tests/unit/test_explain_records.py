"""Snakemake's records as ``explain`` reads them, the config's keys of a job, ids that are like a mistyped one."""

import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake.persistence import MetadataRecord
from snakemake.persistence.file import FilePersistence

from podium import runs
from podium.explain import keys, lookup, metadata
from podium.explain.words import WIDTH, columns, cut, labelled, wrap
from podium.files import write_table

ROOT = Path(__file__).parents[2]
LONG = "results/" + "/".join(f"{'folder' * 9}{number}" for number in range(8)) + "/中文 file.parquet"


def test_records_that_snakemake_wrote_are_read_as_it_reads_them(tmp_path: Path) -> None:
    theirs = FilePersistence(path=tmp_path / ".snakemake")
    block = {"kind": "linear", "options": {"c": 1.0, "n": [1, 2]}, "pair": ("a", None)}
    written = {
        name: MetadataRecord(
            rule=f"rule{number}",
            input=["b", "a"],
            log=["results/logs/x.log"],
            params=sorted([repr("0123456789abcdef"), repr(block), "<object at 0x7f>"]),
            starttime=1.5,
            endtime=3.0,
        )
        for number, name in enumerate(["results/a.parquet", LONG])
    }
    for name, record in written.items():
        theirs._write_record(name, record)
    found = metadata.records(tmp_path)
    assert list(found) == sorted(written)
    for name, record in written.items():
        again = theirs._read_record(name)
        assert again is not None
        one = found[name]
        assert (one.rule, one.inputs, one.logs) == (again.rule, again.input, again.log)
        assert (one.started, one.ended) == (record.starttime, record.endtime)
        assert one.params == block
        assert one.code == "0123456789abcdef"
        assert metadata.record(tmp_path, name) == one
    assert metadata.record(tmp_path, "results/other") is None
    assert metadata.record(tmp_path / "nowhere", "results/a.parquet") is None


def test_what_is_no_record_is_left_aside(tmp_path: Path) -> None:
    folder = tmp_path / ".snakemake/metadata"
    folder.mkdir(parents=True)
    for name, text in {"cmVzdWx0cw==": "{not json", "no base64!": "{}", "YQ==": "[]"}.items():
        (folder / name).write_text(text, encoding="utf-8")
    assert metadata.records(tmp_path) == {}


def test_every_rule_that_makes_something_says_which_keys_it_depends_on() -> None:
    made = set()
    for path in [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]:
        for part in re.split(
            r"^ *(?=(?:rule|checkpoint) \w+:)", path.read_text(encoding="utf-8"), flags=re.M
        ):
            name = re.match(r"(?:rule|checkpoint) (\w+):", part)
            if name and re.search(r"^ +output:", part, flags=re.M):
                made.add(name[1])
    assert made == set(keys.BLOCKS)


def test_a_job_s_parameters_are_named_by_the_keys_that_set_them() -> None:
    config = {
        "seed": 7,
        "tasks": {"topic": {}},
        "models": {"linear": {"c": 100.0, "tfidf": {"min_df": 2}}, "other": {"c": 100.0}},
        "augment": {"eda": {"copies": 1}},
    }
    params = {"seed": 7, "options": {"c": 100.0, "tfidf": {"min_df": 2}}, "fold": 0, "copies": 3}
    found = keys.keys_of("train_fold", "results/train/topic/linear-s0/round0/fold0/model", params, config)
    assert found == [
        ("seed", "seed", 7),
        ("options.c", "models.linear.c", 100.0),
        ("options.tfidf.min_df", "models.linear.tfidf.min_df", 2),
        ("fold", None, 0),
        ("copies", None, 3),
    ]


def test_the_closest_ids_and_rows_by_id(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": [f"{number:05}" for number in range(3000)] + ["Row-A", "row-B"]})
    table["value"] = range(len(table))
    write_table(table, tmp_path / "t.parquet")
    paths = [tmp_path / "t.parquet"]
    assert lookup.closest("42", paths, 3)[0] == "00042"
    assert lookup.closest("row-a", paths, 3)[:2] == ["Row-A", "row-B"]
    assert "02990" in lookup.closest("0299x", paths, 10)
    assert lookup.row(paths[0], "Row-A") == {"id": "Row-A", "value": 3000}
    assert lookup.row(paths[0], "none") is None
    assert lookup.row(tmp_path / "none.parquet", "Row-A") is None
    both = lookup.rows(paths[0], {"id": ["00001"], "value": [5], "lacking": [1]}, ["value"])
    assert both == [{"value": 1}, {"value": 5}]


@given(st.text(max_size=300), st.integers(4, 120))
def test_no_line_is_longer_than_it_may_be(text: str, width: int) -> None:
    assert columns(cut(text, width)) <= width
    assert all(columns(line) <= width for line in wrap(text, width))
    assert all(columns(line) <= WIDTH for line in labelled("label", text))


def test_the_config_of_results_is_that_of_the_last_whole_run_that_ended_well(tmp_path: Path) -> None:
    def begun(started: float, seed: int, *targets: str, partial: bool = False) -> Path:
        return runs.begin(
            tmp_path,
            started=started,
            targets=targets,
            partial=partial,
            config_files=[],
            config={"seed": seed},
            versions={"python": "3"},
        )

    noted = tmp_path / "config.yaml"
    runs.end(begun(1.0, 1), ended=2.0, ok=False)
    runs.end(begun(3.0, 2, "noise"), ended=4.0, ok=True)
    runs.end(begun(4.5, 3, "all", partial=True), ended=4.6, ok=True)
    begun(5.0, 4)
    assert not noted.exists()
    runs.end(begun(6.0, 5, "all", "check_holdout"), ended=7.0, ok=True)
    assert noted.read_text(encoding="utf-8") == "seed: 5\n"
    found = runs.read_all(tmp_path)
    assert [run.config["seed"] for run in found] == [1, 2, 3, 4, 5]
    assert [runs.at(found, moment) for moment in (0.5, 3.0, 99.0)] == [None, found[1], found[-1]]
    assert found[3].ended is None


def test_versions_of_what_is_installed() -> None:
    found = runs.versions_of(["pandas", "no-such-library"])
    assert found["pandas"] == pd.__version__
    assert set(found) == {"python", "system", "pandas"}


def test_a_record_that_is_cut_off_is_left_out(tmp_path: Path) -> None:
    (tmp_path / runs.FOLDER).mkdir(parents=True)
    (tmp_path / runs.FOLDER / "1.json").write_text('{"started": 1', encoding="utf-8")
    assert runs.read_all(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        runs.end(tmp_path / "none.json", ended=1.0, ok=True)
