"""Gather all scores of a span task in one table, with their errors and why the submission is what it is."""

from pathlib import Path
from typing import Any

from podium import scores, scores_choice, timings
from podium.alignment import fold_numbers
from podium.files import read_json, read_table, write_csv, write_json
from podium.scores_stages import Twin, stages
from podium.span import rules
from podium.span.answers import decode_all
from podium.span.predictions import read
from podium.span.rules import RuleOptions
from podium.span.scoring import AnswerScorer
from scripts import job


def main(
    *,
    oof: list[Path],
    ensembles: list[Path],
    ensembles_oof: list[Path],
    decided: Path,
    decision: Path,
    train: Path,
    test: Path,
    folds: Path,
    table: Path,
    facts: Path,
    task: str,
    member_rounds: list[tuple[str, int]],
    methods: list[str],
    submit: str,
    metric: str,
    twins: list[Twin],
    options: dict[str, Any],
) -> None:
    """Write ``scores.json`` for programs, and ``scores.csv`` for people, with what the jobs' records say of time."""
    rows, dealt, settings = read_table(train), read_table(folds), RuleOptions(**options)
    tested = len(read_table(test, columns=["id"]))
    scorer = AnswerScorer(rows, dealt, metric=metric, test_rows=tested)
    gold, contexts = decode_all(rows["target"]), rows["text_b"].tolist()
    numbers = fold_numbers(dealt, rows["id"])

    def answers(path: Path) -> list[str]:
        """Answers of cross-fitted rules."""
        said = read(path).in_order(rows["id"].tolist())
        return rules.crossfit(said, contexts, gold, numbers, metric=metric, options=settings)

    found = [
        scorer.score("member", name, str(number), answers(path))
        for (name, number), path in sorted(zip(member_rounds, oof, strict=True))
    ]
    found += [
        scorer.score("ensemble", name, "", answers(path))
        for name, path in zip(methods, ensembles_oof, strict=True)
    ]
    fits, how = dict(zip(methods, map(read_json, ensembles), strict=True)), read_json(decision)["method"]
    given = read_table(decided).set_index("id").loc[rows["id"], "label"]
    found.append(scorer.score("submitted", f"{submit} + {how}", "", given.tolist()))
    choice = scores_choice.read(submit, fits[submit], how)
    told = scores.table(found, task=task, metric=metric, chosen=choice.method)
    why = scores_choice.facts(found, choice, task=task, metric=metric, test_rows=tested)
    why["stages"] = stages(found, submit=submit, twins=twins, metric=metric)
    write_json({**why, "rows": told.to_dict(orient="records")}, facts)
    results = next(folder for folder in table.parents if folder.name == "results")
    write_csv(timings.beside(told.drop(columns="no_gain"), results, dealt["fold"].nunique(), []), table)


if __name__ == "__main__":
    job.run(main, snakemake)
