"""K folds on one machine: one process with all threads, or one process with one thread for each core.

As a part of ``bench.training``. Workers warm up, wait for each other, then train at the same time; throughput is wall
time, so that the machine must be otherwise idle. Where tcmalloc is found, each way is measured with it, too.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from bench import data_sets
from bench.baselines import Setting
from bench.common import ROOT, show
from bench.engine import Podium, draw

TCMALLOC = "libtcmalloc*.so*"
FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/opt")


def measure(given: Any) -> dict[str, Any]:
    """Measure every way of using the cores, in turns, and print the table."""
    cores = len(os.sched_getaffinity(0))
    found = tcmalloc()
    if found is None:
        print("tcmalloc is not installed: measured without it only (Debian: libtcmalloc-minimal4)")
    ways = [
        (processes, threads, preload)
        for processes, threads in ((1, cores), (cores, 1))
        for preload in ([None, found] if found else [None])
    ]
    rounds, pool = (2, 64) if given.quick else (5, 512)
    length = min(given.lengths)
    rates: dict[Any, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            work = {
                "data": given.data,
                "encoder": str(given.encoder or data_sets.encoder()),
                "length": length,
                "pool": pool,
                "threads": way[1],
            }
            rates[way].append(throughput(work, processes=way[0], preload=way[2]))
    table = [
        {
            "processes": processes,
            "threads each": threads,
            "allocator": "tcmalloc" if preload else "libc",
            "samples / s": statistics.median(rates[processes, threads, preload]),
            "relative": statistics.median(
                mine / base
                for mine, base in zip(rates[processes, threads, preload], rates[ways[0]], strict=True)
            ),
        }
        for processes, threads, preload in ways
    ]
    print(f"folds, {given.data}, max_length {length}, {cores} cores")
    show(table, {}, None)
    return {"max_length": length, "cores": cores, "ways": table}


def tcmalloc() -> str | None:
    """Path of the tcmalloc library, the minimal one first."""
    paths = [path for folder in FOLDERS for path in Path(folder).glob(f"**/{TCMALLOC}") if path.is_file()]
    usable = [path for path in paths if path.name.startswith(("libtcmalloc_minimal.so", "libtcmalloc.so"))]
    return (
        str(
            min(
                usable,
                key=lambda path: (".so" in path.name and "minimal" not in path.name, path.name),
                default="",
            )
        )
        or None
    )


def throughput(work: dict[str, Any], *, processes: int, preload: str | None) -> float:
    """Samples per second of ``processes`` workers that train at the same time."""
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(work["threads"])}
    if preload:
        environment["LD_PRELOAD"] = preload
    command = [sys.executable, "-m", "bench.training_folds", json.dumps(work)]
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(processes)
        ]
        for worker in workers:
            _said(worker, "ready")
        started = time.perf_counter()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in workers:
            _said(worker, "done")
        seconds = time.perf_counter() - started
    return processes * float(work["pool"]) / seconds


def _said(worker: "subprocess.Popen[str]", word: str) -> None:
    assert worker.stdout is not None
    if worker.stdout.readline().strip() != word:
        raise SystemExit("bench: a worker failed; its message stands above")


def work_alone(work: dict[str, Any]) -> None:
    """One worker: warm up, say so, wait for a line, train."""
    data = data_sets.load(work["data"])
    setting = Setting(Path(work["encoder"]), len(data.labels), work["length"], 32, work["threads"])
    podium, generator = Podium(setting), np.random.default_rng(0)
    podium.train(draw(data, work["pool"], generator))
    rows = draw(data, work["pool"], generator)
    print("ready", flush=True)
    sys.stdin.readline()
    podium.train(rows)
    print("done", flush=True)


if __name__ == "__main__":
    work_alone(json.loads(sys.argv[1]))
