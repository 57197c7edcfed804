"""Read questions, check them and the places of their answers, and write the pipeline's table."""

from pathlib import Path

from podium.errors import UserError, hint
from podium.files import write_json, write_table
from podium.span.files import columns_of_table
from podium.span.ingest import Group, from_file
from podium.tables import read_rows
from scripts import job


def main(
    *,
    questions: Path,
    out: Path,
    counts: Path,
    id: str,
    question: str | None,
    context: str | None,
    answer: str | None,
    start: str | None,
    article: str | None,
    group: Group,
    max_lost: float,
    encoding: str | None,
    separator: str | None,
    labels: Path | None = None,
    sample: Path | None = None,
) -> None:
    """Write the table and what was counted; with ``labels``, an empty list of classes, the answers are read, too."""
    if labels is None:  # tables of test questions need have no columns of answers
        answer = start = None
    columns = columns_of_table(questions, id, question, context, answer=answer, start=start, article=article)
    form = {"encoding": encoding, "separator": separator}
    found = from_file(questions, columns, answered=labels is not None, group=group, max_lost=max_lost, **form)
    if sample is not None:
        _check_sample(sample, id, questions, set(found.rows["id"]))
    write_table(found.rows, out)
    write_json({"form": found.form, **found.counts}, counts)
    if labels is not None:
        write_json([], labels)


def _check_sample(sample: Path, id: str, questions: Path, known: set[str]) -> None:
    """Raise ``UserError`` now, not after hours, where the sample asks for other questions."""
    rows = read_rows(sample, columns=None, encoding=None, separator=None)
    if id not in rows:
        raise UserError(f"{sample}: no column '{id}'; {hint(id, rows.columns)}")
    for what, odd in (
        (f"of the sample are not in {questions}", [name for name in rows[id] if name not in known]),
        ("are lacking in the sample", sorted(known - set(rows[id]))),
    ):
        if odd:
            raise UserError(f"{sample}: {len(odd)} ids {what} (first '{odd[0]}')")


if __name__ == "__main__":
    job.run(main, snakemake)
