"""The reference of the config, written from the classes that define it."""

import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from podium.config import KINDS, Config, Eda, Model, Task, block_of

HEADER = """# The config, key by key

Written by `python -m podium reference docs/config.md` from `podium/config/`; a test keeps it current.
`python -m podium config [FILE]` prints the effective config of a file, every default filled in.
"""


def render() -> str:
    """The whole reference as Markdown."""
    parts = [HEADER, _section("Top level", Config)]
    parts += [_section("tasks.NAME", Task)]
    parts += [
        _section(name, field.annotation)
        for name, field in Config.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    ]
    parts += [_section("augment.NAME", Eda), _section("models.NAME, every kind", Model)]
    for kind, cls in KINDS.items():
        own = {name: field for name, field in cls.model_fields.items() if _is_own(name, field)}
        parts.append(_section(f"models.NAME, kind: {kind}", cls, own))
    return "\n".join(parts)


def _is_own(name: str, field: FieldInfo) -> bool:
    shared = Model.model_fields.get(name)
    return shared is None or shared.default != field.default


def _section(title: str, cls: Any, fields: dict[str, FieldInfo] | None = None, defaults: Any = None) -> str:
    """One table of keys; ``defaults`` is what an outer block puts into this one where the user says nothing."""
    fields = cls.model_fields if fields is None else fields
    lines = [f"## {title}", "", (cls.__doc__ or "").strip().splitlines()[0], ""]
    lines += ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    nested = []
    for name, field in fields.items():
        shown = _default(field) if defaults is None else f"`{_yaml(getattr(defaults, name))}`"
        lines.append(f"| `{name}` | {_type(field.annotation, field)} | {shown} | {field.description or ''} |")
        block = block_of(field.annotation)
        if block is not None and cls is not Config:
            inner = None if field.is_required() else field.get_default(call_default_factory=True)
            nested.append(_section(f"{title}: {name}", block, defaults=inner))
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
