"""Make one text view of one part of a task."""

from pathlib import Path

from podium import text
from podium.files import read_table, write_table
from scripts import job


def main(*, table: Path, out: Path, steps: list[str], language: str, wordnet: Path | None = None) -> None:
    """Write ``id`` and the normalised texts of ``table``.

    ``wordnet`` is the file ``corpora/wordnet/data.noun`` of WordNet's folder.
    """
    rows = read_table(table)
    texts = rows[[column for column in ("id", "text_a", "text_b") if column in rows.columns]]
    folder = wordnet.parents[2] if wordnet else None
    write_table(text.normalise(texts, steps, language=language, wordnet=folder), out)


if __name__ == "__main__":
    job.run(main, snakemake)
