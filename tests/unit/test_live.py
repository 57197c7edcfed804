"""A run seen from outside: jobs' notes, the view of a run, its screen, the command."""

import json
import os
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from podium import guard, progress
from podium.commands import watch
from podium.errors import UserError
from podium.forecast.jobs import Job
from podium.live import notes, screen
from podium.live.left import Left
from podium.live.view import KILLED, look
from podium.readable import duration

GONE = "999999999:1"
FIT, NEXT, LAST = "train/t/bert-s0/round0/fold0", "train/t/bert-s0/round0/fold1", "scores/scores"


def jobs() -> list[Job]:
    names = [FIT, NEXT, LAST]
    return [
        Job(
            name=f"results/logs/{name}.log",
            rule="train_fold" if "train" in name else "score_all",
            wildcards={},
            threads=2,
            gpus=0,
            needs=() if "train" in name else (f"results/logs/{FIT}.log", f"results/logs/{NEXT}.log"),
        )
        for name in names
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    notes.begin(tmp_path, jobs(), cores=2, gpus=None, open=False, config={"competition": "c"})
    return tmp_path


def note(folder: Path, short: str, **facts: Any) -> None:
    """What a job left or leaves."""
    name = f"results/logs/{short}.log"
    now = time.time()
    given = {"log": name, "rule": "train_fold", "process": guard.this_process(), "host": os.uname().nodename}
    given |= {"state": "running", "started": now - 30, **facts}
    path = progress.note_of(folder / progress.FOLDER, name)
    path.write_text(json.dumps(given), encoding="utf-8")


def lines(folder: Path, left: Left | None = None) -> str:
    run = notes.read(folder)
    assert run is not None
    if left is not None:
        left.learn(run)
    return "\n".join(screen.screen(look(run, left, time.time())))


def knows(seconds: float) -> Left:
    expected = {job.name: seconds if "train" in job.name else 1.0 for job in jobs()}
    return Left(expected, {job.name: job.rule for job in jobs()})


def test_notes_are_written_while_a_job_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    class Loss:
        def __float__(self) -> float:
            nonlocal asked
            asked += 1
            return 0.5

    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    path = tmp_path / "job.json"
    progress.begin(path, log="results/logs/a.log", rule="train_fold")
    progress.tell(device="cuda:1")
    for step in range(50):
        progress.step({"step": step, "epoch": step // 25, "tokens": 10, "loss": Loss()}, of=50, epochs=2.0)
        clock[0] += 0.125
    told = json.loads(path.read_text())
    assert told["state"] == "running"
    assert told["device"] == "cuda:1"
    assert asked == 3  # of 50 steps in 6 seconds: the device is left alone in between
    assert told["progress"]["done"] == 49
    assert told["progress"]["epoch"] == 2
    assert told["progress"]["tokens_per_second"] == pytest.approx(80)
    progress.end("failed", "no memory")
    assert json.loads(path.read_text())["error"] == "no memory"
    assert [left.name for left in tmp_path.iterdir()] == ["job.json"]
    progress.tell(device="cpu")  # of no job any more
    assert json.loads(path.read_text())["device"] == "cuda:1"


def test_steps_of_a_killed_run_are_no_pace_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps 60 to 80 of 100 in the first 20 seconds of a job that goes on: 20 seconds are left, and not 5."""
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(progress.time, "time", lambda: clock[0])
    progress.begin(tmp_path / "job.json", log="results/logs/a.log", rule="train_fold")
    for step in [*range(60, 80), *range(30)]:  # and then the job's next training
        clock[0] += 1
        progress.step({"step": step, "epoch": 0, "tokens": 10, "loss": 0.5}, of=100, epochs=1.0)
        if step == 79:
            told = json.loads((tmp_path / "job.json").read_text())
            left = knows(500.0).job(FIT, told, elapsed=20.0)
            assert left == pytest.approx(20.0, abs=1.5)
    assert json.loads((tmp_path / "job.json").read_text())["progress"]["before"] == 0
    progress.end("done")


def test_a_disk_that_takes_no_note_stops_no_job(tmp_path: Path) -> None:
    progress.begin(tmp_path / "missing/job.json")
    progress.step({"step": 0, "epoch": 0, "tokens": 1, "loss": 1.0}, of=1, epochs=1.0)
    progress.end("done")


def test_what_runs_is_told_with_its_steps_and_device(folder: Path) -> None:
    told = {"done": 40, "of": 100, "epoch": 1, "epochs": 2.0, "loss": 0.25, "tokens_per_second": 6750.4}
    note(folder, FIT, device="cuda:0", progress={**told, "at": time.time()})
    shown = lines(folder, knows(500.0))
    assert "c: running for 0 s, 0 of 3 jobs done" in shown
    assert "train 0/2  scores 0/1" in shown
    assert f"{FIT}  cuda:0" in shown
    assert "step 40 of 100, epoch 0.8 of 2.0, loss 0.2500, 6,750 tokens/s  about 45 s left" in shown
    # its own pace counts for itself; the other fold is yet to come, then the scores
    assert "about 9 min 6 s left" in shown


def test_jobs_that_are_done_correct_what_is_expected(folder: Path) -> None:
    now = time.time()
    note(folder, FIT, state="done", started=now - 90, ended=now - 50)
    note(folder, NEXT, started=now - 10)
    left = knows(20.0)  # it took 40
    shown = lines(folder, left)
    assert "1 of 3 jobs done, about 31 s left" in shown
    assert f"{NEXT}" in shown
    assert "about 30 s left" in shown


def test_how_it_ended(folder: Path) -> None:
    for short in (FIT, NEXT, LAST):
        note(folder, short, state="done", ended=time.time(), process=GONE)
    notes.end(folder, ok=True, log="x.log")
    assert lines(folder) == "c: finished after 0 s, 3 of 3 jobs done"


def test_a_failed_job_is_named_with_its_reason_and_log(folder: Path) -> None:
    note(folder, FIT, state="failed", ended=time.time(), error="training: the loss is no longer finite")
    note(folder, NEXT, process=GONE)
    assert "c: running" in lines(folder)  # others may go on
    notes.end(folder, ok=False, log="x.log")
    shown = lines(folder)
    assert "c: failed after" in shown
    assert f"failed: {FIT}: training: the loss is no longer finite (log: results/logs/{FIT}.log)" in shown
    assert f"failed: {NEXT}: {KILLED}" in shown


def test_a_run_that_was_stopped_names_snakemakes_log(folder: Path) -> None:
    notes.end(folder, ok=False, log=".snakemake/log/x.log")
    assert "stopped before its end" in lines(folder)
    assert "Snakemake's own log: .snakemake/log/x.log" in lines(folder)


def test_a_killed_run_is_told_from_one_that_goes_on(folder: Path) -> None:
    note(folder, FIT, process=GONE, started=time.time())
    path = folder / ".snakemake/podium/run.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "process": GONE}))
    shown = lines(folder)
    assert (
        "c: was killed after 0 s, 0 of 3 jobs done; its process is gone, starting it again goes on" in shown
    )
    assert "failed:" not in shown
    # from another machine nobody can look at its processes
    path.write_text(json.dumps({**told, "process": GONE, "host": "elsewhere"}))
    assert "c: running on elsewhere" in lines(folder)


def test_jobs_that_results_decided_on_are_counted(folder: Path) -> None:
    note(folder, "train/t/bert-s0/round1/fold0")
    assert "0 of 4 jobs done" in lines(folder)


def test_a_note_that_is_being_written_is_left_out(folder: Path) -> None:
    (folder / progress.FOLDER / "0123.json").write_text('{"log": "res')
    (folder / progress.FOLDER / ".0456.json.part").write_text("{")
    assert "0 of 3 jobs done" in lines(folder)


@pytest.mark.parametrize("broken", ['{"jobs": [{"name": "a"}]}', '{"competition": "c"}', "[]"])
def test_a_run_of_another_version_is_none(folder: Path, broken: str) -> None:
    (folder / ".snakemake/podium/run.json").write_text(broken, encoding="utf-8")
    assert notes.read(folder) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "?"),
        (0.04, "0 s"),
        (-1, "0 s"),
        (0.44, "0.4 s"),
        (9.949, "9.9 s"),
        (9.95, "10 s"),
        (59.4, "59 s"),
        (59.5, "1 min 0 s"),
        (185, "3 min 5 s"),
        (3599.6, "1 h 0 min"),
        (7860, "2 h 11 min"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


def test_the_command_ends_with_the_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    note(folder, FIT, state="failed", error="why", ended=time.time())
    notes.end(folder, ok=False, log=None)
    assert watch.run(Namespace(once=False, json=False)) == 1
    shown = capsys.readouterr().out
    assert "\x1b" not in shown  # no terminal
    assert "failed: train/t/bert-s0/round0/fold0: why" in shown
    assert watch.run(Namespace(once=True, json=True)) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "failed"
    assert told["failed"] == [{"name": FIT, "error": "why", "log": f"results/logs/{FIT}.log"}]


def test_on_a_terminal_a_screen_takes_the_place_of_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    painter = watch.Painter(plain=False)
    painter.show(["a" * 500, "b"], "", last=False)
    painter.show(["c"], "", last=False)
    shown = capsys.readouterr().out
    assert shown.count("\x1b[2F\x1b[J") == 1
    assert len(shown.splitlines()[0]) < 500


def test_a_folder_without_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no run has begun"):
        watch.run(Namespace(once=True, json=False))


def test_ctrl_c_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(given: Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch, "_watch", interrupt)
    assert watch.run(Namespace(once=False, json=False)) == 0
