"""The device of one job."""

import ctypes
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from podium import gpu, progress
from podium.models import KINDS
from podium.stopwatch import measure

log = logging.getLogger(__name__)

_asked = 1


def ask(places: int) -> None:
    """Say how many places on devices the job has that runs in this process: Snakemake's resource ``gpu``.

    None is the CPU, whatever the machine has. A device has as many places as the variable ``gpu.JOBS`` says; a job that
    asks for several times as many has so many devices for itself.
    """
    global _asked
    _asked = places


@contextmanager
def device_for(kind: str) -> Iterator[str]:
    """Yield ``cpu``, or the first of the devices leased for this job where its kind can use a GPU and there is one.

    Inside the block CUDA sees the leased devices alone, ``cuda:0`` and so on, if nothing has asked for it before.
    """
    if not KINDS[kind].gpu or _asked == 0:
        yield "cpu"
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # wanted by deterministic matrix products
    with measure("imports"):
        import torch  # a second: other kinds do not need it

    names = _names() if torch.version.cuda or torch.version.hip else []
    if not names:
        progress.tell(device="cpu")
        yield "cpu"
        return
    jobs = int(os.environ.get(gpu.JOBS, "1"))
    with gpu.lease(names, max(1, _asked // jobs), jobs=jobs, folder=gpu.lock_folder()) as leased:
        before = os.environ.get(gpu.VISIBLE)
        os.environ[gpu.VISIBLE] = ",".join(leased)
        try:
            log.info("leased %s", ", ".join(leased))
            progress.tell(device=", ".join(leased))
            yield "cuda:0" if torch.cuda.device_count() else "cpu"
        finally:
            os.environ.pop(gpu.VISIBLE) if before is None else os.environ.__setitem__(gpu.VISIBLE, before)


def _names() -> list[str]:
    """Devices that this process may use: as the driver lists them, else as many as torch counts."""
    if os.environ.get(gpu.VISIBLE, "all").strip() == "":
        return []  # by the user's word; the driver need not be asked
    listed = gpu.listed()
    if listed is None:
        return gpu.unlisted(_counted(), os.environ)
    return gpu.visible(listed, os.environ)


def _counted() -> int:
    """How many devices torch counts, in a process of its own.

    Where NVML cannot be asked, counting starts CUDA, which reads CUDA_VISIBLE_DEVICES once: in this process the lease
    would come too late, and every job would work on the first device.
    """
    import torch

    if not torch.version.hip:
        try:
            ctypes.CDLL("libcuda.so.1")
        except OSError:  # no driver: the usual machine without a GPU need not wait for a process
            return 0
    code = "import torch; print(torch.cuda.device_count())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, errors="replace")
    last = done.stdout.split()[-1:]
    return int(last[0]) if done.returncode == 0 and last and last[0].isdigit() else 0
