"""A run's results as a comparison reads them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from podium import guard, runs
from podium.errors import UserError
from podium.explain.keys import leaves
from podium.explain.places import Places, tasks_of
from podium.files import read_json, read_table
from podium.validation import load
from podium.yamlcheck import read_yaml


@dataclass(frozen=True)
class Results:
    """The results in ``folder``; ``config`` is their effective config, None where it is not known.

    ``noted`` is what must be said of that config.
    """

    folder: Path
    config: dict[str, Any] | None
    noted: list[str]

    @cached_property
    def tasks(self) -> list[str]:
        """Names of the tasks that have rows."""
        return tasks_of(self.folder)

    @cached_property
    def competition(self) -> str | None:
        """The competition's name."""
        return guard.holder_of(self.folder)

    def of(self, task: str) -> Places:
        """The tables of a task."""
        return Places(self.folder, task, self.config or {})

    def table(self, name: str, columns: list[str] | None = None) -> pd.DataFrame | None:
        """A table; None where there is none."""
        path = self.folder / name
        return read_table(path, columns) if path.is_file() else None

    def facts(self) -> dict[str, Any]:
        """``scores.json``; empty where there is none."""
        path = self.folder / "scores.json"
        return dict(read_json(path)) if path.is_file() else {}


def read(folder: Path) -> Results:
    """Read the results in a folder, or in the folder ``results`` of it; ``UserError`` where there are none."""
    place = folder if (folder / "ingest").is_dir() else folder / "results"
    if not (place / "ingest").is_dir():
        raise UserError(f"compare: {folder} holds no results: name a folder that a run has filled")
    config, notes = _config(place)
    return Results(place, config, notes)


def _config(results: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The config of the results, and what is to be said of it."""
    path = results / runs.CONFIG
    all_runs = runs.read_all(results)
    if path.is_file():
        config = _filled(read_yaml(path))
        return config, _later(config, all_runs)
    whole = [run for run in all_runs if run.config]
    if whole:
        return whole[-1].config, ["no whole run has ended: the config is that of the last run"]
    beside = results.parent / "config.yaml"
    if beside.is_file():
        found = _filled(read_yaml(beside))
        if set(found.get("tasks", {})) == set(tasks_of(results)):
            return found, [f"no run noted its config: it is {beside} as it is now, which may have changed"]
    return None, ["its config is not known: it was made before runs noted theirs"]


def _filled(raw: dict[str, Any]) -> dict[str, Any]:
    """A config with every default; as it stands where it is no valid one any more."""
    try:
        return load(raw).model_dump()
    except UserError:
        return raw


def _later(config: dict[str, Any], all_runs: list[runs.Run]) -> list[str]:
    """What to say of runs after the last whole one that had another config: parts of the results are theirs."""
    ended = [run.started for run in all_runs if run.whole and run.ok]
    later = [run for run in all_runs if run.started > max(ended, default=0) and not (run.whole and run.ok)]
    own = dict(leaves(config, ""))
    others = [dict(leaves(_filled(run.config), "")) for run in later]
    keys = sorted({key for other in others for key in _apart(own, other)})
    if not keys:
        return []
    named = ", ".join(keys[:4]) + (f" and {len(keys) - 4} more" if len(keys) > 4 else "")
    return [
        f"a later run with another config ({named}) made parts or did not end: some results may be its own"
    ]


def _apart(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The keys that differ."""
    missing = object()
    return [key for key in {**one, **other} if one.get(key, missing) != other.get(key, missing)]
