"""What the measurements share: their command line, a clone to run the workflow in, tables."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "config.yaml", "podium", "scripts", "workflow", "profiles", "envs")


def arguments(description: str, **extra: Any) -> argparse.Namespace:
    """Parse ``--quick``, ``--json FILE`` and the measurement's own options (name: keywords of add_argument)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a smaller measurement, to see that it works")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    for name, keywords in extra.items():
        parser.add_argument(f"--{name}", **keywords)
    return parser.parse_args()


def clone(folder: Path, *, quick: bool, seed: int | None = None) -> Path:
    """Copy the workflow into ``folder`` with the default config; ``quick`` drops the transformer."""
    for name in PARTS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
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
