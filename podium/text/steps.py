"""The steps by name, and how a view's list of them becomes functions.

A step is a dict ``{"step": name, **options}``, every option given; defaults live in ``podium.config.text``. Each step
maps a text to a text in time linear in its length (a text of a million hostile characters included) and changes nothing
the second time round, ``lemmas``, ``segment`` and ``simplified`` excepted. ``drop_duplicates`` is no function of one
text: see ``podium.text.same``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from podium.errors import UserError, hint
from podium.lemmas import lemmatiser
from podium.text import chinese, cleaning, emojis, emoticons, marks

DROP_DUPLICATES = "drop_duplicates"
SAME_AS = "same_as"
TEXTS = ("text_a", "text_b")

Step = Mapping[str, Any]
Function = Callable[[str], str]


class Context(NamedTuple):
    """What steps need besides their options: the texts' language (ISO 639), WordNet's folder or None."""

    language: str
    wordnet: Path | None


def _word(options: Step) -> str:
    return marks.SPACE if options["action"] == "drop" else str(options["with"])


def _emoji(options: Step, context: Context) -> Function:
    if options["action"] == "drop":
        return lambda text: emojis.spell(text, lambda found: marks.SPACE)
    name = emojis.namer(options["language"] or context.language)
    return lambda text: emojis.spell(text, name)


def _emoticons(options: Step, context: Context) -> Function:
    if options["action"] == "drop":
        return lambda text: emoticons.spell(text, lambda meaning: marks.SPACE)
    word = emoticons.words_of(options["language"] or context.language)
    return lambda text: emoticons.spell(text, word)


def _hashtags(options: Step, context: Context) -> Function:
    word = None if options["action"] == "keep" else _word(options)
    return lambda text: marks.hashtags(text, word)


def _repeats(options: Step, context: Context) -> Function:
    most = options["most"]
    runs = cleaning.cut_repeats(most)
    return lambda text: cleaning.repeats(text, runs, most)


def _html(options: Step, context: Context) -> Function:
    return lambda text: cleaning.html(text, entities=options["entities"], tags=options["tags"])


def _mojibake(options: Step, context: Context) -> Function:
    from podium.text.mojibake import mojibake

    return mojibake


def _replaced(function: Callable[[str, str], str]) -> Callable[[Step, Context], Function]:
    def make(options: Step, context: Context) -> Function:
        word = _word(options)
        return lambda text: function(text, word)

    return make


def _plain(function: Function) -> Callable[[Step, Context], Function]:
    return lambda options, context: function


#: What makes the function of each step.
STEPS: dict[str, Callable[[Step, Context], Function]] = {
    "nfkc": _plain(cleaning.nfkc),
    "width": _plain(cleaning.width),
    "punctuation": _plain(cleaning.punctuation),
    "simplified": lambda options, context: chinese.converter(options["variant"]),
    "emoji": _emoji,
    "emoticons": _emoticons,
    "urls": _replaced(marks.urls),
    "emails": _replaced(marks.emails),
    "mentions": _replaced(marks.mentions),
    "hashtags": _hashtags,
    "numbers": _replaced(marks.numbers),
    "html": _html,
    "mojibake": _mojibake,
    "whitespace": _plain(cleaning.whitespace),
    "repeats": _repeats,
    "lowercase": _plain(str.lower),
    "lemmas": lambda options, context: lemmatiser(language=context.language, wordnet=context.wordnet),
    "segment": lambda options, context: chinese.segmenter(new_words=options["new_words"]),
}
STEP_NAMES = (*STEPS, DROP_DUPLICATES)


def pipeline(steps: Sequence[Step], *, language: str, wordnet: Path | None) -> list[Function]:
    """Return the function of each step, in order, without ``drop_duplicates``.

    The functions of one list are made once in a process: what they remember (dictionaries, lemmas) is kept.

    Raises
    ------
    UserError
        There is no such step, a language that a step does not know, or ``drop_duplicates`` is not the last.
    """
    names = [step["step"] for step in steps]
    for name in names:
        if name not in STEP_NAMES:
            raise UserError(f"text: there is no step '{name}' ({hint(name, STEP_NAMES)})")
    if DROP_DUPLICATES in names[:-1]:
        raise UserError(f"text: the step '{DROP_DUPLICATES}' must be the last one, and stand there once")
    return _made(json.dumps([dict(step) for step in steps]), Context(language, wordnet))


@cache
def _made(steps: str, context: Context) -> list[Function]:
    wanted = [step for step in json.loads(steps) if step["step"] != DROP_DUPLICATES]
    return [STEPS[step["step"]](step, context) for step in wanted]


def drops_duplicates(steps: Sequence[Step]) -> bool:
    """Whether the view says which rows have equal texts."""
    return bool(steps) and steps[-1]["step"] == DROP_DUPLICATES


def apply(functions: Sequence[Function], texts: Sequence[str]) -> list[str]:
    """Apply the functions, in order, to each text."""
    done = list(texts)
    for function in functions:
        done = [function(text) for text in done]
    return done
