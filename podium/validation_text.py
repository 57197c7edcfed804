"""Mistakes in the text views that only show beside other blocks of the config."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic.fields import FieldInfo

from podium.config import Config
from podium.config.text import Emoji, Emoticons, Step
from podium.errors import hint
from podium.lemmas import LANGUAGES

RESERVED = ("train", "test")
NAMED = {"emoji": Emoji, "emoticons": Emoticons}
"""Steps that need words in the task's language where they name no other."""
OWNERS = {"with": "replace", "language": "words"}
"""Options of steps, and the action that they belong to."""


def text_checks(config: Config) -> Iterator[str]:
    """Yield a line for each mistake."""
    language = next(iter(config.tasks.values())).language
    for view in config.text.views:
        where = f"text.views.{view}"
        if view in RESERVED:
            yield f"{where}: this name is reserved"
        steps = config.text.steps(view)
        for place, step in enumerate(steps):
            if step.name == "drop_duplicates" and place < len(steps) - 1:
                yield f"{where}[{place}]: drop_duplicates must be the last step"
            yield from _languages(f"{where}[{place}].{step.name}", step, language)
            yield from _idle(f"{where}[{place}].{step.name}", step)


def _languages(where: str, step: Step, language: str) -> Iterator[str]:
    """A step that has no words in the task's language."""
    if step.name == "lemmas" and language not in LANGUAGES:
        close = hint(language, LANGUAGES)
        yield f"{where}: there are no lemmas for the task's language '{language}'; {close}, or take the step out"
    if step.name not in NAMED or step.options["action"] == "drop" or step.options["language"]:
        return
    known = _choices(NAMED[step.name].model_fields["language"])
    if language not in known:
        yield (
            f"{where}: there are no words in the task's language '{language}'; set language to one of "
            f"{', '.join(known)}, set action: drop, or take the step out"
        )


def _idle(where: str, step: Step) -> Iterator[str]:
    """Options that the step's action leaves without any effect."""
    for key, action in OWNERS.items():
        given = step.options.get(key)
        if given is None or step.options["action"] == action:
            continue
        if given != getattr(Step.model_validate({step.name: {}}), step.name).model_dump(by_alias=True)[key]:
            yield f"{where}.{key}: belongs to action: {action}; leave it out"


def _choices(field: FieldInfo) -> list[Any]:
    """The values of a key that is one of some words or null."""
    return [choice for kind in get_args(field.annotation) for choice in get_args(kind)]
