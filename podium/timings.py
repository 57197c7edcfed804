"""What a run's own records say of its jobs: seconds, tokens a second, rows.

They are looked at where they are; what is missing or cannot be read is None. Nothing of it is the same in a second run,
so that it belongs to no result that must be.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from podium import benchmarks
from podium.files import read_json

COLUMNS = ("fit_seconds", "tokens_per_second", "rows_trained")
"""Columns of the table of scores that are outside the promise of equal bytes."""

Facts = dict[str, float | int | None]
_NOTHING: Facts = dict.fromkeys(COLUMNS)


def of_member(results: Path, place: str, round: str, folds: int) -> Facts:
    """Return the seconds of all of a member's training jobs in a round, tokens a second, and rows of a fold's model.

    ``place`` is the member's folder of models in ``results`` (``train/TASK/MEMBER``, ``joint/MEMBER``), ``round`` is a
    number as text; of other rows of the table nothing is known. Rows are the mean over the folds.
    """
    if not round.isdigit():
        return _NOTHING
    path = f"{place}/round{round}"
    jobs = [f"{path}/fold{fold}" for fold in range(folds)]
    seconds = [_seconds(results / "benchmarks" / f"{job}.tsv") for job in jobs]
    refits = [_seconds(results / "benchmarks" / f"{job}.refit.tsv") for job in jobs]
    rows = [_rows(results / job / "card.json") for job in jobs]
    total = _sum(seconds)
    mean = _sum(rows)
    return {
        "fit_seconds": None if total is None else total + sum(second or 0.0 for second in refits),
        "tokens_per_second": _speed([results / "logs" / f"{job}.steps.csv" for job in jobs]),
        "rows_trained": None if mean is None else int(mean / folds + 0.5),
    }


def beside(rows: pd.DataFrame, results: Path, folds: int, joint: Sequence[str]) -> pd.DataFrame:
    """Return the table of scores with ``COLUMNS``, and ``chosen`` last; ``joint`` are members of several tasks."""
    known = []
    for row in rows.itertuples():
        if row.what == "member":
            place = f"joint/{row.name}" if row.name in joint else f"train/{row.task}/{row.name}"
            known.append(of_member(results, place, str(row.round), folds))
        else:
            job_of = {"ensemble": f"ensemble/{row.task}/{row.name}", "submitted": f"decision/{row.task}"}
            known.append(of_job(results, job_of[str(row.what)]))
    columns = pd.DataFrame(known, index=rows.index).astype({"rows_trained": "Int64"})
    return pd.concat([rows.drop(columns="chosen"), columns.round(2), rows["chosen"]], axis=1)


def of_job(results: Path, job: str) -> Facts:
    """Return the seconds of one job, named by its path in ``results/benchmarks/``."""
    return {**_NOTHING, "fit_seconds": _seconds(results / "benchmarks" / f"{job}.tsv")}


def _seconds(path: Path) -> float | None:
    took = benchmarks.read(path)
    return None if took is None else took.seconds


def _speed(paths: list[Path]) -> float | None:
    """Tokens a second of all training steps that have a time."""
    tokens = seconds = 0.0
    for path in paths:
        try:
            steps = pd.read_csv(path)[["tokens", "seconds"]].astype("float64").dropna()
        except (OSError, ValueError, LookupError):
            continue
        tokens, seconds = tokens + float(steps["tokens"].sum()), seconds + float(steps["seconds"].sum())
    return tokens / seconds if seconds > 0 else None


def _rows(path: Path) -> float | None:
    """Rows that a fold's model was trained on, from its card."""
    try:
        return float(sum(read_json(path)["training_rows"].values()))
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return None


def _sum(values: list[float | None]) -> float | None:
    """The sum where every one is known."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
