"""Leases of GPUs: across processes, freed however the holder ends, by names that nothing renumbers."""

import subprocess
import sys
from pathlib import Path

import pytest

from podium import gpu
from podium.gpu import lease, parse, unlisted, visible

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
from podium import gpu

gpu.POLL_SECONDS = 0.02
folder, names, count, jobs = sys.argv[1:]
with gpu.lease(names.split(","), int(count), jobs=int(jobs), folder=Path(folder)) as leased:
    print(",".join(leased), flush=True)
    sys.stdin.readline()
"""
RACER = """
import os, random, sys, time
from pathlib import Path
from podium import gpu

gpu.POLL_SECONDS = 0.01
folder, number = Path(sys.argv[1]), int(sys.argv[2])
names = ["a", "b", "c"] if number % 2 else ["c", "a", "b"]
for turn in range(12):
    with gpu.lease(names, 1 + (number + turn) % 2, jobs=1, folder=folder / "locks") as leased:
        for name in leased:  # fails where another process is on the device
            os.close(os.open(folder / f"on-{name}", os.O_CREAT | os.O_EXCL))
        time.sleep(random.random() / 100)
        for name in leased:
            os.unlink(folder / f"on-{name}")
"""
LISTED = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 2g.10gb     Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-5d2f3a11-0000-2b2c-524d-9e3d8d2b8a77)
GPU 2: NVIDIA A100-SXM4-40GB (UUID: GPU-77aa3a11-0000-2b2c-524d-9e3d8d2b8a77)
"""
DEVICES = parse(LISTED)
(FIRST_PART, SECOND_PART), (ONE,), (TWO,) = DEVICES


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "POLL_SECONDS", 0.02)


class Holder:
    """Another process that takes a lease and keeps it until told to end."""

    def __init__(self, folder: Path, names: str, count: int = 1, jobs: int = 1) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", HOLDER, *map(str, (folder, names, count, jobs))]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)

    def leased(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip().split(",")

    def end(self, *, kill: bool = False) -> None:
        if kill:
            self.process.kill()
        self.process.communicate("\n")


def free(folder: Path, *names: str, count: int = 1, jobs: int = 1) -> list[str] | None:
    """What a job would get at once."""
    with gpu.ExitStack() as held:
        return gpu._take(names, count, jobs, folder, held)


def test_processes_hold_different_devices_and_a_killed_one_frees_its_own(tmp_path: Path) -> None:
    first, second = Holder(tmp_path, "a,b"), Holder(tmp_path, "a,b")
    assert sorted(first.leased() + second.leased()) == ["a", "b"]
    waiting = Holder(tmp_path, "a,b")
    assert free(tmp_path, "a", "b") is None
    second.end(kill=True)
    (freed,) = waiting.leased()
    first.end()
    with lease(["a", "b"], 1, jobs=1, folder=tmp_path) as own:
        assert sorted([*own, freed]) == ["a", "b"]
    waiting.end()


def test_a_lease_of_several_devices_is_all_or_nothing_and_is_not_overtaken(tmp_path: Path) -> None:
    one = Holder(tmp_path, "a,b")
    assert one.leased() == ["a"]
    both = Holder(tmp_path, "a,b", count=2)
    while free(tmp_path, "a", "b") == ["b"] and not _waits(tmp_path):
        pass
    late = Holder(tmp_path, "b,a")  # the same devices: behind, though b is free
    assert free(tmp_path, "b") == ["b"]
    one.end()
    assert both.leased() == ["a", "b"]
    assert free(tmp_path, "a") is free(tmp_path, "b") is None
    both.end(kill=True)
    assert late.leased() == ["b"]
    late.end()


def _waits(folder: Path) -> bool:
    """Whether a job has its turn."""
    for path in folder.glob("turn-*.lock"):
        try:
            with gpu._locked(path, gpu.fcntl.LOCK_EX | gpu.fcntl.LOCK_NB):
                pass
        except BlockingIOError:
            return True
    return False


def test_small_jobs_share_devices_evenly_and_never_with_a_job_that_has_it_whole(tmp_path: Path) -> None:
    small = [Holder(tmp_path, "a,b", jobs=2)]
    assert small[0].leased() == ["a"]
    small.append(Holder(tmp_path, "a,b", jobs=2))
    assert small[1].leased() == ["b"]  # an empty device before a second place
    assert free(tmp_path, "a", "b") is None
    small.append(Holder(tmp_path, "a,b", jobs=2))
    assert small[2].leased() == ["a"]
    assert free(tmp_path, "a", jobs=2) is None
    assert free(tmp_path, "a", jobs=3) == ["a"]
    small[1].end(kill=True)
    with lease(["a", "b"], 1, jobs=1, folder=tmp_path) as whole:
        assert whole == ["b"]
        assert free(tmp_path, "a", "b", jobs=2) is None
    small[0].end()
    assert free(tmp_path, "a", "b", jobs=2) == ["a"]
    small[2].end()


def test_racing_processes_never_meet_on_a_device(tmp_path: Path) -> None:
    """Jobs of one and of two devices in different orders: none meets another, and all of them end."""
    (tmp_path / "locks").mkdir()
    commands = [[sys.executable, "-c", RACER, str(tmp_path), str(number)] for number in range(6)]
    racers = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    assert [racer.wait(120) for racer in racers] == [0] * 6


def test_more_devices_than_there_are_is_all_of_them(tmp_path: Path) -> None:
    with lease(["a"], 2, jobs=1, folder=tmp_path) as leased:
        assert leased == ["a"]
        assert free(tmp_path, "a") is None
    with pytest.raises(RuntimeError, match="training failed"), lease(["a"], 1, jobs=1, folder=tmp_path):
        raise RuntimeError("training failed")
    assert free(tmp_path, "a") == ["a"]


def test_instances_stand_for_the_gpu_that_they_are_cut_from() -> None:
    assert [len(device) for device in DEVICES] == [2, 1, 1]
    assert parse("No devices found.\n") == []
    old = "GPU 0: A100 (UUID: GPU-1)\n  MIG 1g.5gb Device 0: (UUID: MIG-GPU-1/7/0)\n"
    assert parse(old) == [["MIG-GPU-1/7/0"]]


ALL = [FIRST_PART, SECOND_PART, ONE, TWO]
CASES: dict[str, tuple[dict[str, str], list[str]]] = {
    "nothing said": ({}, ALL),
    "number": ({"CUDA_VISIBLE_DEVICES": "1"}, [ONE]),
    "order": ({"CUDA_VISIBLE_DEVICES": " 2, 1"}, [TWO, ONE]),
    "number of a GPU in parts": ({"CUDA_VISIBLE_DEVICES": "0"}, [FIRST_PART, SECOND_PART]),
    "name": ({"CUDA_VISIBLE_DEVICES": ONE}, [ONE]),
    "name cut short": ({"CUDA_VISIBLE_DEVICES": "GPU-77"}, [TWO]),
    "ambiguous name": ({"CUDA_VISIBLE_DEVICES": "GPU-5d2f,GPU-"}, [ONE]),
    "instance": ({"CUDA_VISIBLE_DEVICES": SECOND_PART}, [SECOND_PART]),
    "instances": ({"CUDA_VISIBLE_DEVICES": f"{SECOND_PART},{FIRST_PART}"}, [SECOND_PART, FIRST_PART]),
    "up to the first that is none": ({"CUDA_VISIBLE_DEVICES": "2,7,1"}, [TWO]),
    "none": ({"CUDA_VISIBLE_DEVICES": ""}, []),
    "minus one": ({"CUDA_VISIBLE_DEVICES": "-1"}, []),
    "Slurm's word for none": ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, []),
    "twice the same": ({"CUDA_VISIBLE_DEVICES": "1,1"}, []),
    "Slurm's job": ({"SLURM_JOB_GPUS": "1,2"}, [ONE, TWO]),
    "Slurm's step": ({"SLURM_JOB_GPUS": "1,2", "SLURM_STEP_GPUS": "2"}, [TWO]),
    "CUDA's list inside Slurm's": ({"SLURM_JOB_GPUS": "1,2", "CUDA_VISIBLE_DEVICES": "1"}, [ONE]),
    "Slurm shows the job's devices alone": ({"SLURM_JOB_GPUS": "4,5,6"}, ALL),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_process_may_use(case: str) -> None:
    environment, expected = CASES[case]
    assert visible(DEVICES, environment) == expected


def test_a_narrowed_view_meets_the_others_on_the_same_device(tmp_path: Path) -> None:
    """``cuda:0`` of a process that is shown device 2 alone is the third of one that is shown all."""
    narrow = visible(DEVICES, {"CUDA_VISIBLE_DEVICES": "2"})
    with lease(narrow, 1, jobs=1, folder=tmp_path):
        assert free(tmp_path, *visible(DEVICES, {}), count=3) == ALL[:3]
        assert free(tmp_path, *visible(DEVICES, {"SLURM_JOB_GPUS": "2"})) is None


def test_devices_that_no_program_lists_have_the_names_of_the_variable() -> None:
    assert unlisted(2, {}) == ["0", "1"]
    assert unlisted(2, {"CUDA_VISIBLE_DEVICES": "3,5"}) == ["3", "5"]


@pytest.fixture
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(gpu, "Path", lambda name: tmp_path / str(name).lstrip("/"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def test_the_folder_of_locks_is_the_users_own(own_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/elsewhere")
    folder = gpu.lock_folder()
    assert folder.parent == own_machine
    assert folder.stat().st_mode & 0o77 == 0
    folder.rmdir()
    folder.symlink_to(own_machine)
    with pytest.raises(gpu.UserError, match="is not a folder of yours"):
        gpu.lock_folder()
