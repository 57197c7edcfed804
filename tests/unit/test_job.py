"""A script's job: what reaches ``main``, what a user sees of a mistake, what the log holds."""

import errno
import json
import logging
import mmap
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from podium import guard, progress, stopwatch
from podium.errors import UserError
from scripts import job


@pytest.fixture(autouse=True)
def logging_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """``run`` sets up the process that it has for itself; here it shares one with the other tests."""
    monkeypatch.delenv(guard.MAIN_PROCESS, raising=False)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers, root.level = handlers, level
    logging.captureWarnings(False)


class Logs(list[str]):
    """A rule's log files: a list, some of them named."""

    def items(self) -> list[tuple[str, str]]:
        return []


def snakemake(tmp_path: Path, **block: Any) -> SimpleNamespace:
    """What Snakemake hands to a script, as far as jobs use it."""
    return SimpleNamespace(
        input={"table": "a.parquet", "many": ["b", "c"], "none": []},
        output={"out": "d.csv"},
        params={"block": block, "code": "0123"},
        log=Logs([str(tmp_path / "logs/job.log")]),
        threads=3,
        resources={"gpu": 0},
    )


def log_of(tmp_path: Path) -> str:
    return (tmp_path / "logs/job.log").read_text(encoding="utf-8")


def test_main_gets_paths_and_the_keys_of_its_block(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def main(
        *, table: Path, many: list[Path], none: list[Path], out: Path, fold: int, names: list[str]
    ) -> None:
        seen.update(table=table, many=many, none=none, out=out, fold=fold, names=names)
        logging.getLogger("podium.test").info("working")

    job.run(main, snakemake(tmp_path, fold=2, names=["b"]))
    assert seen == {
        "table": Path("a.parquet"),
        "many": [Path("b"), Path("c")],
        "none": [],
        "out": Path("d.csv"),
        "fold": 2,
        "names": ["b"],
    }
    assert "INFO podium.test: working" in log_of(tmp_path)


@pytest.mark.parametrize(("block", "threads"), [({}, 3), ({"threads": 2}, 2)])
def test_threads_are_the_rules_unless_the_block_has_them(
    tmp_path: Path, block: dict[str, int], threads: int
) -> None:
    seen = []

    def main(*, threads: int, **rest: Any) -> None:
        seen.append(threads)

    job.run(main, snakemake(tmp_path, **block))
    assert seen == [threads]


def test_a_users_mistake_is_told_line_by_line_without_a_traceback(tmp_path: Path) -> None:
    def main(**_: Any) -> None:
        raise UserError("train.csv: no column 'x'\ntrain.csv: no column 'y'")

    with pytest.raises(SystemExit) as ended:
        job.run(main, snakemake(tmp_path))
    log = tmp_path / "logs/job.log"
    assert ended.value.code == (
        f"podium: train.csv: no column 'x'\npodium: train.csv: no column 'y' (log: {log})"
    )
    assert "no column 'y'" in log_of(tmp_path)
    assert "Traceback" not in log_of(tmp_path)


@pytest.mark.parametrize("block", [{}, {"fold": 1, "other": 2}])
def test_missing_and_extra_keys_are_errors(tmp_path: Path, block: dict[str, int]) -> None:
    def main(*, table: Path, many: list[Path], none: list[Path], out: Path, fold: int) -> None:
        pytest.fail("not called")

    with pytest.raises(TypeError, match=r"fold|other"):
        job.run(main, snakemake(tmp_path, **block))


def test_the_log_of_a_crash_has_its_traceback_and_warnings(tmp_path: Path) -> None:
    told: list[Any] = []
    sys.excepthook = lambda *error: told.append(error)

    def main(**_: Any) -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError) as error:
        job.run(main, snakemake(tmp_path))
    sys.excepthook(error.type, error.value, error.tb)
    assert "Traceback" in log_of(tmp_path)
    assert "KeyError: 'lost'" in log_of(tmp_path)
    assert len(told) == 1  # and on the screen as before


@pytest.mark.parametrize(
    ("error", "state"), [(KeyboardInterrupt(), "stopped"), (KeyError("lost"), "failed")], ids=["stop", "fail"]
)
def test_a_job_that_was_stopped_did_not_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, state: str
) -> None:
    monkeypatch.chdir(tmp_path)
    progress.FOLDER.mkdir(parents=True)

    def main(**_: Any) -> None:
        raise error

    given = snakemake(tmp_path)
    given.rule, given.wildcards = "train_fold", {}
    with pytest.raises(type(error)):
        job.run(main, given)
    (note,) = progress.FOLDER.glob("*.json")
    assert json.loads(note.read_text(encoding="utf-8"))["state"] == state


def test_a_disk_without_room_for_the_note_of_a_mistake_hides_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").mkdir()
    (tmp_path / ".snakemake/podium_mistakes.txt").symlink_to("/dev/full")

    def main(**_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "results/x.parquet")

    with pytest.raises(SystemExit, match="no space is left on the disk"):
        job.run(main, snakemake(tmp_path))


def test_a_rule_without_block_and_log(tmp_path: Path) -> None:
    called = []
    bare = SimpleNamespace(input={}, output={}, params={}, log=Logs(), threads=1, resources={})
    job.run(lambda: called.append(1), bare)
    assert called == [1]


def test_a_job_works_where_the_copies_of_an_object_store_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path in a block of params finds the copy of the file that it names; files beside the store keep their place."""
    store = tmp_path / ".snakemake/storage/s3/bucket"
    (store / "data/encoder").mkdir(parents=True)
    (store / "data/encoder/config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(job.STORE, ".snakemake/storage/s3/bucket")
    seen: dict[str, Any] = {}

    def main(*, table: Path, many: list[Path], out: Path, encoder: str) -> None:
        assert (Path(encoder) / "config.json").is_file()
        out.write_text("done")
        seen.update(table=table, many=many)

    given = snakemake(tmp_path, encoder="data/encoder")
    given.input = {"table": ".snakemake/storage/s3/bucket/a.parquet", "many": ["b"]}
    given.output = {"out": ".snakemake/storage/s3/bucket/d.csv"}
    job.run(main, given)
    assert seen == {"table": Path("a.parquet"), "many": [tmp_path / "b"]}
    assert (store / "d.csv").read_text() == "done"


def test_the_log_ends_with_what_the_job_took(tmp_path: Path) -> None:
    """Of the work alone: what the process did before is in neither its CPU seconds nor, but for a start, its memory."""

    def main(*, table: Path, many: list[Path], none: list[Path], out: Path) -> None:
        # A map of its own: a list's bytes may be given of what an earlier test has freed, and then add nothing
        with mmap.mmap(-1, 300 << 20) as kept:
            for page in range(0, len(kept), mmap.PAGESIZE):
                kept[page] = 1
        ends = time.process_time() + 0.3
        while time.process_time() < ends:
            pass

    before = stopwatch.peak_mebibytes()
    job.run(main, snakemake(tmp_path))
    found = re.search(r"done: .*, CPU ([\d.]+) s, memory (\d+) MiB$", log_of(tmp_path), re.MULTILINE)
    assert found is not None
    assert 0.3 <= float(found[1]) < 30
    now = psutil.Process().memory_info().rss / 2**20
    assert max(before, now + 250) - 1 <= float(found[2]) < max(before, now) + 400
