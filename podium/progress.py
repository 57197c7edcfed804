"""What a job says of itself while it runs, in a small file for ``python -m podium watch``.

The files lie in the run's own folder, not among the results: nothing of them is the same in a second run. A process
that was given none (tests, a person's own script) says nothing, and a disk that takes no more stops no job.
"""

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

FOLDER = Path(".snakemake/podium/jobs")
"""Where the notes of a run's jobs lie, below the folder that it runs in."""

EVERY_SECONDS = 2.0


def note_of(folder: Path, name: str) -> Path:
    """The file of the job that is called ``name`` (the path of its log)."""
    return folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"


class Note:
    """The file of one job, replaced as a whole with each change."""

    def __init__(self, path: Path, every_seconds: float) -> None:
        self._path, self._every = path, every_seconds
        self._facts: dict[str, Any] = {}
        self._last, self._tokens = 0.0, 0
        self._before, self._seen = 0, 0  # steps that were there already, and the last one

    def tell(self, **facts: Any) -> None:
        """Add some facts, or change them."""
        self._facts |= facts
        temporary = self._path.with_name(f".{self._path.name}.part")
        try:
            temporary.write_text(json.dumps(self._facts), encoding="utf-8")
            temporary.replace(self._path)
        except OSError as error:
            log.warning("no progress can be shown: %s", error.strerror or error)
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            self._every = float("inf")

    def step(self, row: Mapping[str, Any], of: int, epochs: float) -> None:
        """Tell of a training step, at most every few seconds: only then is the loss asked from the device."""
        now, done = time.monotonic(), int(row["step"]) + 1
        if not self._last or done <= self._seen:  # a killed training goes on, or the job's next one begins
            self._before = done - 1
        self._seen = done
        if not self._last:  # the first step only starts the clock
            self._last = now
            return
        self._tokens += int(row["tokens"])
        if (seconds := now - self._last) < self._every:
            return
        told = {
            "done": done,
            "before": self._before,
            "of": of,
            "epoch": int(row["epoch"]) + 1,
            "epochs": epochs,
            "at": time.time(),
        }
        self.tell(progress={**told, "loss": float(row["loss"]), "tokens_per_second": self._tokens / seconds})
        self._last, self._tokens = now, 0


_notes: list[Note] = []  # of this process: one, or none


def begin(path: Path, **facts: Any) -> None:
    """Let this process tell of its job in ``path``."""
    _notes[:] = [Note(path, EVERY_SECONDS)]
    tell(state="running", started=time.time(), host=os.uname().nodename, **facts)


def tell(**facts: Any) -> None:
    """Add some facts of the job."""
    for note in _notes:
        note.tell(**facts)


def step(row: Mapping[str, Any], *, of: int, epochs: float) -> None:
    """Tell of the training step with this ``row`` of the learning curve (``step``, ``epoch``, ``tokens``, ``loss``).

    ``of`` is the number of steps of the whole training, ``epochs`` that of its epochs.
    """
    for note in _notes:
        note.step(row, of, epochs)


def end(state: str, error: str | None = None) -> None:
    """Say how the job ended: ``done``, ``stopped`` by the user, or ``failed``, with one line of why."""
    tell(state=state, ended=time.time(), error=error)
    _notes.clear()
