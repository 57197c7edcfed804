"""What is said of a likely cause of a low score."""

import dataclasses
from typing import Literal

Severity = Literal["severe", "likely", "possible"]
SEVERITIES: tuple[Severity, ...] = ("severe", "likely", "possible")
"""From the worst: severe alone explains a useless member; likely costs much; possible may be as it should be."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One likely cause.

    ``cause`` is its name, a heading of docs/diagnose.md; ``figure`` what was found, ``usual`` what is usual, and who
    says so; ``advice`` which key of the config to change, and how.
    """

    cause: str
    severity: Severity
    figure: str
    usual: str
    advice: str


def ordered(findings: list[Finding]) -> list[Finding]:
    """Return the findings from the worst; of equal ones the first found stays first."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def worst(severities: list[Severity]) -> Severity:
    """Return the worst of some severities."""
    return min(severities, key=SEVERITIES.index)


def share(part: float) -> str:
    """A share as people read it."""
    return f"{part:.0%}" if part >= 0.095 else f"{part:.1%}"


def listed(names: list[str], most: int = 4) -> str:
    """Some names in a sentence, how many more there are at the end."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
