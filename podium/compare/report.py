"""A comparison as a person reads it."""

from collections.abc import Iterator, Sequence

from podium.compare.configs import Difference as ConfigDifference
from podium.compare.decisions import Changes
from podium.compare.files import Only, Stage
from podium.compare.scores import Difference
from podium.compare.whole import Comparison, Task
from podium.explain.rows_text import label_text
from podium.explain.words import WIDTH, columns, counted, cut, plain, table, wrap
from podium.metric_file import shown
from podium.readable import duration

_FILES = 12
_WHO = {
    "a": "a alone is right",
    "b": "b alone is right",
    "both": "both are right",
    "neither": "neither is right",
    "unknown": "label not known",
}


def text(found: Comparison, *, rows: int) -> str:
    """The comparison in lines of at most 100 columns, with at most ``rows`` changed rows of each part."""
    return "\n".join(_lines(found, rows)) + "\n"


def _lines(found: Comparison, rows: int) -> Iterator[str]:
    yield f"a  {found.a}"
    yield f"b  {found.b}"
    for note in found.notes:
        yield from _noted(note)
    yield ""
    yield from _config(found.config)
    if found.competition:
        yield ""
        yield "the competition's score (mean of the tasks)"
        yield from _scores(found.competition)
    for task in found.tasks:
        yield ""
        yield from _task(task, rows)
    yield ""
    yield from _times(found.stages)
    for side, only in (("a", found.only_a), ("b", found.only_b)):
        if only:
            yield ""
            yield from _only(side, only)


def _noted(note: str) -> Iterator[str]:
    for k, line in enumerate(wrap(note, WIDTH - 6)):
        yield f"{'note: ' if k == 0 else '      '}{line}"


def _config(differences: Sequence[ConfigDifference] | None) -> Iterator[str]:
    if differences is None:
        yield "config: cannot be compared"
        return
    if not differences:
        yield "config: no key differs"
        return
    yield f"config: {counted(len(differences), 'key differs', 'keys differ')}"
    for one in differences:
        sides = ["-" if one.where == other else plain(value) for value, other in ((one.a, "b"), (one.b, "a"))]
        line = f"  {one.key}: a {sides[0]}, b {sides[1]}"
        if columns(line) <= WIDTH:
            yield line
        else:
            yield f"  {one.key}:"
            yield from (
                f"    {side} {cut(value, WIDTH - 6)}" for side, value in zip("ab", sides, strict=True)
            )


def _task(task: Task, rows: int) -> Iterator[str]:
    folds = {True: ", same folds", False: ", different folds", None: ""}[task.same_folds]
    yield f"{task.task}: {counted(task.rows, 'training row')} in both{folds}"
    for note in task.notes:
        yield from _noted(note)
    if task.scores is not None:
        yield ""
        yield f"{shown(task.scores.metric)} (b - a with its paired standard error)"
        yield from _scores(task.scores.differences)
        for side, names in (("a", task.scores.only_a), ("b", task.scores.only_b)):
            if names:
                yield from (f"  {line}" for line in wrap(f"in {side} alone: {', '.join(names)}", WIDTH - 2))
    for part in task.decisions:
        yield ""
        yield from _decisions(part, task.type, rows)


def _scores(differences: Sequence[Difference]) -> Iterator[str]:
    told = [("", "", "", "a", "b", "b - a", "", "", "")]
    for one in differences:
        name = one.name or (one.named_a if one.named_a == one.named_b else f"{one.named_a} | {one.named_b}")
        told.append(
            (
                one.what,
                cut(name, 34),
                one.round,
                f"{one.a:.4f}",
                f"{one.b:.4f}",
                "=" if one.same else f"{one.difference:+.4f}",
                "" if one.same else f"+- {one.se:.4f}",
                _verdict(one),
                "",
            )
        )
    yield from table(told, before="  ", right=[3, 4, 5])


def _verdict(one: Difference) -> str:
    """Which run is better, and by how many standard errors."""
    if one.same:
        return "same"
    if one.better == "level":
        return "level"
    errors = f" ({abs(one.difference) / one.se:.1f} errors)" if one.se > 0 else ""
    return f"{one.better} better{errors}"


def _decisions(part: Changes, type: str, rows: int) -> Iterator[str]:
    what = "training rows (out of fold)" if part.part == "train" else "test rows"
    changed = len(part.rows)
    counts = "; ".join(f"{words}: {part.count[who]:,}" for who, words in _WHO.items() if who in part.count)
    judged = f" ({counts})" if changed and part.part == "train" else ""
    heading = f"decisions on {what}: {changed:,} of {part.compared:,} differ{judged}"
    yield from wrap(heading, WIDTH)
    for side, count in (("a", part.only_a), ("b", part.only_b)):
        if count:
            yield f"  {counted(count, 'row')} in {side} alone"
    if not changed or not rows:
        return
    known = part.part == "train"
    told = [("id", "text", *(["label"] if known else []), "a", "b", *(["right"] if known else []))]
    width = 14 if known else 20
    for one in part.rows[:rows]:
        labels = [*([one.label] if known else []), one.a, one.b]
        said = [cut(_answer(label, type, given=known and k == 0), width) for k, label in enumerate(labels)]
        told.append((cut(one.id, 14), cut(one.text, 26), *said, *([one.right] if known else [])))
    yield from table(told, before="  ")
    if changed > rows:
        yield f"  ... and {changed - rows:,} more (--rows {changed}, or --json FILE for all)"


def _answer(label: str | None, type: str, *, given: bool) -> str:
    if type == "span" and not given:
        return label or "(no answer)"
    return label_text(label, type)


def _times(stages: Sequence[Stage]) -> Iterator[str]:
    if not stages:
        yield "time: no benchmarks files"
        return
    yield "time of the jobs by stage, as last made"
    told = [("", "a", "jobs", "b", "jobs")]
    for one in stages:
        told.append(
            (
                one.stage,
                *(("-", "-") if one.seconds_a is None else (duration(one.seconds_a), str(one.jobs_a))),
                *(("-", "-") if one.seconds_b is None else (duration(one.seconds_b), str(one.jobs_b))),
            )
        )
    sums = [[getattr(one, f"seconds_{side}") or 0.0 for one in stages] for side in "ab"]
    jobs = [sum(getattr(one, f"jobs_{side}") for one in stages) for side in "ab"]
    told.append(("all", duration(sum(sums[0])), str(jobs[0]), duration(sum(sums[1])), str(jobs[1])))
    yield from table(told, before="  ", right=[1, 2, 3, 4])


def _only(side: str, only: Sequence[Only]) -> Iterator[str]:
    yield f"in {side} alone: {counted(sum(one.files for one in only), 'file')}"
    for one in only[:_FILES]:
        yield f"  {one.path}" + (f" ({counted(one.files, 'file')})" if one.path.endswith("/") else "")
    if len(only) > _FILES:
        yield f"  ... and {len(only) - _FILES} more places"
