"""What two effective configs say differently, key by key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A key (dotted) and its values; ``where`` names the only config that has it, or is "both"."""

    key: str
    where: str
    a: Any
    b: Any


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """Return every key that differs, in the order of ``a``, then of ``b``.

    A block that only one has is one difference; lists are compared as wholes; the order of keys does not count.
    """
    return list(_differences(a, b, ""))


def _differences(a: Mapping[str, Any], b: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for key in [*a, *(key for key in b if key not in a)]:
        name = f"{path}.{key}" if path else str(key)
        if key not in b:
            yield Difference(key=name, where="a", a=a[key], b=None)
        elif key not in a:
            yield Difference(key=name, where="b", a=None, b=b[key])
        elif isinstance(a[key], Mapping) and isinstance(b[key], Mapping):
            yield from _differences(a[key], b[key], name)
        elif _plain(a[key]) != _plain(b[key]) or isinstance(a[key], bool) is not isinstance(b[key], bool):
            yield Difference(key=name, where="both", a=_plain(a[key]), b=_plain(b[key]))


def _plain(value: Any) -> Any:
    """Tuples as lists: a config that was read from a file has no others."""
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
