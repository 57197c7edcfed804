"""From questions and long contexts to windows that an encoder can read, and where the answers are in them.

Shapes: N questions, C contexts (each tokenised once, whoever asks about it), W windows, T tokens.
"""

import dataclasses
from collections.abc import Sequence
from unicodedata import category

import numpy as np
import pandas as pd

from podium.engine.inputs import Encoded, assemble
from podium.engine.ragged import Ragged
from podium.engine.template import SECOND, Template
from podium.errors import UserError
from podium.span.answers import Answer
from podium.tokens import Tokenizer, batches

NULL = 0
"""Place in a sequence, that of the first special token, which stands for "no answer in this window"."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WindowOptions:
    """``max_length`` tokens of a window, special ones counted; ``max_question`` of them for the question at most.

    ``overlap`` context tokens at least are shared by neighbouring windows in prediction ("doc_stride" of SQuAD's
    recipes, where it is what a window moves by in some and the overlap in others; here the overlap).
    """

    max_length: int
    max_question: int
    overlap: int


@dataclasses.dataclass(frozen=True, slots=True)
class Texts:
    """Tokens of N questions and C contexts.

    ``question`` holds N lists of ids; ``context`` C lists of ids, ``start`` and ``end`` (T,) the characters, from and
    up to, of the tokens of ``context.flat``: white space at their ends left out, so that tokenizers with and without
    spaces in their tokens agree, and with the accents of their last letters. A token of white space alone has
    ``start == end``. Question n is about context ``of[n]``.
    """

    question: Ragged
    context: Ragged
    start: np.ndarray
    end: np.ndarray
    of: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True)
class Windows:
    """W windows: ``count[w]`` tokens of the context of question ``row[w]``, from its token ``first[w]`` on."""

    row: np.ndarray
    first: np.ndarray
    count: np.ndarray


def tokenise(tokenizer: Tokenizer, rows: pd.DataFrame, *, max_question: int) -> Texts:
    """Return the tokens of the questions ``text_a``, ``max_question`` at most, and the contexts ``text_b`` (N)."""
    of, contexts = pd.factorize(rows["text_b"].to_numpy(dtype=object))
    questions = rows["text_a"].fillna("").tolist()
    asked = [ids for low, high in batches(questions) for ids in tokenizer.ids(questions[low:high])]
    ids, starts, ends = [], [], []
    texts = [str(text) for text in contexts]
    for low, high in batches(texts):
        for text, (tokens, offsets) in zip(texts[low:high], tokenizer.located(texts[low:high]), strict=True):
            ids.append(tokens)
            start, end = _trimmed(text, np.array(offsets, dtype=np.int32).reshape(-1, 2))
            starts.append(start)
            ends.append(end)
    question = Ragged.of(pd.Series(asked, dtype=object)).first(np.full(len(asked), max_question))
    none = np.zeros(0, dtype=np.int32)
    return Texts(
        question,
        Ragged.of(pd.Series(ids, dtype=object)),
        np.concatenate([none, *starts]),
        np.concatenate([none, *ends]),
        of,
    )


def _trimmed(text: str, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of tokens (T, 2) without white space at their ends, with the accents that belong to their last letters.

    A tokenizer that joins an accent with its letter, or drops it, does not count it among the token's characters; an
    answer cut out of the context would lose it.
    """
    letters = range(len(text))
    space = np.fromiter((text[place].isspace() for place in letters), dtype=bool, count=len(text))
    accent = np.fromiter((category(text[place])[0] == "M" for place in letters), dtype=bool, count=len(text))
    places = np.arange(len(text) + 1, dtype=np.int32)
    # before each place the end of the last letter that is no space; from each place the next one
    leading = np.maximum.accumulate(np.where(np.r_[True, space], 0, places))
    start = np.minimum(_following(space)[offsets[:, 0]], offsets[:, 1])
    end = np.maximum(leading[offsets[:, 1]], start)
    return start, np.where(end > start, _following(accent)[end], end)


def _following(skipped: np.ndarray) -> np.ndarray:
    """Return the next place from each (L + 1,) on that is not ``skipped`` (L,); L behind the last."""
    places = np.arange(len(skipped) + 1, dtype=np.int32)
    return np.minimum.accumulate(np.where(np.r_[skipped, False], len(skipped), places)[::-1])[::-1]


def rooms(texts: Texts, template: Template, options: WindowOptions) -> np.ndarray:
    """Return how many tokens of the context (N,) a window of each question has room for.

    Raises
    ------
    UserError
        The windows could not move on: ``overlap`` is not shorter than the least room. Or the encoder puts no special
        token first, which stands for "no answer".
    """
    form = template.pair
    if form.ids[0] < 0:
        raise UserError(
            "reader: this encoder puts no special token before a text, where 'no answer' would stand; choose another"
        )
    least = options.max_length - form.specials - options.max_question
    if least < 1 or not 0 <= options.overlap < least:
        raise UserError(
            f"reader: overlap {options.overlap} must be shorter than the window: max_length {options.max_length} less "
            f"{form.specials} special tokens and max_question {options.max_question} leaves {max(0, least)} tokens of "
            "the context; lower overlap or max_question, or raise max_length"
        )
    return options.max_length - form.specials - texts.question.lengths


def all_windows(texts: Texts, room: np.ndarray, *, overlap: int) -> Windows:
    """Return the windows that cover each context, in its order: every run of ``overlap`` + 1 tokens is inside of one.

    The last window ends where the context does, so that it is no shorter than the others.
    """
    length = texts.context.lengths[texts.of]
    step = np.maximum(1, room - overlap)
    counts = 1 + -(-np.maximum(0, length - room) // step)
    row = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.minimum(number * step[row], np.maximum(0, length - room)[row])
    return Windows(row, first, np.minimum(room, length)[row])


def token_spans(texts: Texts, rows: np.ndarray, answers: Sequence[Answer]) -> np.ndarray:
    """Return first and last token (A, 2), counted in the context, of the answer of question ``rows[a]``.

    They are the fewest tokens that hold all of the answer's letters; last < first where the tokenizer made nothing of
    them.
    """
    spans = np.zeros((len(answers), 2), dtype=np.int64)
    for number, (row, answer) in enumerate(zip(rows.tolist(), answers, strict=True)):
        context = texts.of[row]
        low = texts.context.starts[context]
        own = slice(low, low + texts.context.lengths[context])
        spans[number, 0] = np.searchsorted(texts.end[own], answer.start, side="right")
        spans[number, 1] = np.searchsorted(texts.start[own], answer.end, side="left") - 1
    return spans


def encode(texts: Texts, windows: Windows, template: Template, *, max_length: int, nulls: bool) -> Encoded:
    """Return the sequences of W windows, each a row of its own: question and part of the context.

    Marked are the tokens of the context that are more than white space, and with ``nulls`` the place ``NULL``.
    """
    context = texts.context.take(texts.of[windows.row]).window(windows.first, windows.count)
    question = texts.question.take(windows.row)
    count = len(windows.row)
    tokens, types, offsets = assemble([question, context], template.pair, count, types=template.types)
    marks = np.zeros(len(tokens), dtype=np.int8)
    source, place = _context_places(texts, windows, template, offsets)
    marks[place] = texts.end[source] > texts.start[source]
    marks[offsets[:-1]] = nulls
    return Encoded(
        *(tokens, types, offsets, np.arange(count), template, max_length),
        rows_cut=0.0,
        tokens_cut=0.0,
        marks=marks,
    )


def before_context(texts: Texts, windows: Windows, template: Template) -> np.ndarray:
    """Return how many tokens (W,) of each window's sequence stand before its context."""
    form = template.pair.ids
    fixed = sum(token_id >= 0 for token_id in form[: form.index(SECOND)])
    return fixed + texts.question.lengths[windows.row]


def _context_places(
    texts: Texts, windows: Windows, template: Template, offsets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Places of the windows' context tokens: in ``texts.context.flat``, and among the tokens of all sequences."""
    counts = windows.count
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    source = texts.context.starts[texts.of[windows.row]] + windows.first
    place = offsets[:-1] + before_context(texts, windows, template)
    return np.repeat(source, counts) + number, np.repeat(place, counts) + number
