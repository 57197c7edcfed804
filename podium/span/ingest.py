"""From files of questions to the pipeline's table of rows: checked, answers placed, mistakes told with counts."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from podium.errors import UserError, brief
from podium.span.answers import Answer, encode
from podium.span.files import Columns, Question, read_questions
from podium.span.placing import Context, place

log = logging.getLogger(__name__)

Group = Literal["paragraph", "article"]
_SHOWN = 3


@dataclass(frozen=True)
class Ingested:
    """A part of a span task.

    ``rows``: ``id``, ``text_a`` (the question), ``text_b`` (the context), ``target`` (``podium.span.answers``; not in a
    part without answers) and ``group``, all ``str``. ``form`` is the file's. ``counts``: ``questions``, ``contexts``,
    ``empty_questions`` (left out where 0); with answers ``unanswerable``, ``untrainable`` (questions none of whose
    answers stands in the context), and ``answers_exact``, ``answers_moved`` ... (``podium.span.placing.place``).
    """

    rows: pd.DataFrame
    counts: dict[str, int]
    form: str


def from_file(
    path: Path,
    columns: Columns | None,
    *,
    answered: bool,
    group: Group,
    max_lost: float,
    encoding: str | None,
    separator: str | None,
) -> Ingested:
    """Read a part and place its answers.

    Parameters
    ----------
    columns
        Of a table; not read for JSON files.
    answered
        Whether the part has answers that count: train, or the truth of a hold-out.
    group
        ``paragraph``: questions on the same context stay in one fold. ``article``: those of one article, or of one
        context where a question's article has no name.
    max_lost
        Share of the answered questions that may have no answer in their context. They stay in the table, are scored
        against their published answers, and nothing is trained on them.

    Raises
    ------
    UserError
        See ``podium.span.files.read_questions``; no questions, repeated or empty ids, empty contexts, answers
        that are missing altogether, or more lost ones than ``max_lost``.
    """
    questions, form = read_questions(path, columns, encoding=encoding, separator=separator)
    mistakes = list(_mistakes(questions, answered))
    if mistakes:
        raise UserError(f"{path}: {'; '.join(mistakes)}")
    paragraphs = {text: number for number, text in enumerate(dict.fromkeys(one.context for one in questions))}
    table = {
        "id": [one.id for one in questions],
        "text_a": [one.question for one in questions],
        "text_b": [one.context for one in questions],
        "group": [
            one.article if group == "article" and one.article.strip() else f"p{paragraphs[one.context]}"
            for one in questions
        ],
    }
    empty = sum(not one.question.strip() for one in questions)
    counts = {"questions": len(questions), "contexts": len(paragraphs)} | (
        {"empty_questions": empty} if empty else {}
    )
    if answered:
        answers, more = _placed(questions)
        table["target"] = [encode(found) for found in answers]
        counts |= more
        _check_lost(path, questions, answers, counts, max_lost)
    log.info("%s (%s): %s", path, form, ", ".join(f"{number} {name}" for name, number in counts.items()))
    order = ["id", "text_a", "text_b", *(["target"] if answered else []), "group"]
    return Ingested(pd.DataFrame({name: table[name] for name in order}, dtype="str"), counts, form)


def _placed(questions: Sequence[Question]) -> tuple[list[list[Answer]], dict[str, int]]:
    """Answers of each question with their places, and how they were found."""
    contexts: dict[str, Context] = {}
    hows: Counter[str] = Counter()
    result = []
    for one in questions:
        context = contexts.setdefault(one.context, Context(one.context))
        found = [place(context, text, start) for text, start in one.answers or [] if text.strip()]
        hows.update(how for _, how in found)
        result.append([answer for answer, _ in found])
    lost = sum(bool(found) and not any(answer.placed for answer in found) for found in result)
    counts = {"unanswerable": sum(not found for found in result), "untrainable": lost}
    return result, counts | {f"answers_{how}": hows[how] for how in _HOWS if hows[how]}


_HOWS = ("exact", "moved", "found", "ambiguous", "normalised", "lost")


def _mistakes(questions: Sequence[Question], answered: bool) -> list[str]:
    """One clause for each kind of mistake."""
    if not questions:
        return ["there are no questions in it"]
    repeated = [id for id, number in Counter(one.id for one in questions).items() if number > 1]
    kinds = {
        "are repeated ids": repeated,
        "have an empty id": [one.question for one in questions if not one.id.strip()],
        "have an empty context": [one.id for one in questions if not one.context.strip()],
    }
    if answered:
        kinds["say nothing of their answers (a test part?)"] = [
            one.id for one in questions if one.answers is None
        ]
        kinds["have empty texts for answers (no answer is an empty list)"] = [
            one.id for one in questions if one.answers and not any(text.strip() for text, _ in one.answers)
        ]
    return [
        f"{len(found)} of {len(questions)} questions {what}: {_first(found)}"
        for what, found in kinds.items()
        if found
    ]


def _check_lost(
    path: Path,
    questions: Sequence[Question],
    answers: Sequence[Sequence[Answer]],
    counts: dict[str, int],
    max_lost: float,
) -> None:
    lost = [
        one.id
        for one, found in zip(questions, answers, strict=True)
        if found and not any(answer.placed for answer in found)
    ]
    answered = counts["questions"] - counts["unanswerable"]
    if len(lost) > max_lost * answered:
        raise UserError(
            f"{path}: the answers of {len(lost)} of {answered} questions do not stand in their contexts, neither at "
            f"their offsets nor elsewhere ({_first(lost)}); are questions and contexts those of one file? "
            f"(max_lost allows {max_lost:g} of them)"
        )


def _first(found: Sequence[str]) -> str:
    return ", ".join(f"'{brief(value)}'" for value in found[:_SHOWN]) + (
        ", ..." if len(found) > _SHOWN else ""
    )
