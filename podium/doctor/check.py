"""What one check says."""

import dataclasses
from typing import Literal

Mark = Literal["ok", "warning", "error"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line: ``what`` was found, and how to ``mend`` it (empty where there is nothing to mend).

    An ``error`` would stop the run; a ``warning`` costs time, or makes its results differ from those of others.
    """

    mark: Mark
    name: str
    what: str
    mend: str = ""


def ok(name: str, what: str) -> Check:
    """All is well."""
    return Check(mark="ok", name=name, what=what)


def warning(name: str, what: str, mend: str) -> Check:
    """Something that a run survives."""
    return Check(mark="warning", name=name, what=what, mend=mend)


def error(name: str, what: str, mend: str) -> Check:
    """Something that a run does not survive."""
    return Check(mark="error", name=name, what=what, mend=mend)


def amount(megabytes: float) -> str:
    """Megabytes as people say them."""
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"
