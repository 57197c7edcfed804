"""Where a job's seconds go: a process-wide tally that a job's log ends with and ``bench.overhead`` adds up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS: dict[str, float] = {"imports": 0.0, "files": 0.0}
_running: list[str] = []


@contextmanager
def measure(name: str) -> Iterator[None]:
    """Add the block's seconds to ``SECONDS[name]``; inside another measured block they count for that one only."""
    if _running:
        yield
        return
    _running.append(name)
    started = time.perf_counter()
    try:
        yield
    finally:
        SECONDS[name] += time.perf_counter() - started
        _running.pop()
