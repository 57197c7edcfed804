"""Runs that are killed with -9 and started again: the same bytes, few steps twice, nothing left behind.

A small but whole competition (300 texts of Reuters R8, a tiny transformer, noise, augmentation, back-translation by
Apertium where it is installed, pseudo-labels, all ensembles) runs once undisturbed. Then runs that are killed up to
three times each, started again after each kill, and compared at their end. A kill hits all processes of the run at
once, or Snakemake alone, whose jobs have to notice. Some moments are random, seeded; others are waited for
(``bench.halts``): within a training step, a checkpoint, a Parquet write, a translation. Jobs are forked by
``bench/warm.py``, since how a job's process begins is not what is measured, and save a checkpoint every 10 steps
instead of every two minutes.

``--folder`` keeps the clones there. Finished runs are in the file of ``--json`` and not done again.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from bench import halts
from bench import honesty_clones as clones
from bench.common import ROOT, arguments, show
from bench.runs import Spec, plain_errors, run_all
from podium import timings

APERTIUM = shutil.which("apertium") is not None
RUNS = [
    ("random", "checkpoint", "trained"),
    ("random", "translation", "training"),
    ("table", "main alone", "model"),
    ("cache", "random", "random"),
    ("random", "table", "main alone"),
    ("translation", "checkpoint", "table"),
    ("random", "training", "trained"),
    ("random", "random", "table"),
    ("main alone",),
]
"""What the kills hit; each tuple is one run, its moments in the order of the data's way."""
TRANSLATING = ("translation", "cache")
WAIT_SECONDS = 600.0
PLACE = "PODIUM_CRASH_CLONES"
VERSION = 4


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        kills={"type": int, "default": 25},
        folder={"type": Path, "help": "where the clones are made, kept afterwards; default: a temporary one"},
    )
    with plain_errors(), tempfile.TemporaryDirectory(prefix="podium-crash-") as temporary:
        folder = Path(given.folder or temporary).resolve()
        os.environ[PLACE] = str(folder)
        plain = undisturbed(folder)
        specs = plan(3 if given.quick else given.kills, plain["digest"])
        found = [result for _, result in run_all(specs, disturbed, given.json, jobs=1)]
    if not APERTIUM:
        print("apertium is not installed: no kill within a translation")
    print(f"undisturbed: {plain['jobs']} jobs, {plain['steps']} training steps, {plain['seconds']:.0f} s\n")
    show([line for run in found for line in lines(run)], {}, None)
    kills = sum(kill["met"] for run in found for kill in run["kills"])
    same = sum(run["ended"] == 0 and not run["differing"] for run in found)
    print(f"\n{kills} kills in {len(found)} runs, of which {same} ended with the same bytes")
    for run in found:
        for name in (*run["differing"], *run["left"]):
            print(f"  run {run['run']}: {name}")


def plan(kills: int, code: str) -> list[Spec]:
    """A spec for each run; ``code`` is what the undisturbed run made, so that other results are measured anew."""
    specs: list[Spec] = []
    while kills > 0:
        number = len(specs)
        moments = RUNS[number % len(RUNS)][:kills]
        kills -= len(moments)
        known = [name for name in moments if APERTIUM or name not in TRANSLATING]
        specs.append({"version": VERSION, "run": number, "moments": known, "code": code})
    return specs


def config() -> dict[str, Any]:
    """A competition with every stage on."""
    back = {"back": {"kind": "back_translation", "engine": "apertium", "through": ["spa"]}}
    augment = {"eda": {"kind": "eda", "copies": 1, "filter": {"label": 0.6}}} | (back if APERTIUM else {})
    return {
        "competition": "crash",
        "seed": 3,
        "tasks": {"topic": {**clones.FILES, "metric": "macro_f1"}},
        "text": {"views": {"raw": [], "clean": ["nfkc", "lowercase", "lemmas", "whitespace"]}},
        "folds": {"n": 3},
        "noise": {
            "models": ["linear"],
            "filter_by": "predicted_neq_given",
            "inner_folds": 2,
            "max_share": 0.1,
        },
        "augment": augment,
        "models": {
            "linear": {"kind": "linear", "view": "clean", "noise": "prune", "augment": ["eda"]},
            "trees": {
                **{"kind": "lightgbm", "trees": 15, "svd": 8, "num_leaves": 4},
                "augment": ["back"] if APERTIUM else ["eda"],
            },
            "encoder": {
                **{"kind": "transformer", "encoder": "data/tiny_encoder", "max_length": 48, "epochs": 3},
                **{"threads": 1, "augment": ["eda"], "average": {"method": "ema", "decay": 0.9}},
            },
        },
        "pseudo": {"rounds": 1, "voters": None, "confidence": 0.5, "agree": 0.6},
        "ensemble": {"blend": {"steps": 10}},
    }


def prepare(folder: Path, place: Path) -> None:
    """Make a clone in ``place``; its data, the tokenizer among them, are made once in ``folder``."""
    shutil.rmtree(place, ignore_errors=True)
    if not (folder / "clean").is_dir():
        rows = clones.texts(dict.fromkeys(clones.CLASSES, 75), seed=1)
        made = folder / "making"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        clones.make(made, config(), rows.head(220), rows.tail(80))
        clones.tiny_encoder(made / "data/tiny_encoder", rows["text"])
        made.rename(folder / "clean")
    shutil.copytree(folder / "clean", place, symlinks=True)


def undisturbed(folder: Path) -> dict[str, Any]:
    """Run once without a kill; keep what it made in ``folder/undisturbed.json``, too."""
    shutil.rmtree(folder / "clean", ignore_errors=True)
    place = folder / "undisturbed"
    prepare(folder, place)
    started = time.monotonic()
    if start(place, "none").wait():
        sys.exit(f"bench: the run failed\n{(place / 'output.txt').read_text()[-3000:]}")
    diary, results = Diary(place), results_of(place)
    found = {
        "seconds": time.monotonic() - started,
        "jobs": sum(diary.jobs.values()),
        "rules": dict(diary.jobs),
        "writers": sorted({words[1] for words in diary.lines if words[0] == "table"}),
        "steps": len(diary.steps),
        "results": results,
        "files": files_of(place),
        "digest": hashlib.sha256(json.dumps(results).encode()).hexdigest()[:16],
    }
    (folder / "undisturbed.json").write_text(json.dumps(found), encoding="utf-8")
    return found


def disturbed(spec: Spec) -> dict[str, Any]:
    """Kill one run at its moments, start it again each time, and say how its end differs from the undisturbed one."""
    folder = Path(os.environ[PLACE])
    plain = json.loads((folder / "undisturbed.json").read_text(encoding="utf-8"))
    place = folder / f"run{spec['run']}"
    prepare(folder, place)
    drawn, kills = random.Random(spec["run"]), []
    for number, moment in enumerate(spec["moments"]):
        kills.append(kill(place, moment, plain, drawn, last=number + 1 == len(spec["moments"])))
    ended = start(place, "none").wait()
    close(kills, Diary(place))
    return {
        **{"run": spec["run"], "kills": kills, "ended": ended},
        "differing": differing(place, plain),
        "left": left(place, plain),
    }


def kill(
    place: Path, moment: str, plain: dict[str, Any], drawn: random.Random, *, last: bool
) -> dict[str, Any]:
    """Run up to a moment and kill; a random one comes some time after one of the jobs that are left began."""
    before = Diary(place)
    if moment == "table":
        undone = sorted(rule for rule in plain["writers"] if before.jobs[rule] < plain["rules"][rule])
        moment = f"table:{drawn.choice(undone or ['nothing'])}"
    waited = moment.partition(":")[0] in halts.MOMENTS
    begun = sum(before.jobs.values())
    share = drawn.uniform(0.03, 0.95 if last else 0.5)
    wanted = begun + max(1, int(share * (plain["jobs"] - begun)))
    delay = drawn.uniform(0, 2) * plain["seconds"] / plain["jobs"]
    (place / "halted").unlink(missing_ok=True)
    started = time.monotonic()
    process = start(place, moment if waited else "none")

    def come() -> bool:
        return (place / "halted").exists() if waited else sum(Diary(place).jobs.values()) >= wanted

    while process.poll() is None and time.monotonic() - started < WAIT_SECONDS and not come():
        time.sleep(0.02)
    if not waited:
        time.sleep(delay)
    after, running = time.monotonic() - started, process.poll() is None
    strike(process, alone=moment == "main alone")
    return {
        **{"moment": moment, "after": round(after, 1), "met": running and after < WAIT_SECONDS},
        "running": what_ran(place),
        "jobs": sum(Diary(place).jobs.values()),
        "steps": diary_lines(place),
    }


def diary_lines(place: Path) -> int:
    """How long the diary is."""
    return sum(1 for _ in halts.read(place))


def close(kills: list[dict[str, Any]], diary: "Diary") -> None:
    """Say of each kill which jobs and training steps of before it were done again after it."""
    bounds = [kill.pop("steps") for kill in kills]
    for number, kill in enumerate(kills):
        end = bounds[number + 1] if number + 1 < len(kills) else len(diary.lines)
        before = {tuple(words) for words in diary.lines[: bounds[number]]}
        again = [words for words in diary.lines[bounds[number] : end] if tuple(words) in before]
        of = Counter(words[1] for words in again if words[0] == "step")
        kill["jobs_again"] = sum(words[0] == "job" for words in again)
        kill |= {"steps_again": sum(of.values()), "most_of_a_fold": max(of.values(), default=0)}


def start(place: Path, moment: str) -> subprocess.Popen[bytes]:
    """Begin a run in a session of its own, with a folder for temporary files of its own."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PODIUM_MAIN", "SNAKEMAKE"))
    }
    (place / "tmp").mkdir(exist_ok=True)
    variables = {"TMPDIR": str(place / "tmp"), halts.FOLDER: str(place), "OMP_NUM_THREADS": "1"}
    with (place / "output.txt").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "bench/warm.py"), "--halt", moment, "--cores", "2"],
            cwd=place,
            env=kept | variables | {"PYTHONWARNINGS": ""},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def strike(process: subprocess.Popen[bytes], *, alone: bool) -> None:
    """Kill the run's whole session, or its main process alone, and wait for that."""
    if alone:
        process.kill()
        process.wait()
        return
    members = [other for other in psutil.process_iter() if session(other.pid) == process.pid]
    for other in members:
        try:
            os.kill(other.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
    psutil.wait_procs(members, timeout=30)


def session(pid: int) -> int | None:
    """The session of a process; None where it is gone."""
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


class Diary:
    """How often each rule's jobs began, and how often each training step was done."""

    def __init__(self, place: Path) -> None:
        self.lines = list(halts.read(place))
        self.jobs = Counter(words[1] for words in self.lines if words[0] == "job")
        self.steps = Counter((words[1], int(words[2])) for words in self.lines if words[0] == "step")


def what_ran(place: Path) -> list[str]:
    """Jobs that were running at the kill: their logs have begun and not ended."""
    found = []
    for path in sorted((place / "results/logs").rglob("*.log")):
        if "done: threads" not in path.read_text(encoding="utf-8"):
            found.append(path.relative_to(place / "results/logs").with_suffix("").as_posix())
    return found


def results_of(place: Path) -> dict[str, str]:
    """Digest of every result but logs, times, the cache of translations, and columns of time in tables of scores.

    The page tells times, too, and what it shows else is in ``report/figures``, which is compared.
    """
    results, found = place / "results", {}
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results)
        if (
            not path.is_file()
            or name.parts[0] in ("logs", "benchmarks", "cache")
            or name == Path("report/index.html")
            or ".snakemake" in path.name
        ):
            continue
        content = path.read_bytes()
        if path.suffix == ".csv" and "scores" in name.parts[0]:
            table = pd.read_csv(path, dtype="str")
            content = table.drop(columns=list(timings.COLUMNS), errors="ignore").to_csv().encode()
        found[name.as_posix()] = hashlib.sha256(content).hexdigest()[:16]
    return found


def files_of(place: Path) -> list[str]:
    """Every file in the clone but Snakemake's own records, that of each start, and what the measurement writes."""
    ours = {"output.txt", "diary", "halted"}
    own = (
        ".snakemake/log",
        ".snakemake/metadata",
        ".snakemake/iocache",
        ".snakemake/auxiliary",
        "results/logs/runs",
    )
    names = (path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    return sorted(name for name in names if name not in ours and not name.startswith(own))


def differing(place: Path, plain: dict[str, Any]) -> list[str]:
    """Results that are not the same bytes."""
    found, wanted = results_of(place), plain["results"]
    return sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))


def left(place: Path, plain: dict[str, Any]) -> list[str]:
    """Files that the undisturbed run does not have."""
    return sorted({*files_of(place)} - {*plain["files"]})


def lines(run: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of the table: one for each kill of a run."""
    found = []
    for kill in run["kills"]:
        running = Counter(name.split("/")[0] for name in kill["running"])
        shown = ", ".join(f"{name} {count}" if count > 1 else name for name, count in running.items())
        found.append(
            {
                **{"run": run["run"], "moment": kill["moment"] if kill["met"] else f"({kill['moment']})"},
                **{"s": kill["after"], "what ran": shown or "-", "jobs again": kill["jobs_again"]},
                **{"steps again": kill["steps_again"], "of one fold": kill["most_of_a_fold"]},
                "same bytes": "yes" if run["ended"] == 0 and not run["differing"] else "NO",
                "left": len(run["left"]),
            }
        )
    return found


if __name__ == "__main__":
    main()
