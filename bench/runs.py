"""Many training runs: each in a process of its own, several at a time, finished ones kept in a file.

The file has one JSON line a finished run, ``{"key": .., "spec": .., "result": ..}``. A measurement that was stopped and
is started again with the same file does only what is missing; runs of another specification are left aside.
"""

import hashlib
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from podium.errors import UserError, shown

Spec = dict[str, Any]


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the process with a user's mistake in one line instead of a traceback."""
    try:
        yield
    except UserError as error:
        sys.exit(shown(error))


def key_of(spec: Spec) -> str:
    """Digest of a run's plain values."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]


def finished(file: Path | None) -> dict[str, Any]:
    """Results in ``file`` by key; a line cut short by a kill is ignored."""
    found = {}
    if file is not None and file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            found[record["key"]] = record["result"]
    return found


def run_all(
    specs: Iterable[Spec], work: Callable[[Spec], Any], file: Path | None, *, jobs: int
) -> list[tuple[Spec, Any]]:
    """Return each spec with the result of ``work(spec)``, a function that a new process can import.

    ``jobs`` processes run side by side, each with one thread; results are appended to ``file`` as they come. A run that
    ends with a ``UserError`` is told and left out.
    """
    wanted = list(specs)
    known = finished(file)
    missing = [spec for spec in wanted if key_of(spec) not in known]
    print(f"{len(wanted)} runs, {len(wanted) - len(missing)} of them finished before", file=sys.stderr)
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "PASSIVE"
    )  # inherited by the processes, before any library starts
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, max_tasks_per_child=1) as pool:
        running = {pool.submit(work, spec): spec for spec in missing}
        try:
            for done in as_completed(running):
                spec = running[done]
                try:
                    result = done.result()
                except UserError as error:
                    print(f"  failed: {json.dumps(spec)}: {error}", file=sys.stderr)
                    continue
                known[key_of(spec)] = result
                _append(file, {"key": key_of(spec), "spec": spec, "result": result})
                print(f"  {json.dumps(spec)}: {json.dumps(result)}", file=sys.stderr)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [(spec, known[key_of(spec)]) for spec in wanted if key_of(spec) in known]


def _append(file: Path | None, record: dict[str, Any]) -> None:
    if file is None:
        return
    cut = file.is_file() and not file.read_bytes().endswith(b"\n")  # by a kill
    with file.open("a", encoding="utf-8") as lines:
        lines.write("\n" * cut + json.dumps(record) + "\n")


def mean_and_error(values: Iterable[float]) -> tuple[float, float]:
    """Mean and its standard error; the error of a single value is not a number."""
    array = np.array(list(values), dtype=float)
    error = float(array.std(ddof=1) / len(array) ** 0.5) if len(array) > 1 else float("nan")
    return float(array.mean()), error
