"""Words that YAML reads as true and false, where a number stands: pydantic takes them for 1 and 0."""

from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from podium.config import Config

Child = Callable[[Any, str, Any], Any]


def number_checks(raw: Any, child: Child, *, block: Any = Config, where: str = "") -> Iterator[str]:
    """Yield a line for each; ``child`` gives the class of a key's block from the block's class, the key, the value."""
    if not isinstance(raw, dict):
        return
    fields = block.model_fields if isinstance(block, type) and issubclass(block, BaseModel) else {}
    for key, value in raw.items():
        path = f"{where}.{key}" if where else str(key)
        if key in fields and _numbers_only(fields[key].annotation):
            if isinstance(value, bool) or (
                isinstance(value, list) and any(isinstance(x, bool) for x in value)
            ):
                yield f"{path}: must be a number; YAML reads yes, no, on and off as true and false"
        elif isinstance(value, dict):
            yield from number_checks(value, child, block=child(block, str(key), value), where=path)


def _numbers_only(annotation: Any) -> bool:
    """Whether a key takes a number, or a list of numbers, and neither true and false nor blocks."""
    if get_origin(annotation) is Literal:
        return False
    inner = [part for part in get_args(annotation) if isinstance(part, type) or get_args(part)]
    if not inner:
        return annotation in (int, float)
    kinds = [part for part in inner if part is not type(None)]
    return bool(kinds) and all(map(_numbers_only, kinds))
