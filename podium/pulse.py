"""How a job on another machine hears that the run that started it is over.

The run's main process rewrites one small file in the run's folder every few seconds. A job elsewhere reads it through
the shared file system: another run's mark ends the job at once, a mark that no longer changes ends it after a while.
Only changes count and only the reader's own clock, so that machines need not agree about the time.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from podium.errors import UserError
from podium.files import write_text

log = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
QUIET_SECONDS = 180.0  # a file server may hang for a minute or two without anybody having died


class Pulse:
    """The mark of the run in ``folder``; its ``token`` tells the run from all others."""

    def __init__(self, folder: Path, *, beat: float) -> None:
        self._path, self._beat, self.token = _path(folder), beat, uuid.uuid4().hex
        self._stopped, self._thread = threading.Event(), threading.Thread(target=self._run, daemon=True)

    def left(self) -> bool:
        """Whether a run that used other machines was killed here: its mark is there."""
        return self._path.exists()

    def start(self) -> None:
        """Begin; raise ``UserError`` where another run's mark still changes.

        A mark that a killed run left behind is watched first, and the jobs of that run get time to see the new one: a
        few beats in all, in that case alone.
        """
        last = read(self._path)
        if last is not None:
            time.sleep(2 * self._beat)
            if read(self._path) not in (last, None):
                raise UserError(
                    "a run on another machine is working in this folder; wait for it, or stop it first"
                )
        self._write(0)
        if last is not None:
            time.sleep(2 * self._beat)
        self._thread.start()

    def stop(self) -> None:
        """End, and take the mark away; nothing where it was never begun."""
        if not self._thread.is_alive():
            return
        self._stopped.set()
        self._thread.join()
        self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        beats = 0
        while not self._stopped.wait(self._beat):
            beats += 1
            try:
                self._write(beats)
            except OSError as error:  # a full disk, say, which is the jobs' own trouble
                log.warning("the run's mark cannot be written: %s", error)

    def _write(self, beats: int) -> None:
        write_text(f"{self.token} {beats}\n", self._path)


def read(path: Path) -> str | None:
    """What the mark says; None where there is none, or none that can be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None


def watch(folder: Path, token: str, end: Callable[[], None], *, beat: float, quiet: float) -> None:
    """Call ``end`` as soon as the run ``token`` is over: another one's mark, or no change for ``quiet`` seconds."""
    last, since = read(_path(folder)), time.monotonic()
    while True:
        if last is not None and last.split()[:1] not in ([], [token]):
            break
        if time.monotonic() - since > quiet:
            break
        time.sleep(beat / 2)
        now = read(_path(folder))
        if now is not None and now != last:
            last, since = now, time.monotonic()
    end()


def _path(folder: Path) -> Path:
    return folder / ".snakemake" / "podium_pulse.txt"
