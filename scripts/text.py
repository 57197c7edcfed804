"""Make one text view of one part of a task."""

from pathlib import Path
from typing import Any

from podium import text
from scripts import job


def main(
    *,
    table: Path,
    out: Path,
    steps: list[dict[str, Any]],
    language: str,
    threads: int,
    wordnet: Path | None = None,
) -> None:
    """Write ``id`` and the normalised texts of ``table``.

    ``wordnet`` is the file ``corpora/wordnet/data.noun`` of WordNet's folder.
    """
    folder = wordnet.parents[2] if wordnet else None
    text.write_view(table, out, steps=steps, language=language, wordnet=folder, processes=threads)


if __name__ == "__main__":
    job.run(main, snakemake)
