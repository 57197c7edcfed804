"""The comparison of two runs as plain values."""

from dataclasses import dataclass
from pathlib import Path

from podium.compare import configs, files, scores
from podium.compare.configs import Difference as ConfigDifference
from podium.compare.decisions import Changes, changes
from podium.compare.files import Only, Stage
from podium.compare.rows_of import Shared, shared
from podium.compare.run import Results, read
from podium.compare.scores import Difference as ScoreDifference
from podium.compare.scores import TaskScores
from podium.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What differs in a task; ``notes`` say what the runs do not share, ``scores`` is None where there are none."""

    task: str
    type: str
    notes: list[str]
    same_folds: bool | None
    rows: int
    scores: TaskScores | None
    decisions: list[Changes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs; ``config`` is None where that of one of them is not known. ``competition`` is of several tasks."""

    a: str
    b: str
    notes: list[str]
    config: list[ConfigDifference] | None
    competition: list[ScoreDifference]
    tasks: list[Task]
    only_a: list[Only]
    only_b: list[Only]
    stages: list[Stage]


def compare(a: Path, b: Path) -> Comparison:
    """Compare the results in two folders; ``UserError`` where one holds none."""
    runs = read(a), read(b)
    common = [task for task in runs[0].tasks if task in runs[1].tasks]
    tasks = [_task(*runs, name) for name in common]
    known = None
    if runs[0].config is not None and runs[1].config is not None:
        known = configs.differences(runs[0].config, runs[1].config)
    scored = {task.task: task.scores for task in tasks if task.scores is not None}
    only = files.only(runs[0].folder, runs[1].folder)
    return Comparison(
        a=str(runs[0].folder),
        b=str(runs[1].folder),
        notes=_notes(*runs, common),
        config=known,
        competition=scores.competition(*runs, scored),
        tasks=tasks,
        only_a=only[0],
        only_b=only[1],
        stages=files.stages(runs[0].folder, runs[1].folder),
    )


def _notes(a: Results, b: Results, common: list[str]) -> list[str]:
    found = [f"{side}: {note}" for side, run in zip("ab", (a, b), strict=True) for note in run.noted]
    if a.competition != b.competition:
        found.append(f"different competitions: a is {a.competition}, b is {b.competition}")
    for side, run in zip("ab", (a, b), strict=True):
        others = [task for task in run.tasks if task not in common]
        if others:
            found.append(f"{side} alone has the task{'s' * (len(others) > 1)} {', '.join(others)}")
    if not common:
        found.append("no task is in both: only configs, files and times are compared")
    return found


def _task(a: Results, b: Results, name: str) -> Task:
    types = [run.of(name).type for run in (a, b)]
    if types[0] != types[1]:
        note = f"a is of type {types[0]}, b of type {types[1]}: nothing of it can be compared"
        empty: dict[str, None] = {"same_folds": None, "scores": None}
        return Task(task=name, type=types[0], notes=[note], rows=0, decisions=[], **empty)
    rows = shared(a, b, name)
    notes = _about(rows)
    found = None
    if rows is not None:
        try:
            found = scores.compare(a, b, name, rows)
        except UserError as error:
            notes.append(f"scores cannot be compared: {error}")
        else:
            notes += _about_scores(found)
    metric = found.metric if found else a.of(name).metric
    parts = [changes(a, b, name, part, type=types[0], metric=metric) for part in ("train", "test")]
    return Task(
        task=name,
        type=types[0],
        notes=notes,
        same_folds=None if rows is None else rows.same_folds,
        rows=0 if rows is None else len(rows.train),
        scores=found,
        decisions=[part for part in parts if part is not None],
    )


def _about(rows: Shared | None) -> list[str]:
    """What is to be said of rows and folds."""
    if rows is None:
        return ["no training row with a fold is in both: scores cannot be compared"]
    found = []
    if not rows.whole:
        relabelled = f"; {rows.relabelled:,} others have another label" if rows.relabelled else ""
        found.append(
            f"different rows: a has {rows.a:,} training rows, b {rows.b:,}; scores here are of the "
            f"{len(rows.train):,} that both have with the same label{relabelled}"
        )
    if not rows.same_folds:
        found.append(
            "different folds: a row's two predictions are of models that left out other rows; errors here are of "
            "the sampling of rows, and leave out by how much models of other folds differ"
        )
    if not rows.same_clusters:
        found.append("different near-duplicates: rows that either run ties are drawn together")
    return found


def _about_scores(found: TaskScores | None) -> list[str]:
    if found is None:
        return ["one of the runs has no scores.json: scores cannot be compared"]
    if found.metric != found.metric_b:
        return [
            f"different metrics: a has {found.metric}, b {found.metric_b}; scores here are all {found.metric}"
        ]
    return []
