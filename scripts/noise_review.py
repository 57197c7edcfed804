"""Put the folds' noise tables together, worst rows first, for a person to read."""

from pathlib import Path
from typing import Any

from podium.files import read_json, read_table, write_csv, write_json
from podium.noise.review import readable, review, summarise
from scripts import job


def main(
    *,
    train: Path,
    tables: list[Path],
    facts: list[Path],
    beside: Path,
    out: Path,
    summary: Path,
    mode: str,
    models: list[str],
    separator: str,
    settings: dict[str, Any],
    overrides: Path | None = None,
) -> None:
    """Write one line for each train row, and the stage's figures."""
    verdicts = [read_table(path) for path in tables]
    word = None if overrides is None else read_table(overrides)
    reviewed = review(read_table(train), verdicts, read_table(beside), word)
    figures = summarise(
        reviewed,
        verdicts,
        [read_json(path) for path in facts],
        mode=mode,
        models=models,
        separator=separator,
        settings=settings,
    )
    write_csv(readable(reviewed, separator), out)
    write_json(figures, summary)


if __name__ == "__main__":
    job.run(main, snakemake)
