"""Make a new encoder with a vocabulary of the texts."""

from pathlib import Path
from typing import Any

from podium.engine.determinism import set_up
from podium.pretrain import scratch
from podium.pretrain.corpus import read_texts
from scripts import job


def main(
    *,
    texts: list[Path] | Path,
    start: Path,
    settings: dict[str, Any],
    seed: int,
    threads: int,
    vectors: Path | None = None,
) -> None:
    """Write tokenizer, config and first weights into the folder ``start``."""
    set_up("cpu", threads)
    table = read_texts(texts if isinstance(texts, list) else [texts])
    scratch.make(table, settings, start, seed=seed, file=vectors)


if __name__ == "__main__":
    job.run(main, snakemake)
