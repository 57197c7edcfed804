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
from podium.__main__ import main
from podium.errors import DamagedFile
from podium.explain import keys, lookup, metadata, rows_text
from podium.explain.places import Places
from podium.explain.story import Neighbour, Story
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


def test_a_table_that_was_cut_short_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(pd.DataFrame({"id": ["a"]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DamagedFile, match=r"t\.parquet is damaged"):
        lookup.row(path, "a")


def test_an_id_that_is_longer_than_a_file_s_name_may_be(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"id": ["a" * 300], "text_a": ["x"]}), tmp_path / "ingest/t/train.parquet")
    with pytest.raises(SystemExit, match="there is no row"):
        main(["explain", "b" * 300, "--results", str(tmp_path)])


@pytest.mark.parametrize("id", ["/x/1", "../x", "results/x"])
def test_an_id_that_looks_like_a_path_is_a_row_where_there_is_no_such_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, id: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(pd.DataFrame({"id": [id], "text_a": ["x"]}), tmp_path / "results/ingest/t/test.parquet")
    main(["explain", id])
    assert id in capsys.readouterr().out
    with pytest.raises(SystemExit, match="there is no"):
        main(["explain", f"{id}y", "--no-check"])
    with pytest.raises(SystemExit, match="there is no"):
        main(["explain", f"./{id}", "--no-check"])


def test_a_terminal_is_told_no_control_characters() -> None:
    """A row's text, id or label may hold what clears a screen, or turns the direction of what follows."""
    bad = "a\x1b[2Jb \x07\u202ec\x9b1m"
    story = Story(
        task="t",
        type="single_label",
        metric=None,
        kind="train",
        part="train",
        id=bad,
        texts={"text_a": bad},
        label=bad,
        group=bad,
        neighbours=[Neighbour(id=bad, label=bad, text=bad)],
        fold=0,
    )
    told = rows_text.text(story)
    assert "\u241b[2J" in told
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(told)


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


def test_what_earlier_configs_left_in_the_results_is_not_told_as_this_run_s(tmp_path: Path) -> None:
    """A member, a fold, a round and an augmentation that the config has no more."""
    table = pd.DataFrame({"id": ["a"], "p:x": [1.0]})
    for name in ("new-s0/round0/fold0", "new-s0/round0/fold4", "new-s1/round0/fold0", "new-s0/round2/fold0"):
        write_table(table, tmp_path / f"train/t/{name}/trained_on.parquet")
    for name in ("new-s0/round0", "new-s0/round2", "old-s0/round0", "new-s0/settled"):
        write_table(table, tmp_path / f"predict/t/{name}/oof.parquet")
    for name in ("eda", "gone"):
        write_table(table, tmp_path / f"augment/t/{name}.parquet")
    for fold in (0, 4):
        write_table(table, tmp_path / f"noise/t/fold{fold}.parquet")
    config = {
        "folds": {"n": 3},
        "models": {"new": {"seeds": [0]}},
        "pseudo": {"rounds": 1},
        "augment": {"eda": {}},
    }
    places = Places(tmp_path, "t", config)
    assert [(one.member, one.round, one.fold) for one in places.trained()] == [("new-s0", 0, 0)]
    assert [(one.name, one.round) for one in places.predicted()] == [("new-s0", "0"), ("new-s0", "settled")]
    assert list(places.made) == ["eda"]
    assert list(places.folds_of("noise/t")) == [0]
    assert places.left_out == {"fold 4", "round 2", "new-s1", "old-s0", "gone"}
    unknown = Places(tmp_path, "t", {})
    assert len(list(unknown.trained())) == 4
    assert unknown.left_out == set()


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
