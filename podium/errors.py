"""Errors that a user can cause, and the words in which they are told."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A mistake in the config or in the data: one line that says what, where and how to mend it.

    Scripts show it without a traceback and exit with status 1.
    """


class DamagedFile(UserError, ValueError):
    """A file that was written whole is so no longer."""

    def __init__(self, path: object, error: Exception) -> None:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        super().__init__(
            f"{path} is damaged ({first}); delete it and start again: what was made or fetched comes back"
        )


class TrainingError(UserError):
    """Training cannot go on; the job that shows it adds whose training it is."""


def shown(error: object) -> str:
    """An error's lines as a person sees them, each with the product's name before it."""
    return "\n".join(f"podium: {line}" for line in str(error).splitlines())


def hint(name: str, choices: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the closest valid name, else the list of valid names."""
    valid = sorted({str(choice) for choice in choices})
    lowered = {choice.lower(): choice for choice in valid}
    close = get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{lowered[close[0]]}'?"
    shown = ", ".join(valid[:12]) + (", ..." if len(valid) > 12 else "")
    return f"valid: {shown}" if valid else "there is no valid name"
