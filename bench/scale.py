"""What each stage takes on 10,000, 100,000 and 1,000,000 rows of 40 classes: CPU time, memory, growth.

    python -m bench.scale --cores 2 --folder /big/scale --json scale.json                 # all three sizes
    python -m bench.scale --rows 10000 100000 --cores 2 --folder /big/scale --json scale.json

The rows are made (``bench.scale_data``). The workflow runs whole in a copy, one number of rows after the other:
ingest, a raw and a cleaned view, folds with near-duplicates, nested noise, linear and LightGBM members, mean, blend and
the best of them, decision for macro F1, adversarial validation, scores, submission, report and page. Stopped, the same
command goes on: a finished size is in the file of ``--json``, and of an unfinished one the finished jobs are in
``--folder``.

A job is a copy of a process that has imported everything (``bench/warm.py``). Its CPU seconds and its peak of memory
are those that the end of its log tells, which the operating system counted: Snakemake's tables look too seldom. A
rule's CPU seconds are those of all its jobs together, without imports, the cost of a start that no row has a part in;
its memory is that of its largest job, the imported libraries in it (some 400 MiB).

Between two sizes a rule's time grows as rows to the power of its exponent: log(time ratio) / log(rows ratio), shown
where the smaller size took 0.2 CPU seconds or more: below that, opening files is what is measured. Work of n log n has
1.10 between 10,000 and 100,000 rows and 1.08 between 100,000 and 1,000,000. A solver that stops when it is accurate
enough needs more iterations where the rows are more; that shows, too.
"""

import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from bench import scale_data
from bench.common import PARTS, ROOT, arguments, copy_workflow, show
from bench.runs import plain_errors, run_all
from podium.errors import UserError

SIZES = [10_000, 100_000, 1_000_000]
QUICK = [2_000, 6_000]
SHORT = 0.2
"""CPU seconds below which a time says nothing of growth."""
VERSION = 1
FOLDER, CORES = "PODIUM_SCALE_FOLDER", "PODIUM_SCALE_CORES"
COST = re.compile(r"done: .*CPU ([\d.]+) s, memory (\d+) MiB")
DONE = re.compile(r"^(\d+) of (\d+) steps", re.MULTILINE)
CONFIG: dict[str, Any] = {
    "competition": "scale",
    "seed": 7,
    "tasks": {
        "topic": {
            "type": "single_label",
            **{name: f"data/scale/{name}.csv" for name in ("train", "test")},
            "sample": "data/scale/sample_submission.csv",
            "id": "id",
            "text": ["text"],
            "target": "label",
            "metric": "macro_f1",
        }
    },
    "text": {"views": {"raw": [], "clean": ["nfkc", "emoji", "urls", "mentions", "lowercase", "whitespace"]}},
    "folds": {"n": 3, "near_duplicates": 0.8},
    "noise": {"inner_folds": 2, "max_share": 0.05},
    "models": {
        "linear": {
            "kind": "linear",
            "view": "clean",
            "noise": "prune",
            "tfidf": {"word_ngrams": [1, 2], "char_ngrams": None},
            "max_iter": 100,
        },
        "lightgbm": {"kind": "lightgbm", "view": "raw", "noise": "prune", "trees": 20, "svd": 50},
    },
    "pseudo": {"rounds": 0},
    "ensemble": {"methods": ["mean", "blend"], "submit": "best"},
}
"""Trees are few and character n-grams left out, so that a million rows take hours and not days on two cores."""


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        rows={"type": int, "nargs": "+", "help": f"training rows; default: {SIZES}"},
        cores={"type": int, "default": 2},
        folder={"type": Path, "help": "where the copies are made, kept afterwards; default: a temporary one"},
    )
    sizes = sorted(given.rows or (QUICK if given.quick else SIZES))
    with plain_errors(), tempfile.TemporaryDirectory(prefix="podium-scale-") as temporary:
        folder = Path(given.folder or temporary).resolve()
        # Not in the specs: a size that was measured elsewhere, or on more cores, is measured
        os.environ |= {FOLDER: str(folder), CORES: str(given.cores)}
        code = hashlib.sha256(json.dumps(CONFIG).encode()).hexdigest()[:8]
        found: list[dict[str, Any]] = []
        for rows in sizes:
            spec = {"version": VERSION, "config": code, "rows": rows}
            done = run_all([spec], measured, given.json, jobs=1)
            if not done:  # nothing larger will do better
                break
            found.append(done[0][1])
    if found:
        report(found)
    if len(found) < len(sizes):
        sys.exit(1)


def measured(spec: dict[str, Any]) -> dict[str, Any]:
    """Run the workflow on so many rows and return what each rule took."""
    place = Path(os.environ[FOLDER], str(spec["rows"]))
    place.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        with FileLock(place / "lock", timeout=0):
            prepare(place, spec["rows"])
            run(place, os.environ[CORES], str(spec["rows"]))
    except Timeout:
        raise UserError(
            f"another measurement runs in {place}; wait for it, or choose another --folder"
        ) from None
    scores = json.loads((place / "results/scores.json").read_text(encoding="utf-8"))
    return {
        "rows": spec["rows"],
        "wall": round(time.monotonic() - started, 1),
        "rules": costs(place / "results/logs"),
        "cv": next(row["cv"] for row in scores["rows"] if row["what"] == "submitted"),
    }


def prepare(place: Path, rows: int) -> None:
    """Make a copy of the workflow as it is now, with its data; of an earlier copy data and results stay.

    Snakemake sees by itself which of these are of other code.
    """
    for name in PARTS:
        path = place / name
        if path.is_dir():
            shutil.rmtree(path)
    copy_workflow(place)
    (place / "config.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False), encoding="utf-8")
    if not (place / "data/made").is_file():
        scale_data.write(place / "data/scale", rows)
        (place / "data/made").touch()


def run(place: Path, cores: str, name: str) -> None:
    """Run Snakemake, telling how far it is; a run that fails raises ``UserError``."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("PODIUM_MAIN", "SNAKEMAKE"))
    }
    output, told = place / "output.txt", ""
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "bench/warm.py"), "--cores", cores, "all"],
            cwd=place,
            env=kept | {"OMP_NUM_THREADS": "1"},
            stdout=file,
            stderr=file,
        )
        while process.poll() is None:
            time.sleep(0.5)
            steps = DONE.findall(output.read_text(encoding="utf-8", errors="replace"))
            if steps and steps[-1][0] != told:
                told = steps[-1][0]
                print(f"  {name} rows: {told} of {steps[-1][1]} jobs", file=sys.stderr, flush=True)
    if process.returncode:
        said = output.read_text(encoding="utf-8", errors="replace")
        raise UserError(f"the run failed, see {output}\n{said[-2000:]}")


def costs(logs: Path) -> dict[str, dict[str, float]]:
    """CPU seconds of all jobs of each rule without their imports, MiB of the largest job, and how many jobs."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for path in sorted(logs.rglob("*.log")):
        cost = COST.search(path.read_text(encoding="utf-8"))
        if cost:
            found[stage_of(path.relative_to(logs))].append((float(cost[1]), float(cost[2])))
    return {
        name: {"cpu": round(sum(cpu for cpu, _ in jobs), 2), "mebibytes": max(memory for _, memory in jobs)}
        | {"jobs": len(jobs)}
        for name, jobs in found.items()
    }


def stage_of(log: Path) -> str:
    """What a job does, by its log: folds and the one task are left out."""
    parts = [part for part in log.with_suffix("").parts if part not in ("topic", "round0")]
    kept = [
        re.sub(r"^(fold\d+|topic_?)", lambda found: "" if "topic" in found[0] else "fold", part)
        for part in parts
    ]
    return " ".join(part for part in kept if part)


def report(found: list[dict[str, Any]]) -> None:
    """Print the table of rules, what they took in all, and the scores."""
    names = list(dict.fromkeys(name for size in found for name in size["rules"]))
    names.sort(key=lambda name: -found[-1]["rules"].get(name, {"cpu": 0.0})["cpu"])
    lines = [_line(name, [size["rules"].get(name) for size in found], found) for name in names]
    show([*lines, _total(found)], {}, None)
    for size in found:
        minutes = size["wall"] / 60
        print(f"\n{size['rows']} rows: {minutes:.1f} minutes since its last start, macro F1 {size['cv']:.4f}")


def _line(name: str, took: list[dict[str, float] | None], found: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [size["rows"] for size in found]
    line: dict[str, Any] = {"job": name, "jobs": max(cost["jobs"] for cost in took if cost)}
    line |= {f"CPU-s {n:,}": cost["cpu"] if cost else "" for n, cost in zip(rows, took, strict=True)}
    line |= {
        f"GiB {n:,}": cost["mebibytes"] / 1024 if cost else "" for n, cost in zip(rows, took, strict=True)
    }
    for k in range(len(rows) - 1):
        one, other = took[k], took[k + 1]
        line[f"growth to {rows[k + 1]:,}"] = (
            exponent(one["cpu"], other["cpu"], rows[k], rows[k + 1]) if one and other else ""
        )
    return line


def exponent(one: float, other: float, rows: int, more: int) -> float | str:
    """The power of the rows that the time grows with; empty where the times are too short to tell."""
    if one < SHORT:
        return ""
    return round(math.log(other / one) / math.log(more / rows), 2)


def _total(found: list[dict[str, Any]]) -> dict[str, Any]:
    """All jobs together."""
    whole = [
        {
            "cpu": sum(cost["cpu"] for cost in size["rules"].values()),
            "mebibytes": max(cost["mebibytes"] for cost in size["rules"].values()),
            "jobs": sum(cost["jobs"] for cost in size["rules"].values()),
        }
        for size in found
    ]
    return _line("all", list(whole), found)


if __name__ == "__main__":
    main()
