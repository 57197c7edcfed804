"""The target of a span task: one text a row that holds every answer with its place.

The text is a JSON list of ``[start, end, answer]``: characters ``start`` (counted from 0) to ``end`` (the first behind
the answer) of the context are the span to train on, ``answer`` is the text as it was published, which scores compare
with. An answer that does not stand in the context has -1 for both: nothing can be trained on it, but predictions are
scored against it as the official scripts do. ``[]`` is a question without an answer.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """One answer: its characters of the context, -1 and -1 where it has none, and its published text."""

    start: int
    end: int
    text: str

    @property
    def placed(self) -> bool:
        """Whether it stands in the context."""
        return self.start >= 0


NONE = "[]"
"""The target text of a question without an answer."""


def encode(answers: Iterable[Answer]) -> str:
    """Return the target text of a row's answers."""
    return json.dumps([list(answer) for answer in answers], ensure_ascii=False, separators=(",", ":"))


def decode(target: str) -> list[Answer]:
    """Return the answers of a target text; ``ValueError`` for a text that :func:`encode` does not make."""
    try:
        return [Answer(int(start), int(end), str(text)) for start, end, text in json.loads(target)]
    except (TypeError, ValueError) as error:
        raise ValueError(f"no target of a span task: {target[:80]!r}") from error


def decode_all(targets: Sequence[str] | Any) -> list[list[Answer]]:
    """Return the answers of N target texts."""
    return [decode(target) for target in targets]


def texts(answers: Sequence[Answer]) -> list[str]:
    """Return the published texts of a row's answers, each once; [""] of a question without an answer."""
    return list(dict.fromkeys(answer.text for answer in answers)) or [""]


def placed(answers: Sequence[Answer]) -> list[Answer]:
    """Return the answers that stand in the context, each place once."""
    return list({(answer.start, answer.end): answer for answer in answers if answer.placed}.values())


def trainable(answers: Sequence[Answer]) -> bool:
    """Whether a row can be learned from: it has a placed answer, or is known to have none."""
    return not answers or any(answer.placed for answer in answers)
