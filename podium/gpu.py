"""Lease one GPU for one job.

Snakemake counts GPUs (``resources: gpu=1``) but hands out no device ids, so two jobs would meet on
device 0. A lease is an exclusive lock on one file a device; the operating system drops it when
the process ends, however it ends.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from podium.errors import UserError


@contextmanager
def lease(devices: int, poll_seconds: float = 0.5) -> Iterator[str]:
    """Yield ``cuda:<i>`` for a device no other job holds, waiting for one; ``cpu`` when ``devices`` is 0.

    ``devices`` is the number of devices that this process sees (``torch.cuda.device_count()``).
    """
    if devices == 0:
        yield "cpu"
        return
    locks = [FileLock(_lock_path(index)) for index in range(devices)]
    while True:
        for index, lock in enumerate(locks):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            try:
                yield f"cuda:{index}"
            finally:
                lock.release()
            return
        time.sleep(poll_seconds)


def _lock_path(index: int) -> Path:
    """Lock file of the device: named by its physical id, so that CUDA_VISIBLE_DEVICES may renumber."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = [name.strip() for name in visible.split(",") if name.strip()]
    physical = names[index] if index < len(names) else str(index)
    folder = Path(tempfile.gettempdir()) / f"podium-gpu-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        usable = folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()
    except OSError:
        usable = False
    if not usable:
        raise UserError(f"gpu: {folder} is not a folder of yours, so no GPU can be leased; remove it")
    return folder / f"{''.join(char if char.isalnum() else '-' for char in physical)}.lock"
