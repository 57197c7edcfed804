"""The reference of the config, written from the classes that define it."""

import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from podium.config import KINDS, Config, Model, SpanTask, Task, block_of
from podium.config.augment import AUGMENTATIONS, Augmentation
from podium.config.ensemble import ENSEMBLES
from podium.config.pretrain import Pretraining
from podium.config.text import Step

HEADER = """# The config, key by key

Written by `python -m podium reference docs/config.md` from `podium/config/`; a test keeps it current.
`python -m podium config [FILE]` prints the effective config of a file, every default filled in.
"""


def render() -> str:
    """The whole reference as Markdown."""
    parts = [HEADER, _section("Top level", Config)]
    parts += [_section("tasks.NAME", Task), _section("tasks.NAME, type: span", SpanTask)]
    parts += [
        _section(name, field.annotation)
        for name, field in Config.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    ]
    parts += [
        _section(f"ensemble.named.NAME, kind: {kind}", cls, _more(cls)) for kind, cls in ENSEMBLES.items()
    ]
    parts += _sections("augment.NAME", Augmentation, AUGMENTATIONS)
    parts += [_section("pretrain.NAME", Pretraining)]
    parts += _sections("models.NAME", Model, KINDS)
    parts += [
        _section(f"text.views: step {name}", block)
        for name, field in Step.model_fields.items()
        if (block := block_of(field.annotation)) is not None and block.model_fields
    ]
    return "\n".join(parts)


def _sections(title: str, base: Any, kinds: Mapping[str, Any]) -> list[str]:
    """What every kind shares, then each kind's own keys."""
    sections = [_section(f"{title}, every kind", base)]
    for kind, cls in kinds.items():
        own = {name: field for name, field in cls.model_fields.items() if _is_own(base, name, field)}
        sections.append(_section(f"{title}, kind: {kind}", cls, own))
    return sections


def _more(cls: Any) -> dict[str, FieldInfo]:
    """The keys of a named ensemble that the block of its method has not."""
    return {name: field for name, field in cls.model_fields.items() if name in cls.__annotations__}


def _is_own(base: Any, name: str, field: FieldInfo) -> bool:
    shared = base.model_fields.get(name)
    return shared is None or (shared.default, shared.annotation) != (field.default, field.annotation)


def _section(title: str, cls: Any, fields: dict[str, FieldInfo] | None = None, defaults: Any = None) -> str:
    """One table of keys; ``defaults`` is what an outer block puts into this one where the user says nothing."""
    fields = cls.model_fields if fields is None else fields
    lines = [f"## {title}", "", (cls.__doc__ or "").strip().splitlines()[0], ""]
    lines += ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    nested = []
    for name, field in fields.items():
        shown = _default(field) if defaults is None else f"`{_yaml(getattr(defaults, name))}`"
        cells = [f"`{field.alias or name}`", _type(field.annotation, field), shown, field.description or ""]
        lines.append(f"| {' | '.join(cells)} |")
        block = block_of(field.annotation)
        if block is not None and cls is not Config:
            inner = None if field.is_required() else field.get_default(call_default_factory=True)
            mapped = get_origin(field.annotation) is dict
            where = f"{title}: {name}.NAME" if mapped else f"{title}: {name}"
            nested.append(_section(where, block, defaults=None if mapped else inner))
    return "\n".join([*lines, "", *nested])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "its own defaults"
    return f"`{_yaml(value)}`"


def _yaml(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{', '.join(_yaml(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    return str(value)


def _type(annotation: Any, field: FieldInfo | None = None) -> str:
    """A type in words, with the limits that pydantic keeps beside it."""
    if annotation is type(None):
        return "null"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(argument) for argument in arguments)
    if origin is list:
        text = f"list of {_type(arguments[0])}"
    elif origin is dict:
        text = f"mapping of names to {_type(arguments[1])}"
    elif hasattr(annotation, "__metadata__"):
        text = _limited(_type(arguments[0]), annotation.__metadata__)
    elif str(origin) == "typing.Literal":
        text = ", ".join(f"`{_yaml(argument)}`" for argument in arguments)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        text = "block"
    else:
        text = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}.get(
            getattr(annotation, "__name__", ""), "value"
        )
    return _limited(text, field.metadata) if field is not None else text


def _limited(text: str, metadata: Any) -> str:
    limits = []
    for item in metadata:
        for entry in [item, *getattr(item, "metadata", [])]:
            for name, sign in (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<")):
                if getattr(entry, name, None) is not None:
                    limits.append(f"{sign} {getattr(entry, name)}")
    return f"{text} ({', '.join(limits)})" if limits else text
