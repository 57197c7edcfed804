"""What a run writes of itself for those who watch it: its list of jobs at the start, and how it ended.

The files lie in the folder that Snakemake keeps its own records in. Jobs add notes of their own (``podium.progress``).
"""

import dataclasses
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from podium import guard, progress
from podium.files import read_json, write_json
from podium.forecast.jobs import Job, from_plain, plain

_RUN, _END = "run.json", "end.json"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as it wrote of itself.

    ``started`` and ``ended`` are seconds since 1970, ``ok`` and ``ended`` None until the end. ``open``: a job's result
    decides on further jobs. ``config`` is the run's as Snakemake had it; ``notes`` are those of the jobs, by name.
    """

    process: str
    host: str
    started: float
    cores: int
    gpus: int | None
    jobs: list[Job]
    open: bool
    config: dict[str, Any]
    notes: dict[str, dict[str, Any]]
    ended: float | None
    ok: bool | None
    log: str | None

    @property
    def here(self) -> bool:
        """Whether it runs on this machine, where its processes can be looked at."""
        return self.host == os.uname().nodename


def _folder(root: Path) -> Path:
    return (root / progress.FOLDER).parent


def begin(
    root: Path, jobs: Sequence[Job], *, cores: int, gpus: int | None, open: bool, config: Mapping[str, Any]
) -> None:
    """Write the list of a run's jobs, in place of what an earlier run left; ``root`` is the folder that it runs in."""
    folder = _folder(root)
    shutil.rmtree(folder, ignore_errors=True)
    (root / progress.FOLDER).mkdir(parents=True)
    told = {"process": guard.this_process(), "host": os.uname().nodename, "started": time.time()}
    told |= {"cores": cores, "gpus": gpus, "open": open, "config": dict(config), "jobs": plain(jobs)}
    write_json(told, folder / _RUN)


def end(root: Path, *, ok: bool, log: str | None) -> None:
    """Write how the run ended; ``log`` is Snakemake's own of the run."""
    if (_folder(root) / _RUN).is_file():
        write_json({"ended": time.time(), "ok": ok, "log": log}, _folder(root) / _END)


def read(root: Path) -> Run | None:
    """Read what the last run in the folder ``root`` wrote; None where there was none, or it has only just begun."""
    folder = _folder(root)
    try:
        told = read_json(folder / _RUN)
        done = read_json(folder / _END) if (folder / _END).is_file() else {}
    except (OSError, ValueError):
        return None
    notes = {}
    for path in sorted((root / progress.FOLDER).glob("[!.]*.json")):
        try:
            note = read_json(path)
            notes[note["log"]] = note
        except (OSError, ValueError, LookupError, TypeError):  # being written, or taken away by a new run
            continue
    last = {key: done.get(key) for key in ("ended", "ok", "log")}
    try:
        whole: dict[str, Any] = {**told, **last, "jobs": from_plain(told["jobs"]), "notes": notes}
        return Run(**whole)
    except (LookupError, TypeError):  # of another version of Podium
        return None
