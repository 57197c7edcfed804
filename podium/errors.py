"""Errors that a user can cause, and the words in which they are told."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 80  # characters of a name or value that is shown
_COMPARED = 2_000  # names that a wrong one is compared with; more take seconds
_MOST = 30  # mistakes that are told at once


class UserError(Exception):
    """A mistake in the config or in the data: one line that says what, where and how to mend it.

    Scripts show it without a traceback and exit with status 1. What cannot be printed is escaped: keys, names and
    values of a file may hold anything.
    """

    def __init__(self, text: str) -> None:
        super().__init__("\n".join(map(printable, text.split("\n"))))


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


def together(mistakes: Iterable[str]) -> str:
    """The lines of many mistakes, each once; where there are too many to be read, their number instead of the last."""
    lines = list(dict.fromkeys(mistakes))
    if len(lines) > _MOST:
        start = lines[0].partition(":")[0]
        lines = [*lines[: _MOST - 1], f"{start}: and {len(lines) - _MOST + 1} more mistakes like these"]
    return "\n".join(lines)


def printable(text: str) -> str:
    """Escape line ends and all else that cannot be printed."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def brief(value: object) -> str:
    """A name or value of a user's file as a message shows it: in one line, a long one without its middle."""
    text = str(value)
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}...{text[-_LONGEST // 4 :]}"
    return printable(text)


def hint(name: str, choices: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the closest valid name, else the list of valid names."""
    valid = sorted({str(choice) for choice in choices})
    lowered = {choice.lower(): choice for choice in _alike(str(name), valid)}
    close = get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{brief(lowered[close[0]])}'?"
    shown: list[str] = []
    room = 200  # characters of all names
    for choice in map(brief, valid[:12]):
        room -= len(choice)
        if shown and room < 0:
            break
        shown.append(choice)
    return (
        f"valid: {', '.join(shown)}{', ...' if len(valid) > len(shown) else ''}"
        if valid
        else "there is no valid name"
    )


def _alike(name: str, valid: list[str]) -> list[str]:
    """The names that are worth a comparison: none that are long texts; of very many those with the same beginning."""
    if len(name) > _LONGEST:
        return []
    short = [choice for choice in valid if len(choice) <= _LONGEST]
    if len(short) <= _COMPARED:
        return short
    start = name[:1].lower()
    return [choice for choice in short if choice[:1].lower() == start][:_COMPARED]
