"""The jobs that a run would do, asked of Snakemake itself, in a process of its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from podium import guard
from podium.errors import UserError
from podium.files import read_json, write_json
from podium.forecast.jobs import Job, from_plain, plain

MANY = 10_000
LIST = "PODIUM_JOBS"
"""Name of an environment variable: a file into which a dry run writes its jobs."""


def ask(files: Sequence[Path], root: Path) -> tuple[list[Job], list[Job]]:
    """All jobs of the default target in the folder ``root``, and those of them that a run would do.

    ``files`` are the config's. Raises ``UserError`` with Snakemake's own words where it cannot tell.
    """
    given = ["--configfile", *map(str, files)] if list(files) != [Path("config.yaml")] else []
    with tempfile.TemporaryDirectory(prefix="podium-jobs-") as folder:
        answer = Path(folder, "jobs.json")
        kept = {name: value for name, value in os.environ.items() if name != guard.MAIN_PROCESS}
        cores = ["--cores", str(MANY)]  # fewer would make less of the jobs' threads
        command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "all", *cores, *given]
        done = subprocess.run(
            command, cwd=root, env={**kept, LIST: str(answer)}, capture_output=True, text=True, check=False
        )
        if done.returncode or not answer.is_file():
            raise UserError(_reason(done.stdout + done.stderr))
        told = read_json(answer)
    jobs, pending = from_plain(told["jobs"]), set(told["pending"])
    return jobs, [job for job in jobs if job.name in pending]


def answer(path: Path, jobs: Sequence[Job], pending: Sequence[str]) -> None:
    """Write what was asked, in the process that was."""
    write_json({"jobs": plain(jobs), "pending": list(pending)}, path)


def _reason(output: str) -> str:
    """What Snakemake said when it could not tell."""
    told = [line.strip() for line in output.splitlines() if line.strip()] or ["it ended without a word"]
    ours = [line.removeprefix("podium: ") for line in told if line.startswith("podium: ")]
    return "\n".join(ours) or f"snakemake cannot list the jobs: {told[-1]}"
