"""One device, one job: across processes, and freed however the holder ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from podium.gpu import lease

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from podium.gpu import lease

with lease(int(sys.argv[1]), poll_seconds=0.02) as device:
    print(device, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lock files of this test alone: the machine may have jobs of its own."""
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


class Holder:
    """Another process that takes a lease and keeps it until told to end."""

    def __init__(self, devices: int) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", HOLDER, str(devices)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        assert self.process.stdout is not None
        self.stdout = self.process.stdout

    def device(self) -> str:
        return self.stdout.readline().strip()

    def end(self, *, kill: bool) -> None:
        if kill:
            self.process.kill()
        self.process.communicate("\n")


def test_processes_hold_different_devices_and_a_killed_one_frees_its_own() -> None:
    first, second = Holder(2), Holder(2)
    devices = {first.device(), second.device()}
    assert devices == {"cuda:0", "cuda:1"}
    waiting = Holder(2)  # waits until a device is free
    second.end(kill=True)
    freed = waiting.device()
    assert freed in devices
    first.end(kill=False)
    with lease(2, poll_seconds=0.02) as own:
        assert {own, freed} == devices
    waiting.end(kill=False)


def test_within_a_process_and_after_an_error() -> None:
    with lease(2) as first, lease(2) as second:
        assert (first, second) == ("cuda:0", "cuda:1")
    with pytest.raises(RuntimeError, match="training failed"), lease(1):
        raise RuntimeError("training failed")
    with lease(1) as again:
        assert again == "cuda:0"


def test_no_device_is_the_cpu_for_everyone() -> None:
    with lease(0) as first, lease(0) as second:
        assert (first, second) == ("cpu", "cpu")


def test_renumbered_devices_are_told_apart_by_their_physical_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """``cuda:0`` of a process that sees devices 1 and 2 is not ``cuda:0`` of one that sees 0 and 1."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0, 1")
    with lease(2) as first:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2")
        with lease(2) as second:
            assert (first, second) == ("cuda:0", "cuda:0")
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
        with lease(2) as second, lease(3) as third:
            assert (second, third) == ("cuda:0", "cuda:2")
