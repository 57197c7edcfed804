"""Draw the page that a run ends with."""

from pathlib import Path

from podium.files import read_json, write_text
from podium.page.write import write
from scripts import job


def main(
    *, figures: list[Path], scores: Path, page: Path, competition: str, submission: str, folds: int
) -> None:
    """Write the page from the tasks' figures; its figures of time come from the records beside it, where they are."""
    results = next(folder for folder in page.parents if folder.name == "results")
    tasks = [read_json(path) for path in figures]
    write_text(
        write(
            tasks,
            read_json(scores),
            competition=competition,
            submission=submission,
            folds=folds,
            results=results,
        ),
        page,
    )


if __name__ == "__main__":
    job.run(main, snakemake)
