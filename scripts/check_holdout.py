"""Compare the submission with true labels that no other rule reads, and with the score reported."""

import logging
from pathlib import Path

from podium import metrics, tables
from podium.alignment import encode, probabilities
from podium.check_holdout import compare, render
from podium.files import read_json, read_table, write_json, write_text
from podium.ingest import sort_labels
from scripts import job

_log = logging.getLogger(__name__)


def main(
    *,
    submission: Path,
    truth: Path,
    score: Path,
    labels: Path,
    decided: Path,
    proba: Path,
    report: Path,
    summary: Path,
    id: str | None,
    target: str,
) -> None:
    """Write the comparison as JSON to ``report``, in words to ``summary`` and to the log.

    A submission of probabilities is judged by the labels ``decided`` with it; a metric of probabilities by ``proba``.
    """
    reported, classes = read_json(score), read_json(labels)
    true_rows = tables.read_rows(truth, columns=None, encoding=None, separator=None)
    rows = tables.read_rows(submission, columns=None, encoding=None, separator=None)
    if target not in rows and len(rows.columns) > 2:
        rows = read_table(decided).set_axis([id or "id", target], axis=1)
        rows = rows if id else rows[[target]]

    def value(true: list[str], predicted: list[str]) -> tuple[float, float]:
        names = sort_labels([*classes, *true])
        if metrics.get(reported["metric"]).uses == "labels":
            result = metrics.score_labels(reported["metric"], true, predicted, names)
        else:
            table = read_table(proba)
            ids = true_rows[id] if id else table["id"]
            result = metrics.score(
                reported["metric"],
                encode(true, classes),
                None,
                probabilities(table, ids, classes),
                classes=len(classes),
            )
        return result.value, result.se

    result = compare(
        rows,
        true_rows,
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
