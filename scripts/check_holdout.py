"""Compare the submission with true labels that no other rule reads, and with the score reported."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from podium import alignment, metrics, tables
from podium.adversarial import overlap
from podium.check_holdout import by_seen, compare, compare_columns, expected, render
from podium.errors import UserError
from podium.files import read_json, read_table, write_json, write_text
from podium.submission_columns import Form
from podium.targets import JOINT, TaskType, encode, sort_labels
from scripts import job

_log = logging.getLogger(__name__)


def main(
    *,
    submission: Path,
    truth: Path,
    score: Path,
    labels: Path,
    train: Path,
    test: Path,
    decided: Path,
    proba: Path,
    report: Path,
    summary: Path,
    id: str | None,
    type: TaskType,
    target: str | list[str],
    label_separator: str | None,
    probabilities: bool,
    ranked: int | None = None,
) -> None:
    """Write the comparison as JSON to ``report``, in words to ``summary`` and to the log.

    A submission of probabilities is judged by the labels ``decided`` with it; a metric of probabilities by ``proba``.
    """
    reported, classes = read_json(score)["chosen"], read_json(labels)
    metric = reported["metric"]
    true_rows = tables.read_rows(truth, columns=None, encoding=None, separator=None)
    rows = tables.read_rows(submission, columns=None, encoding=None, separator=None)

    def predicted() -> np.ndarray:
        table = read_table(proba)
        return alignment.probabilities(table, true_rows[id] if id else table["id"], classes, type)

    def value(true: list[str], labels: list[str]) -> tuple[float, float]:
        names = sort_labels([*classes, *true])
        if metrics.get(metric).uses == "labels":
            result = metrics.score_labels(metric, true, labels, names)
        else:
            result = metrics.score(metric, encode(true, classes), None, predicted(), classes=len(classes))
        return result.value, result.se

    try:
        if type == "single_label":
            label = str(target)
            if (label not in rows and len(rows.columns) > 2) or probabilities or ranked is not None:
                rows = read_table(decided).set_axis([id or "id", label], axis=1)
                rows[label] = rows[label].str.split(JOINT).str[0]  # the first of ranked labels
                rows = rows if id else rows[[label]]
            result = compare(
                rows,
                true_rows,
                id=id,
                target=label,
                metric=metric,
                metric_value=value,
                reported_cv=reported["cv"],
                reported_se=reported["se"],
                classes=classes,
            )
            if metrics.get(metric).uses == "labels":
                seen = _seen(train, test, by_id=id is not None)
                result |= by_seen(rows, true_rows, seen, id=id, target=label, metric_value=value)
        else:
            result = compare_columns(
                rows,
                true_rows,
                form=Form(
                    id=id,
                    type=type,
                    target=target,
                    label_separator=label_separator,
                    probabilities=probabilities,
                ),
                names=classes,
                proba=predicted,
                metric=metric,
                reported_cv=reported["cv"],
                reported_se=reported["se"],
            )
    except UserError as error:
        raise UserError(f"{truth}: {error}") from error
    result |= expected(result["true_score"], reported["board_low"], reported["board_high"])
    write_json(result, report)
    write_text(render(result) + "\n", summary)
    _log.info("%s", render(result))


def _seen(train: Path, test: Path, *, by_id: bool) -> pd.Series:
    """Which test rows have a text that also stands in train, case and the like aside; by id or row number."""
    rows = read_table(test)
    known, asked = overlap.equal_keys(read_table(train), rows)
    seen = np.isin(asked, known[known >= 0])
    return pd.Series(seen, index=rows["id"] if by_id else None)


if __name__ == "__main__":
    job.run(main, snakemake)
