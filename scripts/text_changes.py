"""Show what each step of a text view did to the train and test rows."""

from pathlib import Path
from typing import Any

from podium import text
from scripts import job


def main(
    *,
    train: Path,
    test: Path,
    train_view: Path,
    test_view: Path,
    out: Path,
    steps: list[dict[str, Any]],
    language: str,
    samples: int,
    threads: int,
    wordnet: Path | None = None,
) -> None:
    """Write how many rows each step changed, and some of them before and after.

    ``wordnet`` is the file ``corpora/wordnet/data.noun`` of WordNet's folder.
    """
    text.write_changes(
        {"train": train, "test": test},
        {"train": train_view, "test": test_view},
        out,
        steps=steps,
        language=language,
        wordnet=wordnet.parents[2] if wordnet else None,
        samples=samples,
        processes=threads,
    )


if __name__ == "__main__":
    job.run(main, snakemake)
