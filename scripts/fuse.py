"""Average the encoders of models of single tasks."""

from pathlib import Path

from podium.engine.multitask.fusion import fuse
from scripts import job


def main(*, models: list[Path], out: Path, weights: list[float]) -> None:
    """Write an encoder whose every weight is the mean of those in ``models``, fine-tuned ones each."""
    fuse([model / "encoder" for model in models], out, weights=weights)


if __name__ == "__main__":
    job.run(main, snakemake)
