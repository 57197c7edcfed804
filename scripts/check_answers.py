"""Compare the submitted answers with true ones that no other rule reads, and with the score reported."""

from pathlib import Path
from typing import Any

from podium.check_holdout import compare_answers, render
from podium.files import read_json, write_json, write_text
from podium.span.files import columns_of_table
from podium.span.ingest import Group, from_file
from podium.tables import read_rows
from scripts import job


def main(
    *,
    submission: Path,
    truth: Path,
    score: Path,
    report: Path,
    summary: Path,
    id: str,
    target: str,
    question: str | None,
    context: str | None,
    answer: str | None,
    start: str | None,
    article: str | None,
    group: Group,
    max_lost: float,
    encoding: str | None,
    separator: str | None,
) -> None:
    """Write the comparison as JSON to ``report``, in words to ``summary``; all true answers count, placed or not."""
    columns = columns_of_table(truth, id, question, context, answer=answer, start=start, article=article)
    form: dict[str, Any] = {"encoding": encoding, "separator": separator}
    found = from_file(truth, columns, answered=True, group=group, max_lost=1.0, **form)
    given = read_rows(submission, columns=None, encoding=None, separator=None)
    result = compare_answers(given, found.rows, id=id, target=target, reported=read_json(score)["chosen"])
    write_json(result, report)
    write_text(render(result) + "\n", summary)


if __name__ == "__main__":
    job.run(main, snakemake)
