"""Seconds and peak memory of ensembles: 12 members of 100,000 rows, and 30 members of 1,000,000 rows, 40 classes each.

Every figure is of cross-fitting over five folds with the fit on all rows, measured in a process of its own. The large
case begins with the members' Parquet tables, as the workflow does; three tables are written and each is read under ten
names, so that the disk holds a tenth (the file that the process makes of them is whole).
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from bench.common import arguments, show
from podium import metrics
from podium.ensemble import cross_fit
from podium.ensembles.loading import HELD, load
from podium.ensembles.methods import build
from podium.ensembles.predictions import Known, Memory, Predictions, Source

CLASSES, FOLDS, DIFFERENT = 40, 5, 3
CHUNK = 50_000
GREEDY: dict[str, Any] = {
    **{"kind": "blend", "weights": None, "search": "greedy", "objective": "metric", "steps": 50},
    **{"best_first": False, "bags": 1, "share": 0.5, "seed": 0},
}
SIMPLEX: dict[str, Any] = {"kind": "blend", "weights": None, "search": "simplex", "objective": "loss"}
METHODS: dict[str, dict[str, Any]] = {
    "mean": {"kind": "mean", "average": "arithmetic"},
    "rank mean": {"kind": "mean", "average": "rank"},
    "vote": {"kind": "vote", "weights": None, "weighting": "equal"},
    "blend greedy": GREEDY,
    "blend simplex, loss": SIMPLEX,
    "blend simplex, metric": {**SIMPLEX, "objective": "metric"},
}
SMALL = [
    *("mean", "rank mean", "vote", "blend greedy"),
    *("blend simplex, loss", "blend simplex, metric"),
]
LARGE = ["mean", "blend simplex, loss"]


def main() -> None:
    """Measure and print."""
    given = arguments(__doc__.splitlines()[0], child={"help": "one measurement (JSON), for the processes"})
    if given.child:
        print(json.dumps(measure(**json.loads(given.child))))
        return
    small, large = (2_000, 20_000) if given.quick else (100_000, 1_000_000)
    found = [_child(methods=[name], members=12, rows=small, folder=None) for name in SMALL]
    with tempfile.TemporaryDirectory(prefix="podium-bench-") as folder:
        write(Path(folder), large)
        found += [
            _child(methods=LARGE, members=30, rows=large, folder=folder, held=0 if given.quick else HELD)
        ]
    rows = [row for part in found for row in part]
    show(rows, {"rows": rows}, given.json)


def _child(**case: Any) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "bench.ensembles", "--child", json.dumps(case)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: a measurement failed\n{done.stderr[-3000:]}")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def measure(
    *, methods: list[str], members: int, rows: int, folder: str | None, held: int = HELD
) -> list[dict[str, Any]]:
    """Cross-fit some methods on the same predictions; the peak of memory grows from one to the next."""
    truth, names = truths(rows), [f"m{member}" for member in range(members)]
    with threadpool_limits(2):
        started, cpu = time.perf_counter(), time.process_time()
        source = _source(members, rows, truth) if folder is None else _load(Path(folder), names, rows, held)
        found = []
        if folder is not None:
            found.append(_row("read the tables", members, rows, started, cpu))
        given = Predictions(source, "single_label")
        known = Known.of(given, truth, np.arange(rows) % FOLDS)
        for name in methods:
            method = build(name, METHODS[name], members=names, metric="accuracy", type="single_label")
            started, cpu = time.perf_counter(), time.process_time()
            fitted = cross_fit(name, method, known)
            row = _row(name, members, rows, started, cpu)
            value = metrics.value("accuracy", truth, None, fitted.oof, classes=CLASSES)
            found.append({**row, "accuracy": value})
    return found


def _row(what: str, members: int, rows: int, started: float, cpu: float) -> dict[str, Any]:
    return {
        **{"what": what, "members": members, "rows": rows},
        "seconds": time.perf_counter() - started,
        "CPU-seconds": time.process_time() - cpu,
        "predictions GB": members * rows * CLASSES * 4 / 1e9,
        "peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        "accuracy": "",
    }


def truths(rows: int) -> np.ndarray:
    """Classes (N,) of unequal shares."""
    shares = 1 / np.arange(1, CLASSES + 1) ** 0.7
    return np.random.default_rng(0).choice(CLASSES, size=rows, p=shares / shares.sum())


def member(truth: np.ndarray, number: int, chunk: int) -> np.ndarray:
    """Probabilities (n, K) float32 of a member that errs in part with the others."""
    shared = np.random.default_rng(chunk).standard_normal((len(truth), CLASSES), dtype=np.float32)
    own = np.random.default_rng((chunk, number)).standard_normal((len(truth), CLASSES), dtype=np.float32)
    logits = 1.2 * shared + own
    logits[np.arange(len(truth)), truth] += 3 + 0.1 * (number % 10)
    np.exp(1.5 * logits, out=logits)
    return np.asarray(logits / logits.sum(axis=1, keepdims=True), dtype=np.float32)


def _source(members: int, rows: int, truth: np.ndarray) -> Source:
    stacked = np.empty((members, rows, CLASSES))
    for start in range(0, rows, CHUNK):
        for number in range(members):
            stacked[number, start : start + CHUNK] = member(truth[start : start + CHUNK], number, start)
    return Memory(stacked)


def write(folder: Path, rows: int) -> None:
    """Write the tables of a few members, as the workflow does."""
    truth = truths(rows)
    columns = [f"p:{k}" for k in range(CLASSES)]
    for number in range(DIFFERENT):
        writer = None
        for start in range(0, rows, CHUNK):
            part = truth[start : start + CHUNK]
            proba = member(part, number, start)
            table = pa.table(
                {
                    "id": [str(row) for row in range(start, start + len(part))],
                    **{column: proba[:, k] for k, column in enumerate(columns)},
                }
            )
            writer = writer or pq.ParquetWriter(
                folder / f"{number}.parquet", table.schema, compression="zstd"
            )
            writer.write_table(table)
        assert writer is not None
        writer.close()


def _load(folder: Path, names: list[str], rows: int, held: int) -> Source:
    paths = [folder / f"{number % DIFFERENT}.parquet" for number in range(len(names))]
    ids = pd.Series([str(row) for row in range(rows)], dtype="str")
    labels = [str(k) for k in range(CLASSES)]
    return load(paths, ids, labels, "single_label", members=names, scratch=folder, held=held)


if __name__ == "__main__":
    main()
