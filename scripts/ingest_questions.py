"""Read questions, check them and the places of their answers, and write the pipeline's table."""

from pathlib import Path

from podium import ingest
from podium.files import write_json, write_table
from podium.span.files import columns_of_table
from podium.span.ingest import Group, from_file
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
    rows = found.rows.rename(columns={"id": id})
    ingest.check_test(rows, questions, sample, id=id, text=["text_a", "text_b"])
    write_table(found.rows, out)
    write_json({"form": found.form, **found.counts}, counts)
    if labels is not None:
        write_json([], labels)


if __name__ == "__main__":
    job.run(main, snakemake)
