"""One run at a time in a folder, and jobs that end with the run that started them.

The lock is the operating system's: it goes when its process ends, however that ends, so that a killed run never
needs an ``--unlock`` before the next one.
"""

import logging
import os
import platform
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from podium import mishaps, pulse
from podium.errors import UserError
from podium.files import write_text

log = logging.getLogger(__name__)

MAIN_PROCESS = "PODIUM_MAIN"  # name of an environment variable: ``this_process`` of the main process
OWNER = "competition.txt"  # in the results: whose they are
PULSE = "PODIUM_PULSE"  # the same of the main process's mark in the run's folder, see ``podium.pulse``
POLL_SECONDS = 0.5


class Mistakes:
    """The users' mistakes that jobs of this run met, for the last words of the run."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / ".snakemake" / "podium_mistakes.txt"

    def clear(self) -> None:
        """Forget those of an earlier run."""
        self._file.unlink(missing_ok=True)

    def add(self, text: str) -> None:
        """Note one; each is a few lines at most, so that jobs at the same time do not mix.

        A disk that takes no more, which may be the mistake itself, takes no note; the job tells it all the same.
        """
        if self._file.parent.is_dir():
            with suppress(OSError), self._file.open("a", encoding="utf-8") as lines:
                lines.write(f"{text}\n")

    def all(self) -> list[str]:
        """Each once, in the order they came."""
        if not self._file.is_file():
            return []
        return list(dict.fromkeys(self._file.read_text(encoding="utf-8").splitlines()))


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


def sweep(folder: Path) -> None:
    """Remove what a killed run left of Snakemake's own working files in ``folder``; its lock must be held.

    They are copies of the scripts of jobs that ran, which Snakemake itself removes at the end of each job.
    """
    for path in (folder / ".snakemake" / "scripts").glob("*"):
        if path.is_file():
            path.unlink(missing_ok=True)


def claim(results: Path, competition: str) -> None:
    """Note whose results these are; raise ``UserError`` where they are another competition's."""
    owner = results / OWNER
    if (holder := holder_of(results)) not in (None, competition):
        raise UserError(
            f"{results}/ holds the competition '{holder}', and this config is '{competition}': move {results}/ away, "
            f"or delete {owner} if it is the same competition under another name"
        )
    try:
        write_text(f"{competition}\n", owner)
    except OSError as error:
        raise UserError(mishaps.told(error) or f"{owner} cannot be written ({error})") from error


def holder_of(results: Path) -> str | None:
    """Return the competition whose results these are, None where nobody's; of a damaged name what can be read."""
    owner = results / OWNER
    return owner.read_text(encoding="utf-8", errors="replace").strip() if owner.is_file() else None


def this_process() -> str:
    """The value of ``MAIN_PROCESS`` for this process: its number, its start, its machine."""
    return f"{os.getpid()}:{_started(os.getpid())}:{_machine()}"


def die_with(main_process: str, token: str = "") -> None:
    """End this process soon after the main process, even if that was killed with -9.

    Without this an orphan would go on writing while the next run has begun. A job on another machine, which does not
    see the main process, follows the run's mark with ``token`` in the current folder; without a token it is left alone.
    """

    def end() -> None:
        log.error("the run that started this job is gone, so the job ends")
        os._exit(1)

    def watch() -> None:
        while alive(main_process):
            time.sleep(POLL_SECONDS)
        end()

    folder = Path.cwd()  # the job may go elsewhere later

    def follow() -> None:
        pulse.watch(folder, token, end, beat=pulse.BEAT_SECONDS, quiet=pulse.QUIET_SECONDS)

    if main_process.rpartition(":")[2] == _machine():
        threading.Thread(target=watch, daemon=True).start()
    elif token:
        threading.Thread(target=follow, daemon=True).start()


def alive(main_process: str) -> bool:
    """Whether the process that ``this_process`` described still runs, on this machine."""
    pid, _, started = main_process.rpartition(":")[0].partition(":")
    try:
        return _started(int(pid)) == started and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):
        return False


def _machine() -> str:
    """What sees the same processes: the machine since it started, and where there are containers, the container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return platform.node().replace(":", "-")


def _started(pid: int) -> str:
    """When a process started, in a form that a step of the system's clock does not change where the system has one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return f"{psutil.Process(pid).create_time():.0f}"
