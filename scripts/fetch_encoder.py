"""Fetch one encoder from the Hugging Face Hub: config, tokenizer and safetensors only."""

from pathlib import Path

from podium.fetch import fetch_encoder
from scripts import job


def main(*, out: Path, name: str, revision: str | None) -> None:
    """Put the snapshot of ``name`` at ``revision`` into the folder ``out``."""
    fetch_encoder(name, revision, out)


if __name__ == "__main__":
    job.run(main, snakemake)
