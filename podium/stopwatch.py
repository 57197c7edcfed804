"""Where a job's seconds go, and what it takes in all: figures of this process that a job's log ends with."""

import re
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS: dict[str, float] = {"imports": 0.0, "files": 0.0}
CPU_SECONDS: dict[str, float] = dict.fromkeys(SECONDS, 0.0)
_running: list[str] = []


@contextmanager
def measure(name: str) -> Iterator[None]:
    """Add the block's seconds to ``SECONDS[name]``, this process's CPU seconds to ``CPU_SECONDS[name]``.

    Inside another measured block they count for that one only.
    """
    if _running:
        yield
        return
    _running.append(name)
    started, cpu = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        SECONDS[name] += time.perf_counter() - started
        CPU_SECONDS[name] += time.process_time() - cpu
        _running.pop()


def cpu_seconds() -> float:
    """CPU seconds of this process so far, and of its children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime


def peak_mebibytes() -> float:
    """Most memory (MiB) that this process, or a child of it that has ended, ever had at once.

    Linux counts what a process had before it became another program (``execve``) in ``ru_maxrss``, but not in VmHWM.
    """
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    status = Path("/proc/self/status")
    if status.is_file():
        own = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"), re.MULTILINE)
        if own:
            return max(int(own[1]), children) / 1024
    kibi = 1024 if sys.platform == "darwin" else 1  # macOS counts bytes
    return max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, children) / kibi / 1024
