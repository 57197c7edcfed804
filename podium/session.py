"""One run at a time in a folder, and jobs that end with the run that started them.

The lock is the operating system's: it goes when its process ends, however that ends, so that a killed run never
needs an ``--unlock`` before the next one.
"""

import os
import threading
import time
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from podium.errors import UserError

MAIN_PROCESS = "PODIUM_MAIN"  # name of an environment variable: "<pid>:<start time>" of the main process
POLL_SECONDS = 0.5


class RunLock:
    """Exclusive right to run in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._lock = FileLock(folder / ".snakemake" / "podium.lock", is_singleton=False)

    def acquire(self) -> None:
        """Take the lock for the rest of this process; raise ``UserError`` when another run has it."""
        Path(self._lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=2 * POLL_SECONDS)
        except Timeout as error:
            raise UserError("another run is working in this folder; wait for it, or stop it first") from error


def this_process() -> str:
    """The value of ``MAIN_PROCESS`` for this process."""
    return f"{os.getpid()}:{psutil.Process().create_time():.0f}"


def die_with(main_process: str) -> None:
    """End this process soon after the main process, even if that was killed with -9.

    Without this an orphan would go on writing while the next run has begun. A job on another machine (cluster
    executors) does not find the main process at all and is left alone.
    """
    if not main_process or not alive(main_process):
        return

    def watch() -> None:
        while alive(main_process):
            time.sleep(POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def alive(main_process: str) -> bool:
    """Whether the process that ``this_process`` described still runs."""
    pid, _, started = main_process.partition(":")
    try:
        process = psutil.Process(int(pid))
        return f"{process.create_time():.0f}" == started and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):
        return False
