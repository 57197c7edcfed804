"""Scores of two runs on the rows that both have, and their paired differences.

All is scored anew, with the same draws of the same units (``podium.resampling``), so that a difference is drawn as one.
Where both runs deal their rows to the same folds, the models of a fold are of the same rows and fold effects count
as in ``scores.csv``. Else each row's two predictions are of models that left out other rows: rows (clusters) are then
drawn over all folds together, and what single models differ by is not in the error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from podium.alignment import fold_numbers
from podium.compare.rows_of import Shared
from podium.compare.run import Results
from podium.competition import combined
from podium.errors import UserError
from podium.files import read_json, read_table
from podium.metrics import Score, utility
from podium.predict import columns
from podium.resampling import Drawn
from podium.scores import Scorer
from podium.span import rules
from podium.span.answers import decode_all
from podium.span.predictions import read
from podium.span.rules import RuleOptions
from podium.span.scoring import AnswerScorer
from podium.targets import TaskType, sort_labels

NO_GAIN = "not asked for"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A member in a round, an ensemble, or what is submitted, in both runs.

    ``a`` and ``b`` are scores on the shared rows, ``difference`` is b less a, ``se`` its paired standard error,
    ``better`` the run whose score is better, or "level". ``named_a`` and ``named_b`` say what each submits. ``same``:
    no draw tells them apart, as where all rows are decided alike.
    """

    task: str
    what: str
    name: str
    round: str
    a: float
    b: float
    difference: float
    se: float
    better: str
    same: bool
    named_a: str
    named_b: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScores:
    """The differences of a task, by its metric in run a; ``only_a``, ``only_b`` name what one run alone has."""

    metric: str
    metric_b: str
    differences: list[Difference]
    only_a: list[str]
    only_b: list[str]


Key = tuple[str, str, str]
Score_ = Callable[[Key], Drawn]


def compare(a: Results, b: Results, task: str, rows: Shared) -> TaskScores | None:
    """Compare all scores of a task; None where a run has no table of scores yet."""
    facts = [one.of(task).facts() for one in (a, b)]
    if not all(facts):
        return None
    keys = [{_key(row): row for row in one["rows"]} for one in facts]
    metrics = [str(one["chosen"]["metric"]) for one in facts]
    kind = a.of(task).type
    make = _answers if kind == "span" else _labelled
    scored = [make(one, task, rows, metrics[0], side, (a, b)) for side, one in zip("ab", (a, b), strict=True)]
    found = []
    for key in (key for key in keys[0] if key in keys[1]):
        drawn = [score(key) for score in scored]
        apart = drawn[1].less(drawn[0])
        named = [str(own[key]["name"]) for own in keys]
        found.append(_difference(task, key, drawn, apart, named, metrics[0]))
    return TaskScores(
        metric=metrics[0],
        metric_b=metrics[1],
        differences=found,
        only_a=[_named(key) for key in keys[0] if key not in keys[1]],
        only_b=[_named(key) for key in keys[1] if key not in keys[0]],
    )


def _key(row: dict[str, Any]) -> Key:
    """What a row of the table is of; the submission is one, whatever it is made of."""
    what = str(row["what"])
    return what, "" if what == "submitted" else str(row["name"]), str(row["round"])


def _named(key: Key) -> str:
    what, name, number = key
    return f"{what} {name}" + (f" round {number}" if number.isdigit() else f" {number}" if number else "")


def _difference(
    task: str, key: Key, drawn: Sequence[Drawn], apart: Drawn, named: Sequence[str], metric: str
) -> Difference:
    gain = utility(metric, apart.value)
    return Difference(
        task=task,
        what=key[0],
        name=key[1],
        round=key[2],
        a=drawn[0].value,
        b=drawn[1].value,
        difference=apart.value,
        se=apart.se,
        better="level" if gain == 0 else "b" if gain > 0 else "a",
        same=apart.value == 0 and apart.se == 0,
        named_a=named[0],
        named_b=named[1],
    )


def _path(run: Results, task: str, key: Key) -> Path:
    what, name, number = key
    if what == "member":
        number = f"round{number}" if number.isdigit() else number
        return run.folder / f"predict/{task}/{name}/{number}/oof.parquet"
    if what == "submitted":
        name = str(run.of(task).facts()["chosen"]["name"])
    return run.folder / f"ensemble/{task}/{name}/oof.parquet"


def _labelled(
    run: Results, task: str, rows: Shared, metric: str, side: str, both: tuple[Results, Results]
) -> Score_:
    """What scores predictions of labels or values of one run."""
    kind: TaskType = both[0].of(task).type  # type: ignore[assignment]
    lists = [one.of(task).labels() for one in both]
    labels = lists[0] if lists[0] == lists[1] else sort_labels({*lists[0], *lists[1]})
    scorer = Scorer(rows.train, rows.folds, labels, metric=metric, type=kind, test_rows=0)
    ids = set(rows.train["id"])

    def score(key: Key) -> Drawn:
        table = _of_rows(_path(run, task, key), ids)
        lacking = {name: 0.0 for name in columns(labels, kind) if name not in table.columns}
        decided = None
        if key[0] == "submitted":
            decided = _of_rows(run.folder / f"decision/{task}/oof.parquet", ids)
        return scorer.score(*key, table.assign(**lacking), decided, tested=NO_GAIN).drawn

    return score


def _of_rows(path: Path, ids: set[str]) -> pd.DataFrame:
    """The rows of a table with these ids; ``UserError`` where it does not have each of them once.

    A run that goes on, failed or was asked for parts leaves tables of other rows beside those of today.
    """
    if not path.is_file():
        raise UserError(f"{path} is not there: finish the run that makes it")
    table = read_table(path)
    kept = table[table["id"].isin(ids)].reset_index(drop=True)
    if len(kept) != len(ids):
        raise UserError(f"{path} is of other rows than stage ingest has now: finish the run that makes it")
    return kept


def _answers(
    run: Results, task: str, rows: Shared, metric: str, side: str, both: tuple[Results, Results]
) -> Score_:
    """What scores answers of one run, by rules that are cross-fitted over its own folds and rows."""
    scorer = AnswerScorer(rows.train, rows.folds, metric=metric, test_rows=0)
    questions = read_table(run.folder / f"ingest/{task}/train.parquet")
    gold, contexts, ids = decode_all(questions["target"]), questions["text_b"].tolist(), set(questions["id"])
    if set(rows.own_folds[side]["id"]) != ids:
        raise UserError(
            f"the folds of {run.folder} are of other rows than stage ingest has now: finish the run"
        )
    numbers = fold_numbers(rows.own_folds[side], questions["id"])
    own_metric = str(run.of(task).facts()["chosen"]["metric"])

    def score(key: Key) -> Drawn:
        if key[0] == "submitted":
            told = _of_rows(run.folder / f"decision/{task}/oof.parquet", ids).set_index("id")["label"]
        else:
            _of_rows(_path(run, task, key), ids)
            said = read(_path(run, task, key)).in_order(questions["id"].tolist())
            answers = rules.crossfit(
                said, contexts, gold, numbers, metric=own_metric, options=_rules(run, task)
            )
            told = pd.Series(answers, index=questions["id"])
        return scorer.score(*key, told.loc[rows.train["id"]].tolist(), NO_GAIN).drawn

    return score


def _rules(run: Results, task: str) -> RuleOptions:
    if run.config is None:
        raise UserError(
            f"compare: the config of {run.folder} is not known, and answers of span tasks need it"
        )
    return RuleOptions(**run.config["tasks"][task]["decision"])


def competition(a: Results, b: Results, found: dict[str, TaskScores]) -> list[Difference]:
    """The differences of the competition's own score: the tasks' mean, of all that every task has in both runs.

    The tasks' rows are different rows, so their errors are independent (``podium.competition.combined``).
    """
    weights = [_shares(one, found) for one in (a, b)]
    if len(found) < 2 or None in weights or weights[0] != weights[1]:
        return []
    share = weights[0] or {}
    keyed = {
        task: {(one.what, one.name, one.round): one for one in scores.differences}
        for task, scores in found.items()
    }
    first = next(iter(keyed.values()))
    whole = []
    for key in (key for key in first if all(key in rows for rows in keyed.values())):
        own = {task: rows[key] for task, rows in keyed.items()}
        apart = combined({task: Score(one.difference, one.se) for task, one in own.items()}, share)
        sides = [sum(share[task] * getattr(one, side) for task, one in own.items()) for side in ("a", "b")]
        signs = {one.better for one in own.values() if one.better != "level"}
        up = next((one.difference > 0) == (one.better == "b") for one in own.values()) if signs else True
        better = "level" if apart.value == 0 else "b" if (apart.value > 0) == up else "a"
        whole.append(
            Difference(
                task="",
                what=key[0],
                name=key[1],
                round=key[2],
                a=sides[0],
                b=sides[1],
                difference=apart.value,
                se=apart.se,
                better=better,
                same=all(one.same for one in own.values()),
                named_a="",
                named_b="",
            )
        )
    return whole


def _shares(run: Results, found: dict[str, TaskScores]) -> dict[str, float] | None:
    """The tasks' shares of the competition's score; None where it is not the mean of these tasks."""
    path = run.folder / "scores.json"
    told = read_json(path) if path.is_file() else {}
    given = told.get("shares")
    if given is None or set(given) != set(found):
        return None
    return {task: float(given[task]) for task in found}
