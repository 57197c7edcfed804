"""One run in a folder, and no orphans: whatever is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from podium import guard
from podium.errors import UserError

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
from podium.guard import RunLock

lock = RunLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.readline()
"""
JOB = """
import sys, time
from podium import guard

guard.die_with(sys.argv[1])
print("up", flush=True)
time.sleep(60)
"""
MAIN = """
import subprocess, sys
from podium import guard

subprocess.Popen([sys.executable, "-c", sys.argv[1], guard.this_process()])
sys.stdin.readline()
"""
SECONDS = 30  # far more than needed: how long a test waits before it fails


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_second_run_is_refused_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    first = start(HOLDER, tmp_path)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    lock = guard.RunLock(tmp_path)
    with pytest.raises(UserError, match="another run is working in this folder"):
        lock.acquire()
    guard.RunLock(tmp_path / "elsewhere").acquire()
    first.kill()
    first.communicate()
    lock.acquire()
    out, err = start(HOLDER, tmp_path).communicate("\n")
    assert out == ""
    assert "UserError: another run" in err


def test_a_damaged_note_of_the_owner_is_another_competition_s(tmp_path: Path) -> None:
    (tmp_path / "competition.txt").write_bytes(b"\xff\xfec\x00")
    with pytest.raises(UserError, match="holds the competition"):
        guard.claim(tmp_path, "c")


def test_a_job_ends_when_its_main_process_is_killed() -> None:
    main = start(MAIN, JOB)
    assert main.stdout is not None
    assert main.stdout.readline() == "up\n"
    (job,) = psutil.Process(main.pid).children()
    os.kill(main.pid, signal.SIGKILL)
    gone, _ = psutil.wait_procs([job], timeout=SECONDS)  # the main process is still a zombie here
    assert gone == [job]
    main.communicate()


def test_processes_are_told_apart_by_their_start() -> None:
    own = guard.this_process()
    pid, started, machine = own.split(":")
    assert guard.alive(own)
    assert not guard.alive(f"{pid}:{int(started) - 100}:{machine}")  # an earlier process with the same number
    assert not guard.alive("")
    assert not guard.alive("no number")
    ended = start("pass")
    described = f"{ended.pid}:{psutil.Process(ended.pid).create_time():.0f}:{machine}"
    ended.communicate()
    assert not guard.alive(described)


def test_a_job_that_starts_after_its_main_process_ended_ends_too() -> None:
    main = start("from podium import guard\nprint(guard.this_process())")
    described = main.communicate()[0].strip()
    job = start(JOB, described)
    assert job.wait(SECONDS) == 1
    assert "is gone" in job.communicate()[1]


@pytest.mark.parametrize("main_process", ["", "1:1:another/4026531836"])
def test_a_job_without_a_main_process_here_is_left_alone(main_process: str) -> None:
    """No watcher: a job on another machine does not find the main process at all, nor without a mark anything else."""
    job = (
        "import sys, threading\nfrom podium import guard\n"
        "guard.die_with(sys.argv[1])\nprint(threading.active_count())"
    )
    out, _ = start(job, main_process).communicate()
    assert out == "1\n"
