"""What a run leaves of itself: a record of each in ``results/logs/runs/``, and the config of the results as they are.

A record says when a run began and ended, what was asked for, the effective config, and the versions of Python and the
libraries; it is kept with the logs, outside the promise of equal bytes. ``results/config.yaml`` is the effective config
of the last run that made everything and ended well: a dry run, or one that failed or was killed, or one that was asked
for parts, leaves it as it was. No rule reads or makes any of these files, so that they never make a result old.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from podium.files import read_json, write_json, write_text

CONFIG = "config.yaml"
FOLDER = "logs/runs"
WHOLE = frozenset(["all", "report", "results/report/summary.txt"])
"""Targets that every result which tells of the others is made for: submission, scores and summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run's record.

    ``started``, ``ended`` are seconds since 1970 (``ended`` None: it was killed, or goes on); ``ok`` says whether it
    ended well, ``whole`` whether it was asked for everything. ``versions`` holds names and versions of Python, the
    system and the libraries.
    """

    started: float
    ended: float | None
    ok: bool
    whole: bool
    targets: list[str]
    config_files: list[str]
    config: dict[str, Any]
    versions: dict[str, str]


def begin(
    results: Path,
    *,
    started: float,
    targets: Sequence[str],
    partial: bool,
    config_files: Sequence[str],
    config: Mapping[str, Any],
    versions: Mapping[str, str],
) -> Path:
    """Write the record of a run that begins, and return its path.

    ``targets`` may be empty: then everything is asked for, unless ``partial`` says that the run leaves jobs out.
    """
    run = Run(
        started=started,
        ended=None,
        ok=False,
        whole=not partial and (not targets or bool(WHOLE & set(targets))),
        targets=sorted(targets),
        config_files=list(config_files),
        config=dict(config),
        versions=dict(versions),
    )
    path = results / FOLDER / f"{datetime.fromtimestamp(started, UTC):%Y%m%dT%H%M%S.%f}.json"
    write_json(asdict(run), path)
    return path


def end(path: Path, *, ended: float, ok: bool) -> None:
    """Note in the record how the run ended; the config of a whole run that ended well is that of the results."""
    record = {**read_json(path), "ended": ended, "ok": ok}
    write_json(record, path)
    if ok and record["whole"]:
        write_text(as_yaml(record["config"]), path.parents[2] / CONFIG)


def as_yaml(config: Mapping[str, Any]) -> str:
    """An effective config as YAML."""
    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)


def read_all(results: Path) -> list[Run]:
    """The records of all runs, in the order in which they began; what cannot be read is left out."""
    found = []
    for path in sorted((results / FOLDER).glob("*.json")):
        try:
            found.append(Run(**read_json(path)))
        except (OSError, ValueError, TypeError):
            continue
    return sorted(found, key=lambda run: run.started)


def at(runs: Sequence[Run], moment: float) -> Run | None:
    """The run that was going on at a moment: the last that had begun; None where none had."""
    return next((run for run in reversed(runs) if run.started <= moment), None)


def versions_of(names: Sequence[str]) -> dict[str, str]:
    """Versions of Python, of the system and of the libraries ``names``; one that is not installed is left out."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
