"""Fetch one public resource (weights, a data set, WordNet) into the folder of its outputs."""

from pathlib import Path

from podium.fetch import fetch_pinned, outputs
from scripts import job


def main(*, out: list[Path] | Path, resource: str, pin: str) -> None:
    """Fetch the resource whose files (all or some, in any order) are the outputs ``out``."""
    first = out[0] if isinstance(out, list) else out
    folder = next(
        (first.parents[name.count("/")] for name in outputs(resource) if first.as_posix().endswith(name)),
        first.parent,
    )
    fetch_pinned(resource, folder, pinned=pin)


if __name__ == "__main__":
    job.run(main, snakemake)
