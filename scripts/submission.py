"""Write the submission in exactly the form of the sample."""

from pathlib import Path

from podium.files import read_table
from podium.submission import write_submission
from podium.submission_columns import Form
from podium.targets import TaskType
from scripts import job


def main(
    *,
    predictions: Path,
    proba: Path,
    submission: Path,
    id: str | None,
    type: TaskType,
    target: str | list[str],
    label_separator: str | None,
    probabilities: bool,
    ranked: int | None = None,
    free: bool = False,
    sample: Path | None = None,
) -> None:
    """Write ``submission`` from what was decided, or from probabilities where the sample asks for them."""
    form = Form(
        id=id,
        type=type,
        target=target,
        label_separator=label_separator,
        probabilities=probabilities,
        ranked=ranked,
        free=free,
    )
    write_submission(read_table(predictions), sample, submission, form=form, proba=read_table(proba))


if __name__ == "__main__":
    job.run(main, snakemake)
