"""The competition's files against the config, before any job starts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from podium import metrics
from podium.config import SpanTask, Task
from podium.config.noise import Noise
from podium.decision import mistake as decision_mistake
from podium.encoder_folders import FETCHED, folder_of, pretraining_of
from podium.errors import UserError, together
from podium.files import is_file, is_folder
from podium.ingest import column_mistakes, needed
from podium.ingest_external import id_column, target_mistakes
from podium.ingest_targets import mistakes, names_of, parse
from podium.metric_file import is_own
from podium.metrics import label_mistake
from podium.plan import Plan
from podium.plans import Plans
from podium.pseudo_choice import floors_of
from podium.submission import rehearse
from podium.submission_columns import Form
from podium.tables import columns_of, read_rows
from podium.targets import encode, sort_labels

QUICK_BYTES = 64_000_000  # a larger file is not read through at every start


def check_all(plans: Plans) -> None:
    """``check`` every task; what is wrong for several of them is told once."""
    found: list[str] = []
    for plan in plans.values():
        try:
            check(plan)
        except UserError as error:
            found += str(error).splitlines()
    if found:
        raise UserError(together(found))


def check(plan: Plan) -> None:
    """Raise ``UserError`` for files that no rule makes and that are not there, and for columns they lack.

    Targets that cannot be read or do not suit the metric are told, too, where the training file is quickly read.
    """
    found: list[str] = []
    for name, task in plan.config.tasks.items():
        found += _questions(plan, name, task) if isinstance(task, SpanTask) else _task(plan, name, task)
    for name, model in plan.config.models.items():
        encoder, vectors = getattr(model, "encoder", None), getattr(model, "vectors", None)
        folder = folder_of(encoder) if encoder and pretraining_of(encoder) is None else None
        if folder and folder not in FETCHED and not is_file(f"{folder}/config.json"):
            found.append(f"models.{name}.encoder: {folder} has no config.json")
        if vectors is not None and not is_file(vectors):
            found.append(f"models.{name}.vectors: there is no file {vectors}; put it there, or mend the path")
    for name, pretraining in plan.config.pretrain.items():
        folder = folder_of(pretraining.encoder) if pretraining.encoder else None
        if folder and folder not in FETCHED and not is_file(f"{folder}/config.json"):
            found.append(f"pretrain.{name}.encoder: {folder} has no config.json")
        for path in plan.pretrain_vectors(name):
            if not is_file(path):
                found.append(
                    f"pretrain.{name}.scratch.vectors: there is no file {path}; put it there, or mend the path"
                )
    overrides = plan.config.noise.overrides
    if overrides is not None and is_folder(overrides):
        found.append(f"noise.overrides: {overrides} is a folder; mend the path, or leave the key out")
    elif overrides not in (None, Noise.model_fields["overrides"].default) and not is_file(overrides):
        found.append(f"noise.overrides: there is no file {overrides}; put it there, or mend the path")
    for name in plan.config.augment:
        found += [f"augment.{name}: {mistake}" for mistake in _augment_files(plan, name)]
    if found:
        raise UserError(together(f"config: {mistake}" for mistake in found))


def _questions(plan: Plan, name: str, task: SpanTask) -> Iterator[str]:
    """Files of a span task that are not there, and columns that tables lack."""
    data = task.data
    for key in ("train", "test", "sample", "holdout"):
        path = getattr(task, key)
        if path is None:
            continue
        if not is_file(path):
            if path not in plan.made:
                yield f"tasks.{name}.{key}: there is no file {path}; put it there, or mend the path"
            continue
        if key != "sample" and not path.lower().endswith(".json"):
            answers = (data.answer, data.start) if key == "train" else ()
            wanted = [one for one in (task.id, data.question, data.context, data.article, *answers) if one]
            try:
                present = columns_of(Path(path), encoding=task.encoding, separator=task.separator)
            except UserError as error:
                yield f"tasks.{name}.{key}: {error}"
                continue
            yield from (f"tasks.{name}: {mistake}" for mistake in column_mistakes(path, present, wanted))


def _augment_files(plan: Plan, name: str) -> Iterator[str]:
    """Files and folders of an augmentation that no rule makes and that are not there."""
    for path in plan.augment_needs(name):
        if path in plan.made or path.startswith(("data/hub/", "results/pretrain/")) or is_file(path):
            continue
        if not is_folder(path):
            yield f"there is no file or folder {path}; put it there, or mend the path"
        elif not is_file(f"{path}/config.json"):
            yield f"{path} has no config.json"


def _metric(plan: Plan, name: str, task: Task) -> Iterator[str]:
    """Mistakes in the file of a user's own metric, and in the decision for what it takes."""
    if not is_own(task.metric):
        return
    try:
        if wrong := decision_mistake(plan.config.decision.method, plan.metric, task.type):
            yield f"decision.method: {wrong}"
    except UserError as error:
        yield f"tasks.{name}.{error}"


def _task(plan: Plan, name: str, task: Task) -> Iterator[str]:
    yield from _metric(plan, name, task)
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
        if is_file(path):
            yield from _file(plan, name, key, task, columns)
        elif path not in plan.made:
            yield f"tasks.{name}.{key}: there is no file {path}; put it there, or mend the path"
    for kind, files in (("external", task.external), ("unlabelled", task.unlabelled)):
        for own, block in files.items():
            if is_file(block.file):
                yield from _other_file(plan, f"tasks.{name}.{kind}.{own}", own)
            elif block.file not in plan.made:
                yield f"tasks.{name}.{kind}.{own}.file: there is no file {block.file}; put it there, or mend the path"


def _other_file(plan: Plan, where: str, own: str) -> Iterator[str]:
    """Columns that an external or unlabelled file lacks."""
    path = plan.other_file(own).file
    form = plan.other_form(own)
    try:
        present = columns_of(Path(path), **_written(form))
    except UserError as error:
        yield f"{where}: {error}"
        return
    id = id_column(present, form["id"], form["task_id"])
    wanted = needed(id=id, text=form["text"], target=form.get("target"), group=None)
    yield from (f"{where}: {mistake}" for mistake in _lacking(path, present, wanted, form["columns"]))


def _written(form: dict[str, Any]) -> dict[str, Any]:
    """How a file beside train and test is written, as ``podium.tables`` takes it."""
    return {"encoding": form["encoding"], "separator": form["separator"], "names": form["columns"]}


def _lacking(path: str, present: list[str], wanted: list[str], names: list[str] | None) -> Iterator[str]:
    """Columns that a file lacks: those that its lines are too short for, or that its header does not name."""
    short = [name for name in wanted if names is not None and name in names[len(present) :]]
    if short:
        found = f"its first line has {len(present)} fields, so it lacks '{short[0]}' of 'columns'"
        yield f"{path}: {found}; name the columns in their order"
    yield from column_mistakes(path, present, [name for name in wanted if name not in short])


def _file(plan: Plan, name: str, key: str, task: Task, columns: list[str]) -> Iterator[str]:
    path = getattr(task, key)
    own_form = key in ("train", "test")
    encoding, separator, names = (
        (task.encoding, task.separator, task.columns) if own_form else (None, None, None)
    )
    try:
        present = columns_of(Path(path), encoding=encoding, separator=separator, names=names)
    except UserError as error:
        yield f"tasks.{name}.{key}: {error}"
        return
    missing = list(_lacking(path, present, columns, names))
    yield from (f"tasks.{name}: {mistake}" for mistake in missing)
    if key == "train" and not missing and not list(_metric(plan, name, task)):
        yield from _targets(plan, name, task)


def _targets(plan: Plan, name: str, task: Task) -> Iterator[str]:
    """Mistakes that the target columns show, where the files are small enough to be read at every start."""
    train, sample = Path(task.train), Path(task.sample) if task.sample else None
    if max(path.stat().st_size for path in (train, sample) if path and path.is_file()) > QUICK_BYTES:
        return
    try:
        target = names_of(task.target)
        rows = read_rows(
            train, columns=target, encoding=task.encoding, separator=task.separator, names=task.columns
        )
        if task.type == "single_label":
            labels = sort_labels(label for label in rows[target[0]] if label)
            yield from _pseudo_bars(plan, labels)
            if mistake := label_mistake(plan.metric, target[0], labels):
                yield f"tasks.{name}.metric: {mistake}"
            elif is_own(task.metric):
                truth = encode(rows[target[0]][rows[target[0]] != ""], labels)
                soft = 0.1 / len(labels) + 0.9 * np.eye(len(labels))[truth]
                metrics.value(plan.metric, truth, truth, soft, classes=len(labels))
        else:
            wrong = mistakes(
                task.train, rows, task.target, type=task.type, separator=task.label_separator, varied=True
            )
            yield from (f"tasks.{name}.target: {mistake}" for mistake in wrong)
            labels = []
            if not wrong:
                labels, truth = parse(rows, task.target, type=task.type, separator=task.label_separator)
                if is_own(task.metric) or metrics.get(task.metric, task.type).whole:
                    metrics.value(plan.metric, truth, truth, 0.1 + 0.8 * truth, classes=len(labels))
        for own in task.external if labels else ():
            yield from _other_targets(plan, own, labels)
        if sample and sample.is_file() and labels:
            rehearse(sample, labels, form=Form(**plan.submission()))
    except UserError as error:
        yield f"tasks.{name}: {error}"


def _pseudo_bars(plan: Plan, labels: list[str]) -> Iterator[str]:
    """A class that bars of pseudo-labels name and that is none of ``labels``."""
    try:
        floors_of(plan.config.pseudo.bars(), labels)
    except UserError as error:
        yield str(error)


def _other_targets(plan: Plan, own: str, labels: list[str]) -> Iterator[str]:
    """Mistakes that an external file's targets show beside the task's ``labels``, where it is quickly read."""
    path, form = Path(plan.other_file(own).file), plan.ingest_external(own)
    if not path.is_file() or path.stat().st_size > QUICK_BYTES:
        return
    given = _written(form)
    columns = names_of(form["target"])
    if set(columns) <= set(columns_of(path, **given)):
        keys = ("type", "target", "label_separator", "label_map")
        rows = read_rows(path, columns=columns, **given)
        yield from target_mistakes(form["where"], rows, **{key: form[key] for key in keys}, labels=labels)
