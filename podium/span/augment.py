"""Other contexts for the same questions: the sentences in another order, the answers' places with them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from podium.augment import KEPT
from podium.seeds import derive
from podium.span.answers import Answer, decode, encode
from podium.span.sentences import sentences


def shuffle_sentences(rows: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Return each question (N) with the sentences of its context in a random order.

    A reader that has seen answers at random places cannot go by where they stand. Sentences that an answer runs
    across stay together, so every placed answer is the same text at its new place. Rows whose context cannot come in
    another order are left out.

    ``rows`` have ``id``, ``text_a``, ``text_b``, ``target``; the result has their columns, made anew are ``text_b`` and
    ``target``, and ``id``: that of the source with ``#shuffled``, the source's own being in ``source_id``.
    """
    made = []
    for row in rows.to_dict("records"):
        answers = decode(row["target"])
        random = np.random.default_rng(derive(seed, "shuffle", row["id"]))
        found = shuffled(row["text_b"], answers, random)
        if found is not None:
            changes = {"id": f"{row['id']}#shuffled", "source_id": row["id"]}
            made.append(row | changes | {"text_b": found[0], "target": encode(found[1])})
    columns = [*rows.columns, *(["source_id"] if "source_id" not in rows.columns else [])]
    return pd.DataFrame(made, columns=columns).astype({"id": "str", "text_b": "str", "target": "str"})


def shuffled_copies(rows: pd.DataFrame, *, method: str, copies: int, seed: int) -> pd.DataFrame:
    """Return ``copies`` of each question in other orders, as a table of made rows (``podium.augment``) with targets.

    A copy equal to an earlier one of the same question stands there with that verdict.
    """
    parts = []
    for copy in range(1, copies + 1):
        made = shuffle_sentences(rows, seed=derive(seed, "copy", copy))
        names = made["source_id"] + f"~{method}{copy}"
        parts.append(made.assign(id=names, made_by=method, copy=copy, draw=0))
    if not parts:
        parts = [rows.iloc[:0].assign(source_id="", made_by=method, copy=0, draw=0)]
    table = pd.concat(parts, ignore_index=True)
    again = table.duplicated(["source_id", "text_b"])
    table["verdict"] = np.where(again, "equal to another copy", KEPT)
    columns = ["id", "source_id", "made_by", "text_a", "text_b", "target", "copy", "draw", "verdict"]
    types = {name: "int32" if name in ("copy", "draw") else "str" for name in columns}
    return table[columns].astype(types)


def shuffled(
    context: str, answers: Sequence[Answer], random: np.random.Generator
) -> tuple[str, list[Answer]] | None:
    """Return a context in another order, and its answers there; None where there is only one order.

    A sentence is moved without the spaces around it, which stay where they are between the places, so that languages
    with spaces between sentences keep them.
    """
    parts = _united(sentences(context), answers)
    cores = [_core(context, low, high) for low, high in parts]
    filled = [number for number, (low, high) in enumerate(cores) if low < high]
    if len(filled) < 2:
        return None
    order = random.permutation(len(filled))
    while (order == np.arange(len(filled))).all():
        order = random.permutation(len(filled))
    source = dict(zip(filled, (filled[place] for place in order.tolist()), strict=True))
    pieces: list[str] = []
    moved: dict[int, int] = {}  # of each sentence, by how much its characters move
    length = 0
    for number, (low, high) in enumerate(parts):
        if number not in source:
            piece = context[low:high]
        else:
            own, other = cores[number], cores[source[number]]
            moved[source[number]] = length + own[0] - low - other[0]
            piece = context[low : own[0]] + context[slice(*other)] + context[own[1] : high]
        pieces.append(piece)
        length += len(piece)
    new = []
    for answer in answers:
        if answer.placed:
            number = next(place for place, (low, high) in enumerate(cores) if low <= answer.start < high)
            step = moved[number]
            answer = Answer(answer.start + step, answer.end + step, answer.text)
        new.append(answer)
    return "".join(pieces), new


def _united(parts: Sequence[tuple[int, int]], answers: Sequence[Answer]) -> list[tuple[int, int]]:
    """Join neighbouring sentences that an answer runs across."""
    cut = {place for answer in answers if answer.placed for place in range(answer.start + 1, answer.end)}
    joined: list[tuple[int, int]] = []
    for low, high in parts:
        if joined and low in cut:
            joined[-1] = joined[-1][0], high
        else:
            joined.append((low, high))
    return joined


def _core(context: str, low: int, high: int) -> tuple[int, int]:
    """Return the characters without spaces at both ends."""
    text = context[low:high]
    if not text.strip():
        return low, low
    return low + len(text) - len(text.lstrip()), low + len(text.rstrip())
