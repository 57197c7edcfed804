"""A competition on a real Slurm of one node with two GPUs that are names: a job is killed there, results are compared.

    python -m bench.slurm                    # a tiny competition, also run without Slurm
    python -m bench.slurm --config config.yaml   # a whole one, on Slurm alone

Needs envs/slurm.txt and the programs of Debian's ``slurm-wlm`` and ``munge``; installs nothing. The jobs run on this
machine, and no job uses a GPU: what is seen is that each has been dealt its own.
"""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import yaml

from bench import slurm_cluster
from bench.common import ROOT, arguments, copy_workflow, show

CONFIG: dict[str, Any] = {
    "competition": "tiny",
    "tasks": {
        "topic": {
            "train": "data/tiny/train.csv",
            "test": "data/tiny/test.csv",
            "text": ["text"],
            "target": "label",
            "metric": "macro_f1",
        }
    },
    "folds": {"n": 2},
    "models": {
        "linear": {"kind": "linear"},
        "network": {"kind": "textcnn", "epochs": 2, "min_count": 1},
    },
    "pseudo": {"rounds": 0},
    "adversarial": {"enabled": False},
    "ensemble": {"submit": "mean"},
}
CORES, GPUS = 4, 2
NOT_RESULTS = ("logs", "benchmarks", "scores.csv", "scores", "report")  # these tell times


def main() -> None:
    """Run the competition twice, kill a job of the run on Slurm, print what happened."""
    options = arguments(
        str(__doc__), config={"type": Path, "help": "a competition of one's own; only on Slurm"}
    )
    lacking = slurm_cluster.missing()
    if lacking:
        sys.exit(f"bench: not installed: {', '.join(lacking)}")
    with tempfile.TemporaryDirectory(prefix="podium-slurm-") as name:
        folder = Path(name)
        sizes = (80, 40) if options.quick else (160, 60)
        remote = _clone(folder / "remote", options.config, sizes)
        with slurm_cluster.cluster(folder / "slurm", cpus=CORES, gpus=GPUS) as environment:
            result = _on_slurm(remote, environment)
        if options.config is None:
            local = _clone(folder / "local", None, sizes)
            _snakemake(local, ["--cores", "2"], os.environ)
            one, other = _digests(remote), _digests(local)
            result["files"] = len(one)
            result["files_that_differ"] = sorted(
                name for name in one.keys() | other.keys() if one.get(name) != other.get(name)
            )
        submission = next((remote / "results").glob("submission*"), None)
        result["submission"] = None if submission is None else submission.name
    rows = [{"what": name, "value": str(value)} for name, value in result.items()]
    show(rows, result, options.json)


def _clone(folder: Path, config: Path | None, sizes: tuple[int, int]) -> Path:
    folder.mkdir()
    copy_workflow(folder)
    if config is not None:
        shutil.copy(config, folder / "config.yaml")
        return folder
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    data = folder / "data/tiny"
    data.mkdir(parents=True)
    train, test = sizes
    random = np.random.default_rng(0)
    labels = np.arange(train + test) % 3
    words = [[*random.integers(0, 30, 9), *(100 + 10 * label + random.integers(0, 5, 3))] for label in labels]
    table = pd.DataFrame({"id": np.arange(train + test)})
    table["text"] = [" ".join(f"w{word}" for word in random.permutation(row)) for row in words]
    table["label"] = [f"class{label}" for label in labels]
    table[:train].to_csv(data / "train.csv", index=False)
    table[train:][["id", "text"]].to_csv(data / "test.csv", index=False)
    return folder


def _on_slurm(folder: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run with the profile; kill the first job that trains with -9."""
    killed: list[str] = []
    over = threading.Event()
    killer = threading.Thread(target=_kill_one, args=(environment, killed, over), daemon=True)
    killer.start()
    started = time.perf_counter()
    # This cluster keeps no accounts and finished jobs long; it is its own node, with small memory
    profile = ["--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue"]
    memory = ["--default-resources", "mem_mb=2000", "runtime=60"]
    rules = ["train_fold", "predict_for_noise", "predict_rows", "combine_members", "augment_rows"]
    memory += ["--set-resources", *(f"{rule}:mem_mb=2000" for rule in rules)]
    said = _snakemake(folder, [*profile, *memory, "--seconds-between-status-checks", "5"], environment)
    over.set()
    killer.join()
    jobs = subprocess.run(
        ["scontrol", "--details", "--oneliner", "show", "jobs"],
        env=environment,
        capture_output=True,
        text=True,
    ).stdout
    states = re.findall(r"JobState=(\w+)", jobs)
    return {
        "seconds": time.perf_counter() - started,
        "jobs": len(states),
        "failed": sum(state != "COMPLETED" for state in states),
        "killed": killed,
        "tried_again": len(re.findall(r"^Trying to restart job", said, flags=re.M)),
        "gpu_jobs": len(re.findall(r"GRES=gpu:\d*\(IDX:[\d,-]+\)", jobs)),
        "gpus_dealt": sorted(set(re.findall(r"GRES=gpu:\d*\(IDX:([\d,-]+)\)", jobs))),
        "run_that_dealt_one_twice": _overlaps(jobs),
    }


def _overlaps(jobs: str) -> int:
    """Pairs of jobs that had the same device at the same time."""
    form = r"StartTime=(\S+) EndTime=(\S+) .*?GRES=gpu:\d*\(IDX:([\d,-]+)\)"
    spans = [found.groups() for line in jobs.splitlines() if (found := re.search(form, line))]
    pairs = [(a, b) for number, a in enumerate(spans) for b in spans[:number] if a[2] == b[2]]
    return sum(max(a[0], b[0]) < min(a[1], b[1]) for a, b in pairs)


def _kill_one(environment: Mapping[str, str], killed: list[str], over: threading.Event) -> None:
    """Kill the script of the first training job as soon as it runs."""
    while not over.wait(0.2) and not killed:
        asked = ["squeue", "--noheader", "--states=RUNNING", "--format=%A %k"]
        running = subprocess.run(asked, env=environment, capture_output=True, text=True).stdout
        for number in re.findall(r"^(\d+) rule_train_fold", running, flags=re.M):
            for process in psutil.process_iter(["cmdline"]):
                with contextlib.suppress(psutil.Error):
                    if _is_script(process) and process.environ().get("SLURM_JOB_ID") == number:
                        process.kill()
                        killed.append(f"job {number}")
                        return


def _is_script(process: psutil.Process) -> bool:
    """Whether it is the Python that runs a rule's script, not the Snakemake that waits for it."""
    command = process.info["cmdline"] or []
    return len(command) > 1 and command[-1].endswith("train.py") and "python" in command[0]


def _snakemake(folder: Path, options: list[str], environment: Mapping[str, str]) -> str:
    kept = {name: value for name, value in environment.items() if not name.startswith("PODIUM_MAIN")}
    command = [sys.executable, "-m", "snakemake", *options]
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: the run failed\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
    return done.stdout + done.stderr


def _digests(folder: Path) -> dict[str, str]:
    results = folder / "results"
    return {
        path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*"))
        if path.is_file() and path.relative_to(results).parts[0] not in NOT_RESULTS
    }


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
