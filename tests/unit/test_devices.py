"""The device of a job."""

import os
from pathlib import Path

import pytest

from podium import devices, gpu
from podium.errors import UserError
from podium.models import KINDS


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two devices, as far as anybody asks."""
    monkeypatch.setattr("torch.version.cuda", "13.0")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr(gpu, "listed", lambda: [["GPU-a"], ["GPU-b"]])
    monkeypatch.setattr(gpu, "lock_folder", lambda: tmp_path)
    monkeypatch.delenv(gpu.VISIBLE, raising=False)
    monkeypatch.delenv(gpu.JOBS, raising=False)
    monkeypatch.setattr(devices, "_asked", 1)


@pytest.mark.parametrize("kind", KINDS)
def test_only_kinds_that_use_a_gpu_lease_one(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with gpu.lease(["GPU-a"], 1, jobs=1, folder=gpu.lock_folder()), devices.device_for(kind) as device:
        assert device == ("cuda:0" if KINDS[kind].gpu else "cpu")
        assert os.environ.get(gpu.VISIBLE) == ("GPU-b" if KINDS[kind].gpu else None)
    assert gpu.VISIBLE not in os.environ
    monkeypatch.setattr("torch.version.cuda", None)
    with devices.device_for(kind) as device:
        assert device == "cpu"
    assert [kind for kind in KINDS if KINDS[kind].gpu] == ["textcnn", "transformer", "multitask", "reader"]


@pytest.mark.parametrize(
    ("places", "jobs", "seen"),
    [(0, 1, None), (1, 1, "GPU-a"), (2, 1, "GPU-a,GPU-b"), (1, 3, "GPU-a"), (6, 3, "GPU-a,GPU-b")],
)
def test_a_job_sees_as_many_devices_as_it_asked_for(
    places: int, jobs: int, seen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(gpu.JOBS, str(jobs))
    devices.ask(places)
    with devices.device_for("transformer") as device:
        assert os.environ.get(gpu.VISIBLE) == seen
        assert device == ("cpu" if seen is None else "cuda:0")


def test_what_was_visible_before_is_visible_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gpu.VISIBLE, "1,0")
    with devices.device_for("transformer"):
        assert os.environ[gpu.VISIBLE] == "GPU-b"
    assert os.environ[gpu.VISIBLE] == "1,0"


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_without_a_program_that_lists_them_torch_counts_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """To count may start CUDA, which reads the variable once: a lease after that would mean nothing."""
    counter = program(tmp_path / "python", "echo a word of the driver; echo 2")
    monkeypatch.setattr(gpu, "listed", lambda: None)
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda name: None)
    monkeypatch.setattr(devices.sys, "executable", str(counter))

    def counted_here() -> int:
        assert gpu.VISIBLE in os.environ, "torch was asked before the lease"
        return 1

    monkeypatch.setattr("torch.cuda.device_count", counted_here)
    with gpu.lease(["0"], 1, jobs=1, folder=gpu.lock_folder()), devices.device_for("transformer"):
        assert os.environ[gpu.VISIBLE] == "1"
    program(counter, "exit 1")
    with devices.device_for("transformer") as device:
        assert device == "cpu"


def test_a_machine_without_a_driver_and_one_whose_gpus_are_hidden_need_not_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(devices.subprocess, "run", asked)
    monkeypatch.setattr(gpu, "listed", lambda: None)
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError(name)))
    with devices.device_for("transformer") as device:
        assert device == "cpu"
    monkeypatch.setattr(gpu, "listed", asked)
    monkeypatch.setenv(gpu.VISIBLE, "")
    with devices.device_for("transformer") as device:
        assert device == "cpu"


def test_a_driver_that_hangs_or_fails_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    program(tmp_path / "nvidia-smi", "echo 'NVIDIA-SMI has failed: no driver' >&2; exit 9")
    with caplog.at_level("WARNING"):
        assert gpu.listed() == []
    assert "NVIDIA-SMI has failed: no driver" in caplog.text
    program(tmp_path / "nvidia-smi", "exec sleep 30")
    monkeypatch.setattr(gpu, "_ASK_SECONDS", 0.2)
    with pytest.raises(UserError, match="nvidia-smi does not answer"):
        gpu.listed()
