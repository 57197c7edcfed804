"""Files of span tasks, read into one form: SQuAD (1.1 and 2.0), CMRC 2018's own, homework 7's, and flat tables.

- SQuAD: ``data``: articles with ``title`` and ``paragraphs`` of ``context`` and ``qas`` (``id``, ``question``,
  ``answers`` of ``text`` and ``answer_start``, ``is_impossible``). Files of SQuAD's form by CMRC 2018 and DRCD, too.
- CMRC 2018: a list of ``context_id``, ``context_text``, ``title`` and ``qas`` (``query_id``, ``query_text``,
  ``answers`` as plain texts).
- Homework 7 of the machine-learning course (DRCD and ODSQA): ``questions`` (``id``, ``paragraph_id``,
  ``question_text``, ``answer_text``, ``answer_start``, ``answer_end``, which is the last letter's own place) and a
  list ``paragraphs``.
- A table: a row for each answer; rows of one id are the answers of one question.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from podium.errors import UserError, brief, hint
from podium.tables import columns_of, read_rows

Form = Literal["squad", "cmrc", "hw7", "table"]


@dataclass(slots=True)
class Question:
    """One question as the file has it; ``answers`` are texts with their published offsets, None where there is none.

    ``answers`` itself is None where the file says nothing about them, as in a test part.
    """

    id: str
    question: str
    context: str
    article: str
    answers: list[tuple[str, int | None]] | None = field(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Names of a table's columns; ``answer`` and ``start`` are None where it has none, ``article`` is its group."""

    id: str
    question: str
    context: str
    answer: str | None
    start: str | None
    article: str | None


def columns_of_table(
    path: Path,
    id: str,
    question: str | None,
    context: str | None,
    *,
    answer: str | None,
    start: str | None,
    article: str | None,
) -> Columns | None:
    """Return the columns of a table as the config names them; None for a JSON file, which names its keys by itself."""
    if path.suffix.lower() == ".json" or question is None or context is None:
        return None
    return Columns(id=id, question=question, context=context, answer=answer, start=start, article=article)


def read_questions(
    path: Path, columns: Columns | None, *, encoding: str | None, separator: str | None
) -> tuple[list[Question], Form]:
    """Return a file's questions in its order, and which form it has.

    ``.json`` files are told apart by what they hold; all others are tables (``podium.tables``), whose ``columns`` must
    be known.

    Raises
    ------
    UserError
        The file is none of the forms, or lacks keys or columns: one line with the first place.
    """
    if path.suffix.lower() != ".json":
        if columns is None:
            raise UserError(f"{path}: a table needs the names of its columns for id, question and context")
        return list(_table(path, columns, encoding, separator)), "table"
    try:
        content = json.loads(path.read_bytes().decode(encoding or "utf-8-sig"))
    except (ValueError, LookupError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({error}); fetch or export the file again") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    form = _form(path, content)
    try:
        return [_whole(one) for one in _READERS[form](content)], form
    except _Missing as error:
        raise UserError(f"{path}: {error}") from error


def _form(path: Path, content: Any) -> Form:
    if isinstance(content, dict) and isinstance(content.get("data"), list):
        return "squad"
    if isinstance(content, dict) and "questions" in content and "paragraphs" in content:
        return "hw7"
    if (
        isinstance(content, list)
        and content
        and isinstance(content[0], dict)
        and "context_text" in content[0]
    ):
        return "cmrc"
    found = ", ".join(map(brief, sorted(content)[:6])) if isinstance(content, dict) else _sort(content)
    raise UserError(
        f"{path}: no form of question answering that is known (found: {found}); expected `data` of SQuAD, `questions` "
        "and `paragraphs` of homework 7, a list with `context_text` of CMRC 2018, or a table"
    )


def _whole(one: Question) -> Question:
    """The question with U+FFFD for each half of a surrogate pair, which no table can hold; places stay as they are."""
    answers = None if one.answers is None else [(_mended(text), start) for text, start in one.answers]
    return Question(
        _mended(one.id), _mended(one.question), _mended(one.context), _mended(one.article), answers
    )


def _mended(text: str) -> str:
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _sort(value: Any) -> str:
    """What a message calls the sort of a value."""
    return "null" if value is None else f"a {type(value).__name__}"


class _Missing(Exception):
    """A key that is not there, or holds something else; the text says where."""


def _get(item: Any, key: str, kind: type | tuple[type, ...], where: str) -> Any:
    if not isinstance(item, dict) or key not in item:
        found = hint(key, item) if isinstance(item, dict) else f"it is {_sort(item)}"
        raise _Missing(f"{where} has no `{key}` ({found})")
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(item[key], kinds) or (isinstance(item[key], bool) and bool not in kinds):
        raise _Missing(f"{where}: `{key}` holds {_sort(item[key])}")
    return item[key]


def _squad(content: Any) -> Iterator[Question]:
    for number, article in enumerate(content["data"]):
        at = f"data[{number}]"
        for place, paragraph in enumerate(_get(article, "paragraphs", list, at)):
            here = f"{at}.paragraphs[{place}]"
            context = _get(paragraph, "context", str, here)
            title = str(article.get("title") or f"#{number}")
            for order, asked in enumerate(_get(paragraph, "qas", list, here)):
                where = f"{here}.qas[{order}]"
                yield Question(
                    str(_get(asked, "id", (str, int), where)),
                    _get(asked, "question", str, where),
                    context,
                    title,
                    _squad_answers(asked, where),
                )


def _squad_answers(asked: dict[str, Any], where: str) -> list[tuple[str, int | None]] | None:
    """The answers of a question: none of an impossible one; None where one that is said to be possible has none."""
    impossible = asked.get("is_impossible")
    if impossible is not None and _get(asked, "is_impossible", (bool, int), where):
        return []
    given = _answers(asked, where)
    if given is None or (impossible is not None and not given):
        return None
    return [_squad_answer(answer, where) for answer in given]


def _answers(asked: dict[str, Any], where: str) -> list[Any] | None:
    """The answers of a question; None where there is no such key, or null."""
    if asked.get("answers") is None:
        return None
    found: list[Any] = _get(asked, "answers", list, where)
    return found


def _squad_answer(answer: Any, where: str) -> tuple[str, int | None]:
    text = _get(answer, "text", str, f"{where}.answers")
    return text, _offset(answer.get("answer_start"))


def _cmrc(content: Any) -> Iterator[Question]:
    for number, paragraph in enumerate(content):
        at = f"[{number}]"
        context = _get(paragraph, "context_text", str, at)
        title = str(paragraph.get("title") or f"#{number}")
        for order, asked in enumerate(_get(paragraph, "qas", list, at)):
            where = f"{at}.qas[{order}]"
            given = _answers(asked, where) if isinstance(asked, dict) else None
            yield Question(
                str(_get(asked, "query_id", (str, int), where)),
                _get(asked, "query_text", str, where),
                context,
                title,
                None if given is None else [(_plain(text, f"{where}.answers"), None) for text in given],
            )


def _homework(content: Any) -> Iterator[Question]:
    paragraphs = _get(content, "paragraphs", list, "the file")
    for number, asked in enumerate(_get(content, "questions", list, "the file")):
        where = f"questions[{number}]"
        place = _get(asked, "paragraph_id", int, where)
        if not 0 <= place < len(paragraphs):
            raise _Missing(f"{where}: there is no paragraph {place}")
        if not isinstance(paragraphs[place], str):
            raise _Missing(f"paragraphs[{place}] is {_sort(paragraphs[place])}, not a text")
        context, start = paragraphs[place], _offset(asked.get("answer_start"))
        text = asked.get("answer_text")
        if text is None and start is not None and asked.get("answer_end") is not None:
            text = _cut(context, start, asked["answer_end"], where)
        yield Question(
            str(_get(asked, "id", (str, int), where)),
            _get(asked, "question_text", str, where),
            context,
            f"#{place}",
            None if text is None else [(_plain(text, f"{where}: `answer_text`"), start)],
        )


def _cut(context: str, start: int, end: Any, where: str) -> str:
    """The letters ``start`` to ``end``, itself included, of a context."""
    last = _offset(end)
    if last is None:
        raise _Missing(f"{where}: `answer_end` is no whole number")
    if not 0 <= start <= last:
        raise _Missing(f"{where}: there is no text from `answer_start` {start} to `answer_end` {last}")
    return context[start : last + 1]


def _plain(text: Any, where: str) -> str:
    """An answer that is a text, or a number."""
    if not isinstance(text, str | int | float) or isinstance(text, bool):
        raise _Missing(f"{where} holds {_sort(text)}")
    return str(text)


def _offset(value: Any) -> int | None:
    """A whole number, also where it is written as a text or with a fraction of 0; None for anything else."""
    try:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            return None
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


_READERS: dict[str, Any] = {"squad": _squad, "cmrc": _cmrc, "hw7": _homework}


def _table(path: Path, columns: Columns, encoding: str | None, separator: str | None) -> Iterator[Question]:
    """Questions of a table, in the order of their first rows."""
    names = [columns.id, columns.question, columns.context, columns.answer, columns.start, columns.article]
    wanted = list(dict.fromkeys(name for name in names if name is not None))
    present = columns_of(path, encoding=encoding, separator=separator)
    lacking = [f"no column '{name}' ({hint(name, present)})" for name in wanted if name not in present]
    if lacking:
        raise UserError(f"{path}: {'; '.join(lacking)}")
    rows = read_rows(path, columns=wanted, encoding=encoding, separator=separator)
    known: dict[str, Question] = {}
    for number, row in enumerate(rows.to_dict("records"), start=1):
        id, question, context = (_text(row[name]) for name in (columns.id, columns.question, columns.context))
        answers = None if columns.answer is None else _cell(row, columns)
        if id not in known:
            known[id] = Question(
                id, question, context, _text(row[columns.article]) if columns.article else "", answers
            )
        elif (known[id].question, known[id].context) != (question, context):
            raise UserError(
                f"{path}: row {number} has the id '{brief(id)}' of another question; rows of one id are its answers"
            )
        elif not answers or not known[id].answers:
            what = (
                "a question has one row here" if columns.answer is None else "one of them without an answer"
            )
            raise UserError(
                f"{path}: row {number} is another one of the id '{brief(id)}', {what}; leave one out"
            )
        else:
            known[id].answers = [*(known[id].answers or []), *answers]
    yield from known.values()


def _cell(row: dict[str, Any], columns: Columns) -> list[tuple[str, int | None]]:
    assert columns.answer is not None
    text = _text(row[columns.answer])
    start = None if columns.start is None else _offset(_text(row[columns.start]).removesuffix(".0"))
    return [(text, start)] if text.strip() else []


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)
