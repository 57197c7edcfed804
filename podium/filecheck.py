"""The competition's files against the config, before any job starts."""

from collections.abc import Iterator
from pathlib import Path

from podium.config import Task
from podium.errors import UserError
from podium.ingest import column_mistakes, needed
from podium.ingest_targets import mistakes, names_of, parse
from podium.metrics import label_mistake
from podium.plan import FETCHED, Plan, folder_of
from podium.submission import rehearse
from podium.submission_columns import Form
from podium.tables import columns_of, read_rows
from podium.targets import sort_labels

QUICK_BYTES = 64_000_000  # a larger file is not read through at every start


def check(plan: Plan) -> None:
    """Raise ``UserError`` for files that no rule makes and that are not there, and for columns they lack.

    Targets that cannot be read or do not suit the metric are told, too, where the training file is quickly read.
    """
    found = [mistake for name, task in plan.config.tasks.items() for mistake in _task(plan, name, task)]
    for name, model in plan.config.models.items():
        encoder, vectors = getattr(model, "encoder", None), getattr(model, "vectors", None)
        folder = folder_of(encoder) if encoder else None
        if folder and folder not in FETCHED and not Path(folder, "config.json").is_file():
            found.append(f"models.{name}.encoder: {folder} has no config.json")
        if vectors is not None and not Path(vectors).is_file():
            found.append(f"models.{name}.vectors: there is no file {vectors}; put it there, or mend the path")
    if found:
        raise UserError("\n".join(f"config: {mistake}" for mistake in found))


def _task(plan: Plan, name: str, task: Task) -> Iterator[str]:
    wanted = {
        "train": needed(id=task.id, text=task.text, target=task.target, group=task.group),
        "test": needed(id=task.id, text=task.text, target=None, group=None),
        "sample": [],
        "holdout": [],
    }
    for key, columns in wanted.items():
        path = getattr(task, key)
        if path is None:
            continue
        if Path(path).is_file():
            yield from _file(plan, name, key, task, columns)
        elif path not in plan.made:
            yield f"tasks.{name}.{key}: there is no file {path}; put it there, or mend the path"


def _file(plan: Plan, name: str, key: str, task: Task, columns: list[str]) -> Iterator[str]:
    path = getattr(task, key)
    own_form = key in ("train", "test")
    encoding, separator = (task.encoding, task.separator) if own_form else (None, None)
    try:
        present = columns_of(Path(path), encoding=encoding, separator=separator)
    except UserError as error:
        yield f"tasks.{name}.{key}: {error}"
        return
    missing = column_mistakes(path, present, columns)
    yield from (f"tasks.{name}: {mistake}" for mistake in missing)
    if key == "train" and not missing:
        yield from _targets(plan, name, task)


def _targets(plan: Plan, name: str, task: Task) -> Iterator[str]:
    """Mistakes that the target columns show, where the files are small enough to be read at every start."""
    train, sample = Path(task.train), Path(task.sample) if task.sample else None
    if max(path.stat().st_size for path in (train, sample) if path and path.is_file()) > QUICK_BYTES:
        return
    try:
        target = names_of(task.target)
        rows = read_rows(train, columns=target, encoding=task.encoding, separator=task.separator)
        if task.type == "single_label":
            labels = sort_labels(label for label in rows[target[0]] if label)
            if mistake := label_mistake(task.metric, target[0], labels):
                yield f"tasks.{name}.metric: {mistake}"
        else:
            wrong = mistakes(
                task.train, rows, task.target, type=task.type, separator=task.label_separator, varied=True
            )
            yield from (f"tasks.{name}.target: {mistake}" for mistake in wrong)
            labels = (
                [] if wrong else parse(rows, task.target, type=task.type, separator=task.label_separator)[0]
            )
        if sample and sample.is_file() and labels:
            rehearse(sample, labels, form=Form(**plan.submission()))
    except UserError as error:
        yield f"tasks.{name}: {error}"
