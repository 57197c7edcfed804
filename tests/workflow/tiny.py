"""A tiny competition, and a clone of the workflow that runs it and can be looked at."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from podium import timings
from podium.page import times

ROOT = Path(__file__).parents[2]
PARTS = ["Snakefile", "config.yaml", "podium", "scripts", "workflow", "profiles", "envs", "competitions"]
CLASSES = ["acq", "crude", "earn", "trade"]

CONFIG: dict[str, Any] = {
    "competition": "tiny",
    "seed": 3,
    "tasks": {
        "topic": {
            "train": "data/tiny/train.csv",
            "test": "data/tiny/test.csv",
            "sample": "data/tiny/sample_submission.csv",
            "holdout": "data/tiny/holdout.csv",
            "text": ["text"],
            "target": "label",
            "metric": "macro_f1",
        }
    },
    "text": {"views": {"raw": [], "clean": ["nfkc", "emoji", "lowercase", "whitespace"]}},
    "folds": {"n": 3},
    "noise": {"filter_by": "predicted_neq_given", "inner_folds": 2, "max_share": 0.1},
    "augment": {"eda": {"kind": "eda", "copies": 1}},
    "models": {
        "linear": {"kind": "linear", "view": "clean", "augment": ["eda"]},
        "trees": {
            "kind": "lightgbm",
            "seeds": [0, 1],
            "noise": "prune",
            "trees": 15,
            "svd": 8,
            "num_leaves": 4,
        },
        "encoder": {
            "kind": "transformer",
            "encoder": "data/tiny_encoder",
            "max_length": 32,
            "epochs": 1,
            "threads": 1,
            "rounds": 0,
        },
    },
    "pseudo": {"rounds": 1, "voters": ["linear", "trees"], "confidence": 0.5, "agree": 0.6},
    "ensemble": {"blend": {"steps": 10}},
}


class Clone:
    """A copy of the workflow's files in ``folder``, as a user's fresh clone has them."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.folder, self.output = folder, ""
        for name in PARTS:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)
        self.configure(config)

    @classmethod
    def of(cls, folder: Path, output: str) -> "Clone":
        """A clone that is there already, and what its run said."""
        clone = cls.__new__(cls)
        clone.folder, clone.output = folder, output
        return clone

    def configure(self, config: dict[str, Any]) -> None:
        """Write ``config.yaml``."""
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")

    def command(self, *arguments: str, warm: bool = False) -> list[str]:
        program = [str(ROOT / "bench/warm.py")] if warm else ["-m", "snakemake"]
        return [sys.executable, *program, "--cores", "2", *arguments]

    def snakemake(
        self, *arguments: str, check: bool = True, warm: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake to its end; ``warm``: with jobs that are forked, for a test of results alone."""
        command = self.command(*arguments, warm=warm)
        done = subprocess.run(command, cwd=self.folder, env=_environment(), capture_output=True, text=True)
        if check and done.returncode:
            pytest.fail(
                f"snakemake {' '.join(arguments)} failed\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
            )
        return done

    def kill_after(self, seconds: float) -> bool:
        """Start a run and kill its main process with -9; return whether it was still running."""
        process = subprocess.Popen(
            self.command(),
            cwd=self.folder,
            env=_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(seconds)
        running = process.poll() is None
        if running:
            process.send_signal(signal.SIGKILL)
        process.wait()
        return running

    def jobs(self, *arguments: str) -> set[str]:
        """What a dry run would do: the jobs' messages."""
        done = self.snakemake("--dry-run", *arguments)
        return set(re.findall(r"^Job \d+: (.*)$", done.stdout + done.stderr, flags=re.M))

    def table(self, name: str) -> pd.DataFrame:
        """A Parquet table in ``results/``."""
        return pd.read_parquet(self.folder / "results" / name)

    def bytes_of_results(self) -> dict[str, str]:
        """Digest of every result; logs and all that is of time, also in ``scores.csv`` and the page, left out."""
        results = self.folder / "results"
        scores = pd.read_csv(results / "scores.csv", dtype="str").drop(columns=list(timings.COLUMNS))
        page = times.without((results / "report/index.html").read_text(encoding="utf-8"))
        return {
            "scores.csv": hashlib.sha256(scores.to_csv().encode()).hexdigest(),
            "report/index.html": hashlib.sha256(page.encode()).hexdigest(),
        } | {
            path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(results.rglob("*"))
            if path.is_file()
            and path.relative_to(results).parts[0] not in ("logs", "benchmarks", "scores.csv")
            and not (path.parent.name == "scores" and path.suffix == ".csv")
            and path.name != "index.html"
            and ".snakemake" not in path.name
        }


def _environment() -> dict[str, str]:
    """What a user's shell has; there compiled modules are kept, whatever runs the tests."""
    others = ("PODIUM_MAIN", "SNAKEMAKE", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**kept, "PYTHONWARNINGS": "", "XDG_CACHE_HOME": str(Path.home() / ".cache")}


def sample_numbers(train: int, test: int) -> dict[str, pd.DataFrame]:
    """Files of a tiny competition whose words are numbers: each class has some of its own."""
    random = np.random.default_rng(0)
    target = np.arange(train + test) % len(CLASSES)
    words = [[*random.integers(0, 20, 8), *(100 + 10 * code + random.integers(0, 4, 4))] for code in target]
    texts = [" ".join(str(word) for word in random.permutation(row)) for row in words]
    ids = [f"r{number}" for number in range(train + test)]
    table = pd.DataFrame({"id": ids, "text": texts, "label": [CLASSES[code] for code in target]})
    tested = table.iloc[train:]
    return {
        "train.csv": table.iloc[:train],
        "test.csv": tested[["id", "text"]],
        "holdout.csv": tested[["id", "label"]],
        "sample_submission.csv": tested[["id"]].assign(label=CLASSES[0]),
    }
