"""Jobs on another machine: they live as long as their run's mark changes."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from podium import guard, pulse
from podium.errors import UserError

ROOT = Path(__file__).parents[2]
SECONDS = 30  # far more than needed: how long a test waits before it fails
RUN = """
import sys, time
from pathlib import Path
from podium.pulse import Pulse

mark = Pulse(Path(sys.argv[1]), beat=0.05)
mark.start()
print(mark.token, flush=True)
sys.stdin.readline()
mark.stop()
"""
JOB = """
import os, sys, time
sys.path.insert(0, sys.argv[3])
from podium import guard, pulse

pulse.BEAT_SECONDS, pulse.QUIET_SECONDS = 0.05, float(sys.argv[2])
guard.die_with("1:1:another/4026531836", sys.argv[1])
print("up", flush=True)
time.sleep(60)
"""


def start(code: str, *arguments: object, cwd: Path = ROOT) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=cwd, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".snakemake").mkdir()
    return tmp_path


def test_a_job_elsewhere_lives_with_its_run_and_ends_after_it(folder: Path) -> None:
    run = start(RUN, folder)
    job = start(JOB, line(run), 2.0, ROOT, cwd=folder)
    assert line(job) == "up"
    with pytest.raises(subprocess.TimeoutExpired):
        job.wait(4)  # twice as long as a mark may be silent
    run.kill()
    assert job.wait(SECONDS) == 1
    run.communicate()
    job.communicate()


def test_a_job_elsewhere_ends_as_soon_as_another_run_begins(folder: Path) -> None:
    run = start(RUN, folder)
    job = start(JOB, line(run), 600, ROOT, cwd=folder)
    assert line(job) == "up"
    run.kill()
    run.communicate()
    mark = pulse.Pulse(folder, beat=0.05)
    assert mark.left()
    mark.start()
    assert job.wait(SECONDS) == 1
    job.communicate()
    mark.stop()
    assert not mark.left()


def test_two_machines_do_not_run_in_one_folder(folder: Path) -> None:
    """Where the file system's locks stop at the machine."""
    run = start(RUN, folder)
    line(run)
    with pytest.raises(UserError, match="on another machine is working in this folder"):
        pulse.Pulse(folder, beat=0.5).start()
    run.communicate("\n")
    mark = pulse.Pulse(folder, beat=0.05)
    assert not mark.left()
    mark.start()
    mark.stop()


def test_a_mark_that_cannot_be_read_is_silence(folder: Path) -> None:
    ended = threading.Event()
    started = time.monotonic()
    pulse.watch(folder, "token", ended.set, beat=0.05, quiet=0.5)
    assert ended.is_set()
    assert time.monotonic() - started >= 0.5


def test_an_empty_mark_is_no_other_run(folder: Path) -> None:
    (folder / ".snakemake/podium_pulse.txt").write_text("")
    ended = threading.Event()
    pulse.watch(folder, "token", ended.set, beat=0.05, quiet=0.3)
    assert ended.is_set()


def test_a_process_on_this_machine_needs_no_mark(folder: Path) -> None:
    job = start(
        JOB.replace('"1:1:another/4026531836"', repr(guard.this_process())), "token", 0.2, ROOT, cwd=folder
    )
    assert line(job) == "up"
    with pytest.raises(subprocess.TimeoutExpired):
        job.wait(2)
    job.kill()
    job.communicate()
