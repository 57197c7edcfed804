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
LETTERS = str.maketrans("0123456789", "abcdefghij")
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
        remote = clone(folder / "remote", options.config, sizes)
        with slurm_cluster.cluster(folder / "slurm", cpus=CORES, gpus=GPUS) as environment:
            result = _on_slurm(remote, environment)
        if options.config is None:
            local = clone(folder / "local", None, sizes)
            snakemake(local, ["--cores", "2"], os.environ)
            one, other = digests(remote), digests(local)
            result["files"] = len(one)
            result["files_that_differ"] = sorted(
                name for name in one.keys() | other.keys() if one.get(name) != other.get(name)
            )
        submission = next((remote / "results").glob("submission*"), None)
        result["submission"] = None if submission is None else submission.name
    rows = [{"what": name, "value": str(value)} for name, value in result.items()]
    show(rows, result, options.json)


def clone(folder: Path, config: Path | None, sizes: tuple[int, int], **changes: Any) -> Path:
    """Copy the workflow into ``folder`` with a user's ``config``, or the tiny one and its data of so many rows."""
    folder.mkdir()
    copy_workflow(folder)
    if config is not None:
        shutil.copy(config, folder / "config.yaml")
        return folder
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG | changes), encoding="utf-8")
    data = folder / "data/tiny"
    data.mkdir(parents=True)
    train, test = sizes
    random = np.random.default_rng(0)
    labels = np.arange(train + test) % 3
    words = [[*random.integers(0, 30, 9), *(100 + 10 * label + random.integers(0, 5, 3))] for label in labels]
    table = pd.DataFrame({"id": np.arange(train + test)})
    table["text"] = [
        " ".join(f"w{word}".translate(LETTERS) for word in random.permutation(row)) for row in words
    ]
    table["label"] = [f"class{label}" for label in labels]
    table[:train].to_csv(data / "train.csv", index=False)
    table[train:][["id", "text"]].to_csv(data / "test.csv", index=False)
    return folder


def _on_slurm(folder: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run with the profile; kill the first job that trains with -9."""
    watcher = Watcher(environment)
    watcher.start()
    started = time.perf_counter()
    # This cluster keeps no accounts and finished jobs long; it is its own node, with small memory
    profile = ["--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue"]
    memory = ["--default-resources", "mem_mb=2000", "runtime=60"]
    rules = ["train_fold", "predict_for_noise", "predict_rows", "combine_members", "augment_rows"]
    memory += ["--set-resources", *(f"{rule}:mem_mb=2000" for rule in rules)]
    said = snakemake(folder, [*profile, *memory, "--seconds-between-status-checks", "5"], environment)
    watcher.over.set()
    watcher.join()
    states = re.findall(r"JobState=(\w+)", _jobs(environment))
    return {
        "seconds": time.perf_counter() - started,
        "jobs": len(states),
        "failed": sum(state != "COMPLETED" for state in states),
        "killed": watcher.killed,
        "tried_again": len(re.findall(r"^Trying to restart job", said, flags=re.M)),
        "jobs_seen_with_a_gpu": len(watcher.dealt),
        "gpus_dealt": sorted(set(watcher.dealt.values())),
        "seen_on_the_same_gpu_at_once": watcher.shared,
    }


def _jobs(environment: Mapping[str, str]) -> str:
    """What Slurm says of each job, a line each."""
    asked = ["scontrol", "--details", "--oneliner", "show", "jobs"]
    return subprocess.run(asked, env=environment, capture_output=True, text=True).stdout


class Watcher(threading.Thread):
    """Sees which job has which GPU, and kills the script of the first training job that it meets with -9."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(daemon=True)
        self.environment, self.over = environment, threading.Event()
        self.killed: list[str] = []
        self.dealt: dict[str, str] = {}
        self.shared = 0

    def run(self) -> None:
        """Look until told to end."""
        while not self.over.wait(0.5):
            running = [line for line in _jobs(self.environment).splitlines() if "JobState=RUNNING" in line]
            self._note(running)
            for line in running:
                if not self.killed and "Comment=rule_train_fold" in line:
                    self._kill(line.split()[0].removeprefix("JobId="))

    def _note(self, running: list[str]) -> None:
        now = {
            line.split()[0]: found[1]
            for line in running
            if (found := re.search(r"GRES=gpu(?::\w+)*\(IDX:([\d,-]+)\)", line))
        }
        self.dealt |= now
        self.shared += len(now) - len(set(now.values()))

    def _kill(self, number: str) -> None:
        for process in psutil.process_iter(["cmdline"]):
            with contextlib.suppress(psutil.Error):
                if _is_script(process) and process.environ().get("SLURM_JOB_ID") == number:
                    process.kill()
                    self.killed.append(f"job {number}")
                    return


def _is_script(process: psutil.Process) -> bool:
    """Whether it is the Python that runs a rule's script, not the Snakemake that waits for it."""
    command = process.info["cmdline"] or []
    return len(command) > 1 and command[-1].endswith("train.py") and "python" in command[0]


def snakemake(folder: Path, options: list[str], environment: Mapping[str, str]) -> str:
    """Run the workflow in ``folder``; return what it said. A failed run ends the measurement."""
    kept = {name: value for name, value in environment.items() if not name.startswith("PODIUM_MAIN")}
    command = [sys.executable, "-m", "snakemake", *options]
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: the run failed\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
    return done.stdout + done.stderr


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the results in ``folder`` that do not tell times, by their names."""
    results = folder / "results"
    files = {path.relative_to(results).as_posix(): path for path in results.rglob("*") if path.is_file()}
    return {
        name: hashlib.sha256(files[name].read_bytes()).hexdigest()
        for name in sorted(files)
        if is_result(name)
    }


def is_result(name: str) -> bool:
    """Whether a file of ``results/`` holds no times."""
    return name.partition("/")[0] not in NOT_RESULTS


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
