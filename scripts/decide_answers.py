"""Turn predictions of spans into answers; what is fitted on the training questions is scored by cross-fitting."""

from pathlib import Path
from typing import Any

import pandas as pd

from podium import clustered
from podium.alignment import cluster_numbers, fold_numbers
from podium.files import read_table, write_json, write_table
from podium.span import metrics, rules
from podium.span.answers import decode_all, texts
from podium.span.predictions import read
from podium.span.rules import RuleOptions
from scripts import job


def main(
    *,
    oof: Path,
    test: Path,
    train: Path,
    asked: Path,
    folds: Path,
    oof_out: Path,
    test_out: Path,
    fit: Path,
    score: Path,
    metric: str,
    options: dict[str, Any],
) -> None:
    """Write ``id`` and ``label``, the answer, of train and test questions, the rule, and the score to report."""
    rows, tested, settings = read_table(train), read_table(asked), RuleOptions(**options)
    gold, assigned = decode_all(rows["target"]), read_table(folds)
    dealt = fold_numbers(assigned, rows["id"])
    clusters = cluster_numbers(assigned, rows["id"])
    contexts = rows["text_b"].tolist()
    said = read(oof).in_order(rows["id"].tolist())
    held_out = rules.crossfit(said, contexts, gold, dealt, metric=metric, options=settings)
    rule = rules.fit(said, contexts, gold, metric=metric, options=settings)
    predicted = read(test).in_order(tested["id"].tolist())
    answers = rules.answer(rule, predicted, tested["text_b"].tolist(), options=settings)
    write_table(_table(rows["id"], held_out).assign(fold=dealt), oof_out)
    write_table(_table(tested["id"], [metrics.handed_in(metric, text) for text in answers]), test_out)
    values = metrics.rows(metric, held_out, [texts(row) for row in gold])
    found = clustered.of_rows(metric, values, folds=dealt, clusters=clusters)
    how = "every question answered" if rule.threshold is None else "tuned doubt"
    empty = {"train": sum(not text for text in held_out), "test": sum(not text for text in answers)}
    write_json({"method": how, "metric": metric, **rule.facts(), "left_empty": empty}, fit)
    write_json({"metric": metric, "method": how, "cv": found.value, "se": found.se, "n": len(rows)}, score)


def _table(ids: pd.Series, answers: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"id": ids.to_numpy(), "label": answers}).astype("str")


if __name__ == "__main__":
    job.run(main, snakemake)
