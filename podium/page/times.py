"""Figures of time, of machines and of a hold-out: what a run's records say when the page is drawn.

None of it is the same in a second run, so it stands between marks and ``without`` takes it out.
"""

import math
import re
from pathlib import Path
from typing import Any, TypeGuard

import pandas as pd

from podium import benchmarks
from podium.encoder_shape import TRAIN, shape_of
from podium.files import read_json
from podium.page.html import Html, join

BEGIN, END = "<!-- figures of time -->", "<!-- end of figures of time -->"
_MARKED = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.S)


def marked(part: Html) -> Html:
    """Put a part of the page between the marks."""
    return join([Html(BEGIN), part, Html(END)])


def without(page: str) -> str:
    """Return a page without its figures of time: two runs of one config agree in it byte for byte."""
    return _MARKED.sub("", page)


def stages(results: Path) -> list[dict[str, Any]]:
    """Return seconds, CPU seconds, jobs and memory by stage, of all that is in ``results/benchmarks``.

    ``cpu`` and ``memory`` (MiB, the greatest of the stage's jobs) are None where no job was long enough.
    """
    return [
        {
            "stage": stage,
            "jobs": len(jobs),
            "seconds": sum(job.seconds for job in jobs),
            "cpu": _sum([job.cpu for job in jobs]),
            "memory": max((job.memory for job in jobs if job.memory is not None), default=None),
        }
        for stage, jobs in benchmarks.by_stage(results).items()
    ]


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def speeds(results: Path) -> list[dict[str, Any]]:
    """Return what each member's training reached: tokens a second, and operations a second of its matrix products.

    Operations are those of ``podium.encoder_shape``, forward and backward; padding and recomputation are not counted.
    They are None where the member's folder holds no encoder of a known form.
    """
    logs, found = results / "logs", []
    folders = sorted(
        {path.parent.parent for path in logs.glob("train/*/*/round*/fold*.steps.csv")}
        | {path.parent.parent for path in logs.glob("joint/*/round*/fold*.steps.csv")}
    )
    for folder in folders:
        tables = [
            table for table in map(_steps, sorted(folder.glob("round*/fold*.steps.csv"))) if table is not None
        ]
        if not tables:
            continue
        steps = pd.concat(tables)
        seconds, tokens = float(steps["seconds"].sum()), float(steps["tokens"].sum())
        if seconds <= 0:
            continue
        place = results / folder.relative_to(logs)
        each = _operations(place, tokens / max(1.0, float(steps["rows"].sum())))
        found.append(
            {
                "member": "/".join(folder.relative_to(logs).parts[1:]),
                "steps": len(steps),
                "tokens": tokens,
                "seconds": seconds,
                "tokens_per_second": tokens / seconds,
                "operations_per_second": None if each is None else each * tokens / seconds,
            }
        )
    return found


def _steps(path: Path) -> pd.DataFrame | None:
    try:
        return pd.read_csv(path)[["rows", "tokens", "seconds"]].astype("float64").dropna()
    except (OSError, ValueError, LookupError):
        return None


def _operations(member: Path, length: float) -> float | None:
    """Operations of one token in training, in a text of ``length`` tokens."""
    path = next(iter(sorted(member.glob("round*/fold*/model/encoder"))), None)
    shape = shape_of(None if path is None else str(path))
    return 1e9 * TRAIN * shape.gflop(1, length) if shape.known else None


def peak(results: Path) -> dict[str, Any] | None:
    """What ``python -m podium peak`` measured of this machine; None where it did not, or in another form."""
    found = _json(results / "benchmarks/peak.json")
    if found is None or not isinstance(found.get("device"), str):
        return None
    speed = found.get("operations_per_second")
    return found if _is_number(speed) and speed > 0 else None


_CHECKED = ("reported_cv", "true_score", "true_se", "n", "difference", "expected_low", "expected_high")


def holdout(results: Path, task: str, cv: float) -> dict[str, Any] | None:
    """The check against true labels, if it is of this score (``cv``); ``task`` is "" where the run has one alone.

    None, too, where the file has another form: another version may have written it.
    """
    found = _json(results / "check_holdout" / (f"report/{task}.json" if task else "report.json"))
    if found is None or not all(_is_number(found.get(key)) for key in _CHECKED):
        return None
    away = found.get("standard_errors", "")
    if not isinstance(found.get("inside"), bool) or not (away is None or _is_number(away)):
        return None
    return found if abs(found["reported_cv"] - cv) < 1e-5 * max(1, abs(cv)) else None


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
