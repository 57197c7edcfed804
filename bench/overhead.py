"""How much of the default run is Snakemake, imports and files instead of work.

The default competition runs in a fresh copy with its data fetched before. Capacity is wall time times cores. Each job's
log says how long it took and how much of that went into imports (from the start of the process) and files; a job
weighs as many cores as it has threads. What no job used is Snakemake itself: its start, its planning, starting
processes, and cores that stood idle because nothing could run beside the last jobs.
"""

import re
import tempfile
from pathlib import Path

from bench.common import arguments, clone, show, snakemake

LINE = re.compile(r"done: threads (\d+), total ([\d.]+) s, imports ([\d.]+) s, files ([\d.]+) s")
FETCHED = ["fetch_reuters_r8", "fetch_minilm", "fetch_wordnet"]


def main() -> None:
    """Measure and print."""
    given = arguments(__doc__.splitlines()[0], cores={"type": int, "default": 2})
    with tempfile.TemporaryDirectory(prefix="podium-bench-") as scratch:
        folder = clone(Path(scratch), quick=given.quick)
        snakemake(folder, *FETCHED, cores=given.cores)
        wall = snakemake(folder, "all", cores=given.cores)
        jobs = _jobs(folder / "results/logs")
    capacity = wall * given.cores
    used = sum(threads * total for threads, total, _, _ in jobs)
    imports = sum(threads * seconds for threads, _, seconds, _ in jobs)
    files = sum(threads * seconds for threads, _, _, seconds in jobs)
    parts = {
        "work": used - imports - files,
        "imports": imports,
        "files": files,
        "snakemake and idle": capacity - used,
    }
    rows = [
        {"part": name, "core-seconds": value, "share %": 100 * value / capacity}
        for name, value in parts.items()
    ]
    overhead = 1 - parts["work"] / capacity
    result = {
        "wall_seconds": wall,
        "cores": given.cores,
        "jobs": len(jobs),
        "core_seconds": parts,
        "overhead": overhead,
    }
    show(rows, result, given.json)
    print(f"\n{len(jobs)} jobs, {wall:.0f} s on {given.cores} cores; overhead {100 * overhead:.1f}%")


def _jobs(logs: Path) -> list[tuple[int, float, float, float]]:
    """Threads, total, imports and files of each job of the run."""
    found = []
    for path in sorted(logs.rglob("*.log")):
        match = LINE.search(path.read_text(encoding="utf-8"))
        if match and path.relative_to(logs).parts[0] != "fetch":
            found.append((int(match[1]), float(match[2]), float(match[3]), float(match[4])))
    return found


if __name__ == "__main__":
    main()
