"""The competition's files against the config, before any job starts."""

from collections.abc import Iterator
from pathlib import Path

from podium.config import Task, Transformer
from podium.errors import UserError
from podium.ingest import column_mistakes, needed, sort_labels
from podium.plan import FETCHED, Plan, folder_of
from podium.submission import rehearse
from podium.tables import columns_of, read_rows

QUICK_BYTES = 64_000_000  # a larger file is not read through at every start


def check(plan: Plan) -> None:
    """Raise ``UserError`` for files that no rule makes and that are not there, and for columns they lack.

    A binary metric on other than two labels is told, too, where the training file is quickly read.
    """
    mistakes = [mistake for name, task in plan.config.tasks.items() for mistake in _task(plan, name, task)]
    for name, model in plan.config.models.items():
        folder = folder_of(model.encoder) if isinstance(model, Transformer) else None
        if folder and folder not in FETCHED and not Path(folder, "config.json").is_file():
            mistakes.append(f"models.{name}.encoder: {folder} has no config.json")
    if mistakes:
        raise UserError("\n".join(f"config: {mistake}" for mistake in mistakes))


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
            yield from _file(name, key, task, columns)
        elif path not in plan.made:
            yield f"tasks.{name}.{key}: there is no file {path}; put it there, or mend the path"


def _file(name: str, key: str, task: Task, columns: list[str]) -> Iterator[str]:
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
        yield from _labels(name, task)


def _labels(name: str, task: Task) -> Iterator[str]:
    """Mistakes that the class names show, where the files are small enough to be read at every start."""
    train, sample = Path(task.train), Path(task.sample) if task.sample else None
    if max(path.stat().st_size for path in (train, sample) if path and path.is_file()) > QUICK_BYTES:
        return
    try:
        rows = read_rows(train, columns=[task.target], encoding=task.encoding, separator=task.separator)
        labels = sort_labels(label for label in rows[task.target] if label)
        if task.metric == "f1" and len(labels) != 2:
            yield f"tasks.{name}.metric: f1 is for two labels, but {task.target} has {len(labels)}; use macro_f1"
        if sample and sample.is_file() and labels:
            rehearse(sample, labels, id=task.id, target=task.target)
    except UserError as error:
        yield f"tasks.{name}: {error}"
