"""Gather all scores in one table, with their errors and why the submission is what it is."""

from pathlib import Path

from threadpoolctl import threadpool_limits

from podium import averaging, scores, scores_choice, timings
from podium.averaging_tables import BoardTables
from podium.files import read_json, read_table, write_csv, write_json
from podium.scores_stages import Twin, stages
from podium.targets import TaskType
from scripts import job


def main(
    *,
    oof: list[Path],
    tests: list[Path],
    tests_folds: list[Path],
    ensembles: list[Path],
    ensembles_oof: list[Path],
    ensembles_test: list[Path],
    ensembles_folds: list[Path],
    decided: Path,
    decided_test: Path,
    decided_folds: Path,
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
    twins: list[Twin],
    threads: int,
    settled: list[Path] | None = None,
    joint: list[str] | None = None,
    settled_tests: list[Path] | None = None,
    settled_folds: list[Path] | None = None,
) -> None:
    """Write ``scores.json`` for programs, and ``scores.csv`` for people, with what the jobs' records say of time.

    ``settled`` are predictions of members whose rounds end when they stop helping, in ``MEMBER/roundR/`` and
    ``MEMBER/settled/``: how many rounds there are is known when they have ended. Beside each table of out-of-fold
    predictions are those of test rows: the submitted ones, and what the models of single folds say. The records of
    ``joint`` members are those of all their tasks.
    """
    dealt, names, test_ids = read_table(folds), read_json(labels), read_table(test, columns=["id"])["id"]
    scorer = scores.Scorer(
        read_table(train, columns=["id", "target"]),
        dealt,
        names,
        metric=metric,
        type=type,
        test_rows=len(test_ids),
    )
    given = [
        (name, str(number), files)
        for (name, number), *files in zip(member_rounds, oof, tests, tests_folds, strict=True)
    ]
    given += [
        (files[0].parts[-3], files[0].parts[-2].removeprefix("round"), files)
        for files in map(list, zip(settled or [], settled_tests or [], settled_folds or [], strict=True))
    ]
    fits = dict(zip(methods, map(read_json, ensembles), strict=True))
    combined = dict(
        zip(methods, zip(ensembles_oof, ensembles_test, ensembles_folds, strict=True), strict=True)
    )
    verdict = read_json(decision)
    how, choice = verdict["method"], scores_choice.read(submit, fits[submit], verdict["method"])
    looked_at = BoardTables(averaging.sampled(test_ids), names, averaging.mistake(metric, type))
    with threadpool_limits(threads):  # sums depend on how many threads share them
        rows = []
        for name, number, (held_out, *tested) in sorted(given, key=lambda entry: entry[0]):
            said = looked_at.member(name, *tested)
            rows.append(scorer.score("member", name, number, read_table(held_out), tested=said))
        for name, (held_out, *tested) in combined.items():
            said = looked_at.ensemble(fits[name]["members"], *tested)
            rows.append(scorer.score("ensemble", name, "", read_table(held_out), tested=said))
        said = looked_at.ensemble(fits[submit]["members"], *combined[submit][1:])
        said = looked_at.decided(said, decided_test, decided_folds, shifted=verdict["label_shift"])
        last = (f"{submit} + {how}", "", read_table(combined[submit][0]), read_table(decided))
        rows.append(scorer.score("submitted", *last, tested=said))
        found = scores.table(rows, task=task, metric=metric, chosen=choice.method)
        why = scores_choice.facts(rows, choice, task=task, metric=metric, test_rows=len(test_ids))
        why["stages"] = stages(rows, submit=submit, twins=twins, metric=metric)
    write_json({**why, "rows": found.to_dict(orient="records")}, facts)
    results = next(folder for folder in table.parents if folder.name == "results")
    found = found.drop(columns="no_gain")
    write_csv(timings.beside(found, results, dealt["fold"].nunique(), joint or []), table)


if __name__ == "__main__":
    job.run(main, snakemake)
