"""Write the submission in exactly the form of the sample."""

from pathlib import Path

from podium.files import read_table
from podium.submission import write_submission
from scripts import job


def main(
    *,
    predictions: Path,
    proba: Path,
    submission: Path,
    id: str | None,
    target: str,
    sample: Path | None = None,
) -> None:
    """Write ``submission`` from the decided labels, or from probabilities where the sample asks for them."""
    write_submission(
        read_table(predictions), sample, submission, id=id, target=target, proba=read_table(proba)
    )


if __name__ == "__main__":
    job.run(main, snakemake)
