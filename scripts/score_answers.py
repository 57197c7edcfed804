"""Gather all scores of a span task in one table, with their errors and why the submission is what it is."""

from pathlib import Path
from typing import Any

from podium import scores, scores_choice, timings
from podium.files import read_json, read_table, write_csv, write_json
from podium.scores_stages import Twin, stages
from podium.span import rules
from podium.span.answers import decode_all
from podium.span.averaging import Board, Said
from podium.span.predictions import read
from podium.span.rules import Rule, RuleOptions
from podium.span.scoring import AnswerScorer
from scripts import job


def main(
    *,
    oof: list[Path],
    said: list[Path],
    alone: list[Path],
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
    asked = read_table(test, columns=["id", "text_b"])
    scorer = AnswerScorer(rows, dealt, metric=metric, test_rows=len(asked))
    gold, contexts, ids = decode_all(rows["target"]), rows["text_b"].tolist(), rows["id"].tolist()
    models = len(alone) // len(said)
    members = [(name, number) for name, number in member_rounds]
    folded = {member: alone[place * models : (place + 1) * models] for place, member in enumerate(members)}
    tests = dict(zip(members, said, strict=True))
    board = Board(asked, tests, folded, metric=metric, options=settings)
    fits, found = dict(zip(methods, map(read_json, ensembles), strict=True)), []

    def answered(path: Path) -> tuple[list[str], Rule]:
        """Answers of cross-fitted rules, and the rule of all questions."""
        known = read(path).in_order(ids), contexts, gold
        held = rules.crossfit(*known, scorer.folds, metric=metric, options=settings)
        return held, rules.fit(*known, metric=metric, options=settings)

    for member, path in sorted(zip(members, oof, strict=True)):
        answers, rule = answered(path)
        found.append(scorer.score("member", member[0], str(member[1]), answers, board.member(member, rule)))
    expected: dict[str, Said | str] = {}
    for name, path in zip(methods, ensembles_oof, strict=True):
        answers, rule = answered(path)
        expected[name] = board.ensemble(fits[name]["weights"], rule)
        found.append(scorer.score("ensemble", name, "", answers, expected[name]))
    how, final = read_json(decision)["method"], read_table(decided).set_index("id").loc[rows["id"], "label"]
    found.append(scorer.score("submitted", f"{submit} + {how}", "", final.tolist(), expected[submit]))
    choice = scores_choice.read(submit, fits[submit], how)
    told = scores.table(found, task=task, metric=metric, chosen=choice.method)
    why = scores_choice.facts(found, choice, task=task, metric=metric, test_rows=len(asked))
    why["stages"] = stages(found, submit=submit, twins=twins, metric=metric)
    write_json({**why, "rows": told.to_dict(orient="records")}, facts)
    results = next(folder for folder in table.parents if folder.name == "results")
    write_csv(timings.beside(told.drop(columns="no_gain"), results, dealt["fold"].nunique(), []), table)


if __name__ == "__main__":
    job.run(main, snakemake)
