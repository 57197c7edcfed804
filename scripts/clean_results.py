"""Remove everything that the workflow made."""

import shutil
from pathlib import Path

from scripts import job


def main() -> None:
    """Empty ``results/`` except for the logs, which hold this job's own."""
    for path in sorted(Path("results").glob("*")):
        if path.is_dir() and path.name != "logs":
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


if __name__ == "__main__":
    job.run(main, snakemake)
