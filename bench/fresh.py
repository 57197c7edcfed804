"""The switches of a process as they are at its start, so that contenders in one process do not touch each other."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def as_shipped(threads: int) -> Iterator[None]:
    """The switches of torch, accelerate and the heap as a fresh process has them: no contender inherits another's."""
    kept = dict(os.environ)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision("highest")
    products: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    products.fp32_precision = "none"
    torch.set_flush_denormal(False)
    _usual_heap()
    for name in [name for name in os.environ if name.startswith("ACCELERATE_")]:
        del os.environ[name]
    try:
        yield
    finally:
        for name in set(os.environ) - set(kept):
            del os.environ[name]
        os.environ.update(kept)


def _usual_heap() -> None:
    """Tell glibc its usual bounds again, where a fresh process' own adjustment ends (mallopt(3), M_MMAP_THRESHOLD).

    The engine keeps freed memory (``podium.engine.memory``); whoever comes after it shall not profit.
    """
    if sys.platform.startswith("linux"):
        try:
            mallopt = ctypes.CDLL("libc.so.6").mallopt
        except (OSError, AttributeError):
            return
        mallopt(-3, 32 << 20)  # blocks from 32 MiB on are mapped
        mallopt(-1, 64 << 20)  # more than 64 MiB free at the heap's top are given back
