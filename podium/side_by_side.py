"""Work on the parts of a table by several processes, in their order and with few of them in memory."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from podium import guard

#: With fewer rows, starting processes takes longer than the work.
MANY_ROWS = 50_000

Part = TypeVar("Part")
Result = TypeVar("Result")


def side_by_side(
    parts: Iterator[Part], work: Callable[[Part], Result], processes: int
) -> Iterator[tuple[Part, Result]]:
    """Yield the ``parts``, in order, each with what ``work`` makes of it in one of ``processes``.

    ``work`` is a function that another process can import. At most two parts a process are held at a time. With one
    process the work is done in this one.
    """
    if processes < 2:
        yield from ((part, work(part)) for part in parts)
        return
    waiting: deque[tuple[Part, Future[Any]]] = deque()
    with _pool(processes) as pool:
        for part in parts:
            waiting.append((part, pool.submit(work, part)))
            if len(waiting) >= 2 * processes:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Fresh processes (a fork would copy the locks of Arrow's threads) that end with this one, however it ends."""
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        processes, mp_context=spawn, initializer=guard.die_with, initargs=(guard.this_process(),)
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
