"""Gather all scores in one table, with their errors and why the submission is what it is."""

from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from podium import scores, scores_choice, timings
from podium.files import read_json, read_table, write_csv, write_json
from podium.targets import TaskType
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
    labels: Path,
    table: Path,
    facts: Path,
    task: str,
    member_rounds: list[tuple[str, int]],
    methods: list[str],
    submit: str,
    metric: str,
    type: TaskType,
    threads: int,
    settled: list[Path] | None = None,
    joint: list[str] | None = None,
) -> None:
    """Write ``scores.json`` for programs, and ``scores.csv`` for people, with what the jobs' records say of time.

    ``settled`` are predictions of members whose rounds end when they stop helping, in ``MEMBER/roundR/`` and
    ``MEMBER/settled/``: how many rounds there are is known when they have ended. The records of ``joint`` members
    are those of all their tasks.
    """
    dealt, test_rows = read_table(folds), len(read_table(test, columns=["id"]))
    scorer = scores.Scorer(
        read_table(train, columns=["id", "target"]),
        dealt,
        read_json(labels),
        metric=metric,
        type=type,
        test_rows=test_rows,
    )
    given: list[tuple[str, str, Path]]
    given = [(name, str(number), path) for (name, number), path in zip(member_rounds, oof, strict=True)]
    given += [(path.parts[-3], path.parts[-2].removeprefix("round"), path) for path in settled or []]
    combined, how = dict(zip(methods, ensembles_oof, strict=True)), read_json(decision)["method"]
    choice = scores_choice.read(submit, read_json(dict(zip(methods, ensembles, strict=True))[submit]), how)
    with threadpool_limits(threads):  # sums depend on how many threads share them
        rows = [
            scorer.score("member", name, number, read_table(path))
            for name, number, path in sorted(given, key=lambda entry: entry[0])
        ]
        rows += [scorer.score("ensemble", name, "", read_table(path)) for name, path in combined.items()]
        last = (f"{submit} + {how}", "", read_table(combined[submit]), read_table(decided))
        rows.append(scorer.score("submitted", *last))
        found = scores.table(rows, task=task, metric=metric, chosen=choice.method)
        why = scores_choice.facts(rows, choice, task=task, metric=metric, test_rows=test_rows)
    write_json({**why, "rows": found.to_dict(orient="records")}, facts)
    results = next(folder for folder in table.parents if folder.name == "results")
    write_csv(_timed(found, results, dealt["fold"].nunique(), joint or []), table)


def _timed(rows: pd.DataFrame, results: Path, folds: int, joint: list[str]) -> pd.DataFrame:
    """The table with the columns of ``podium.timings``, and the choice last."""
    known = []
    for row in rows.itertuples():
        if row.what == "member":
            place = f"joint/{row.name}" if row.name in joint else f"train/{row.task}/{row.name}"
            known.append(timings.of_member(results, place, str(row.round), folds))
        else:
            job_of = {"ensemble": f"ensemble/{row.task}/{row.name}", "submitted": f"decision/{row.task}"}
            known.append(timings.of_job(results, job_of[str(row.what)]))
    columns = pd.DataFrame(known, index=rows.index).astype({"rows_trained": "Int64"})
    return pd.concat([rows.drop(columns="chosen"), columns.round(2), rows["chosen"]], axis=1)


if __name__ == "__main__":
    job.run(main, snakemake)
