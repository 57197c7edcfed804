"""Mistakes in the external and unlabelled files that only show beside other keys of the config."""

import os
from collections.abc import Iterator, Mapping, Sequence

from podium.config import Config, SpanTask, Task
from podium.config.external import External, Unlabelled
from podium.errors import hint
from podium.ingest import needed
from podium.ingest_targets import names_of

RESERVED = ("train", "test", "pseudo")


def external_checks(config: Config) -> Iterator[str]:
    """Yield a line for each mistake."""
    for name, task in config.tasks.items():
        if isinstance(task, SpanTask):
            continue
        where = f"tasks.{name}"
        for kind, files in (("external", task.external), ("unlabelled", task.unlabelled)):
            for own, block in files.items():
                if own in RESERVED:
                    yield f"{where}.{kind}.{own}: this name is reserved"
                if own in config.augment:
                    yield f"{where}.{kind}.{own}: augment.{own} has this name, too; choose another"
                if kind == "unlabelled" and own in task.external:
                    yield f"{where}.{kind}.{own}: {where}.external.{own} has this name, too; choose another"
                yield from _file_checks(where, f"{where}.{kind}.{own}", task, block)
        for own, external in task.external.items():
            yield from _label_checks(f"{where}.external.{own}", task, external)


def kinds_checks(config: Config) -> Iterator[str]:
    """A name that is a labelled file in one task and one without labels in another: the rules are by name."""
    labelled = {own: name for name, task in config.tasks.items() for own in task.external}
    for name, task in config.tasks.items():
        for own in task.unlabelled:
            if own in labelled and labelled[own] != name:
                other = f"tasks.{labelled[own]}.external.{own}"
                yield f"tasks.{name}.unlabelled.{own}: {other} has this name, too; choose another"


def _file_checks(task_where: str, where: str, task: Task, block: External | Unlabelled) -> Iterator[str]:
    for key in ("train", "test", "sample", "holdout"):
        path = getattr(task, key)
        if path is not None and os.path.normpath(path) == os.path.normpath(block.file):
            yield f"{where}.file: {block.file} is the file of {task_where}.{key}, too"
    if block.text is not None and len(block.text) != len(task.text):
        yield (
            f"{where}.text: has {len(block.text)} of the text segments, and {task_where}.text has {len(task.text)}"
        )
    target = block.target or task.target if isinstance(block, External) else None
    yield from headerless_checks(
        where, block.columns, {"id": block.id, "text": block.text or task.text, "target": target}
    )


def headerless_checks(
    where: str, columns: Sequence[str] | None, keys: Mapping[str, str | Sequence[str | list[str]] | None]
) -> Iterator[str]:
    """Mistakes in the ``columns`` of files without a header, and names that ``keys`` use and that are none of them."""
    if columns is None:
        return
    for name in dict.fromkeys(columns):
        if columns.count(name) > 1:
            yield f"{where}.columns: '{name}' stands there more than once"
    for key, value in keys.items():
        segments = [value] if isinstance(value, str) else value or []
        for name in needed(id=None, text=segments, target=None, group=None):
            if name not in columns:
                more = ", or null to number the rows" if key == "id" else ""
                yield f"{where}.{key}: '{name}' is none of {where}.columns; {hint(name, columns)}{more}"


def _label_checks(where: str, task: Task, block: External) -> Iterator[str]:
    target, text = block.target or task.target, block.text or task.text
    names = names_of(target)
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{where}.target: '{name}' stands there more than once"
        if name in needed(id=None, text=text, target=None, group=None):
            yield f"{where}.text: holds the target column '{name}'"
        if name == block.id:
            yield f"{where}.target: '{name}' is the column of ids, too"
    if task.type == "regression" and block.labels:
        yield f"{where}.labels: a regression has values, not labels"
    if task.type == "regression" and len(names) != len(names_of(task.target)):
        yield f"{where}.target: names {len(names)} columns, and the task has {len(names_of(task.target))}"
    if task.type == "single_label" and not isinstance(target, str):
        yield f"{where}.target: a single_label task has one column; write target: {names[0]}"
    if task.type != "multi_label" and block.label_separator is not None:
        yield f"{where}.label_separator: only for type multi_label"
    separator = block.label_separator or task.label_separator
    if task.type == "multi_label" and isinstance(target, str) and separator is None:
        yield (
            f"{where}.target: name several columns of 0 and 1, or label_separator, what stands between the labels "
            f"of the column '{target}'"
        )
    if task.type == "multi_label" and not isinstance(target, str):
        for label in block.labels:
            if label not in names:
                yield f"{where}.labels: '{label}' is none of the columns in target, whose names are the labels"
