"""What the measurements share: their command line, a clone to run the workflow in, tables."""

import argparse
import fcntl
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from podium import fetch

ROOT = Path(__file__).parents[1]
PINS = ROOT / "envs/data.txt"
PARTS = ("Snakefile", "config.yaml", "podium", "scripts", "workflow", "profiles", "envs")


def arguments(description: str, **extra: Any) -> argparse.Namespace:
    """Parse ``--quick``, ``--json FILE`` and the measurement's own options (name: keywords of add_argument)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a smaller measurement, to see that it works")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    for name, keywords in extra.items():
        parser.add_argument(f"--{name}", **keywords)
    return parser.parse_args()


def copy_workflow(folder: Path) -> None:
    """Copy the workflow's files into ``folder``, as a user's fresh clone has them."""
    for name in PARTS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)


def fetched(name: str) -> Path:
    """Folder of a public resource in the repository's data folder, fetched by the first process that asks."""
    return fetched_into(ROOT / "data" / name, name)


def fetched_into(folder: Path, resource: str) -> Path:
    """Return ``folder`` with a public resource's files, fetched by the first process that asks."""
    with one_at_a_time(folder):
        if not all((folder / file).is_file() for file in fetch.outputs(resource)):
            fetch.fetch(resource, folder, requirements=PINS)
    return folder


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait while another process is in this block with the same folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def clone(folder: Path, *, quick: bool, seed: int | None = None) -> Path:
    """Copy the workflow into ``folder`` with the default config; ``quick`` drops the transformer."""
    copy_workflow(folder)
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    if quick:
        config["models"].pop("minilm")
    if seed is not None:
        config["seed"] = seed
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return folder


def snakemake(folder: Path, *targets: str, cores: int) -> float:
    """Run the workflow in ``folder``; return the seconds it took. A failed run ends the measurement."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PODIUM_MAIN")}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", str(cores), *targets],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"bench: the run failed\n{done.stderr[-3000:]}")
    return time.perf_counter() - started


def run_warm(folder: Path, *arguments: str, **variables: str) -> float:
    """Run the workflow in ``folder`` by ``bench.warm`` with more environment ``variables``; return the CPU seconds.

    Raises
    ------
    RuntimeError
        The run failed; the message ends with what it said.
    """
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PODIUM_MAIN", "SNAKEMAKE"))
    }
    before = _children()
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench/warm.py"), *arguments],
        cwd=folder,
        env=kept | variables,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(
            f"a run of {' '.join(arguments)} failed\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show(rows: Sequence[dict[str, Any]], result: dict[str, Any], json_file: Path | None) -> None:
    """Print ``rows`` as a table; write ``result`` as JSON where asked for."""
    columns = list(rows[0])
    cells = [columns] + [[_text(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if json_file:
        json_file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
