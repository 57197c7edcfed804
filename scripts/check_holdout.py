"""Compare the submission with true labels that no other rule reads, and with the score reported."""

import logging
from pathlib import Path

from podium import metrics, tables
from podium.check_holdout import compare, render
from podium.files import read_json, write_json, write_text
from podium.ingest import sort_labels
from scripts import job

_log = logging.getLogger(__name__)


def main(
    *,
    submission: Path,
    truth: Path,
    score: Path,
    labels: Path,
    report: Path,
    summary: Path,
    id: str | None,
    target: str,
) -> None:
    """Write the comparison as JSON to ``report``, in words to ``summary`` and to the log."""
    reported = read_json(score)
    classes = read_json(labels)

    def value(true: list[str], predicted: list[str]) -> tuple[float, float]:
        names = sort_labels([*classes, *true])
        result = metrics.score_labels(reported["metric"], true, predicted, names)
        return result.value, result.se

    result = compare(
        tables.read_rows(submission, columns=None, encoding=None, separator=None),
        tables.read_rows(truth, columns=None, encoding=None, separator=None),
        id=id,
        target=target,
        metric=reported["metric"],
        metric_value=value,
        reported_cv=reported["cv"],
        reported_se=reported["se"],
    )
    write_json(result, report)
    write_text(render(result) + "\n", summary)
    _log.info("%s", render(result))


if __name__ == "__main__":
    job.run(main, snakemake)
