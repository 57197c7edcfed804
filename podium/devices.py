"""The device of one job."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from podium import progress
from podium.gpu import lease
from podium.models import KINDS
from podium.stopwatch import measure


@contextmanager
def device_for(kind: str) -> Iterator[str]:
    """Yield ``cpu``, or a leased ``cuda:<i>`` for a kind that can use a GPU where there is one."""
    if not KINDS[kind].gpu:
        yield "cpu"
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # wanted by deterministic matrix products
    with measure("imports"):
        import torch  # a second: other kinds do not need it

    with lease(torch.cuda.device_count()) as device:
        progress.tell(device=device)
        yield device
