"""Every key that a config can have, by its path.

A path has a dot between keys. Where the user gives a name, the path has what the name's block is: `models.linear.c` is
key `c` of a model of kind linear, `tasks.span.metric` the metric of a span task (`tasks.label.metric` that of any
other), `text.views.urls.with` an option of a step; `NAME` stands where all blocks are alike: `pretrain.NAME.epochs`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from podium.config import KINDS, Config, SpanTask, Task, block_of
from podium.config.augment import AUGMENTATIONS
from podium.config.ensemble import ENSEMBLES
from podium.config.text import Step

TASKS: dict[str, type[BaseModel]] = {"label": Task, "span": SpanTask}
STEPS: dict[str, type[BaseModel]] = {
    name: block for name, field in Step.model_fields.items() if (block := block_of(field.annotation))
}
NAMED: dict[str, Mapping[str, type[BaseModel]]] = {
    "tasks": TASKS,
    "models": KINDS,
    "augment": AUGMENTATIONS,
    "ensemble.named": ENSEMBLES,
    "text.views": STEPS,
}
"""Where the user gives names: the blocks that can stand there, by what tells them apart."""
TELLING = ("kind", "type")


def walk(block: type[BaseModel] = Config, above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield every key's path and field, each key of a block that holds others before theirs; blocks themselves too."""
    for name, field in block.model_fields.items():
        path = f"{above}{field.alias or name}"
        yield path, field
        if path in NAMED:
            for kind, inner in NAMED[path].items():
                yield from walk(inner, f"{path}.{kind}.")
        elif (own := inner_block(field.annotation)) is not None:
            mapped = get_origin(field.annotation) is dict
            yield from walk(own, f"{path}.NAME." if mapped else f"{path}.")


def leaves() -> dict[str, FieldInfo]:
    """Keys that hold a value, not a block: path to field. A block that may be null is a key, too: its null is a value.

    What a named block is (its kind) is not one of them: another kind is another block.
    """
    found = dict(walk())
    return {path: field for path, field in found.items() if not _structure(path, field)}


def _structure(path: str, field: FieldInfo) -> bool:
    """Whether a key only holds other keys, or tells what its block is."""
    if path in NAMED or (path.rpartition(".")[2] in TELLING and field.is_required()):
        return True
    nullable = type(None) in get_args(field.annotation)
    return inner_block(field.annotation) is not None and not nullable


def inner_block(annotation: Any) -> type[BaseModel] | None:
    """The class of the block, or of the named blocks, that a key holds; None for plain values."""
    if get_origin(annotation) is dict:
        return block_of(get_args(annotation)[1])
    return block_of(annotation)
