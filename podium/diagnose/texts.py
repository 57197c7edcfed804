"""What a member reads of its texts: token counts, what is cut, unknown tokens. N rows.

From the tables that a run made; before a run from some rows of the file itself.
"""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from podium import ingest, tokens
from podium.diagnose.member import Member
from podium.engine.inputs import choose_length, full_lengths
from podium.engine.ragged import Ragged
from podium.engine.template import Template
from podium.errors import UserError
from podium.files import read_json, read_table
from podium.models.words import segments, tokenise
from podium.span import ingest as questions
from podium.span.files import columns_of_table
from podium.text import normalise

ROWS = 3000
"""Rows of a table that is made here; they are drawn evenly over the file."""
SHOWN_TEXTS = 400
"""Texts that the tokenizer is tried on."""
_CODED = ("encoding", "separator", "columns")
_LATIN = re.compile(
    r"[^\[<A-Za-z]*[A-Za-z]+"
)  # letters, perhaps with a mark before them; [PAD] and <pad> are none


@dataclasses.dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Texts:
    """Lengths of N of the ``rows`` training rows.

    ``ids`` (N,) name them; ``lengths`` (N,) are their tokens (of TextCNN: words), special tokens not counted, ``kept``
    (N,) those that the model reads at ``max_length``. ``ids`` cover all rows where they come from a run's tables.
    """

    rows: int
    ids: np.ndarray
    lengths: np.ndarray
    kept: np.ndarray
    max_length: int

    @property
    def lost(self) -> np.ndarray:
        """Share of its tokens that each row loses (N,)."""
        return (self.lengths - self.kept) / np.maximum(1, self.lengths)

    @property
    def rows_cut(self) -> float:
        """Share of the rows that lose a token."""
        return float((self.kept < self.lengths).mean())

    @property
    def tokens_cut(self) -> float:
        """Share of all tokens that is lost."""
        return float((self.lengths - self.kept).sum() / max(1, self.lengths.sum()))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tokenizing:
    """What the tokenizer makes of the texts.

    Attributes
    ----------
    size
        Its highest token id, plus 1; None where its files do not tell.
    special
        Ids of its padding, mask and unknown tokens, None where it has none.
    unknown, unknown_lowered
        Share of unknown tokens; the same of some texts without capitals.
    unknown_words
        Some words that it does not know.
    pieces
        Tokens a word; a letter of a script without spaces and a sign count as words.
    lowers
        Whether upper and lower case are the same to it.
    capitals
        Share of the vocabulary's Latin entries that have a capital.
    """

    size: int | None
    special: dict[str, int | None]
    unknown: float
    unknown_lowered: float
    unknown_words: list[str]
    pieces: float
    lowers: bool
    capitals: float


def raw_rows(member: Member) -> pd.DataFrame:
    """The task's training rows: those that stage ingest wrote, else those of the user's file.

    Raises ``UserError`` where there is no such file, or one with mistakes.
    """
    path = member.made("ingest") / "train.parquet"
    if path.is_file():
        return read_table(path)
    if not member.train.is_file():
        raise UserError(f"{member.train} is not there; put the file there, or run snakemake ingest")
    if member.type == "span":
        return _questions(member)
    form = {key: value for key, value in member.ingest.items() if key not in _CODED}
    coded = {key: member.ingest[key] for key in _CODED}
    wanted = ingest.needed(**{key: form[key] for key in ("id", "text", "target", "group")})
    rows = ingest.read_part(member.train, wanted, **coded)
    if mistakes := ingest.train_mistakes(rows, **form):
        raise UserError("; ".join(mistakes))
    return ingest.train_table(rows, **form)[0]


def _questions(member: Member) -> pd.DataFrame:
    """Questions and contexts of a span task's own file."""
    columns = {key: member.ingest[key] for key in ("id", "question", "context", "answer", "start", "article")}
    form = {key: member.ingest[key] for key in ("encoding", "separator", "group", "max_lost")}
    path = member.train
    return questions.from_file(path, columns_of_table(path, **columns), answered=True, **form).rows


def viewed(member: Member, rows: pd.DataFrame) -> pd.DataFrame:
    """Texts of the member's view: all that a run made, else of some ``rows``."""
    if member.view.is_file():
        return read_table(member.view)
    places = np.unique(np.linspace(0, len(rows) - 1, min(ROWS, len(rows))).astype(np.int64))
    some = rows.iloc[places].reset_index(drop=True)
    return normalise(some, member.steps, language=member.language, wordnet=member.wordnet)


def of_encoder(member: Member, views: pd.DataFrame, total: int) -> tuple[Texts, Tokenizing]:
    """What a member reads whose texts become token ids; ``total`` is the number of training rows."""
    assert member.tokenizer is not None
    tokenizer = tokens.open_tokenizer(member.tokenizer)
    if member.tokens is not None and member.tokens.is_file():
        table = read_table(member.tokens)
    else:
        table = tokens.tokenise(member.tokenizer, views.head(ROWS))
    template = Template.of(tokenizer)
    full = full_lengths(table, template)
    form = template.pair if "tokens_b" in table.columns else template.single
    max_length = settled_length(member, full)
    plain = full - form.specials
    capacity = tokens.capacity(member.options, max_length - form.specials)
    if member.type == "span":  # windows hold all of a long context
        capacity = int(plain.max(initial=0))
    lengths = Texts(
        rows=total,
        ids=table["id"].to_numpy(),
        lengths=plain,
        kept=np.minimum(plain, capacity),
        max_length=max_length,
    )
    return lengths, _tried(member.tokenizer, tokenizer, table, views)


def of_words(member: Member, views: pd.DataFrame, total: int) -> Texts:
    """What TextCNN reads."""
    lists = [list(tokenise(views[name], lowercase=member.options["lowercase"])) for name in segments(views)]
    lengths = np.sum([[len(words) for words in column] for column in lists], axis=0)
    limit = int(member.options["max_length"])
    return Texts(
        rows=total,
        ids=views["id"].to_numpy(),
        lengths=lengths,
        kept=np.minimum(lengths, limit),
        max_length=limit,
    )


def settled_length(member: Member, lengths: np.ndarray) -> int:
    """The member's ``max_length``; ``auto`` is chosen by the ``lengths`` (N,) with special tokens, as in training."""
    given = member.options["max_length"]
    if given != "auto":
        return int(given)
    from podium.models.transformer import limit_of

    folder = member.encoder
    limit = limit_of(folder) if folder is not None and (folder / "config.json").is_file() else None
    return choose_length(lengths, max_cut=member.options["max_cut"], limit=limit)


def _tried(folder: Path, tokenizer: tokens.Tokenizer, table: pd.DataFrame, views: pd.DataFrame) -> Tokenizing:
    some = [text for name in segments(views) for text in views[name].head(SHOWN_TEXTS)]
    ids = tokenizer.ids(some)
    words = [word for text in tokenise(some, lowercase=False) for word in text]
    vocabulary = read_vocabulary(folder)
    latin = [entry for entry in vocabulary if _LATIN.fullmatch(entry)]
    unk = tokenizer.special["unk"]
    flat = np.concatenate([Ragged.of(table[name]).flat for name in ("tokens_a", "tokens_b") if name in table])
    return Tokenizing(
        size=max(vocabulary.values()) + 1 if vocabulary else None,
        special=tokenizer.special,
        unknown=0.0 if unk is None else float((flat == unk).mean()) if len(flat) else 0.0,
        unknown_lowered=_unknown(tokenizer.ids([text.lower() for text in some]), unk),
        unknown_words=_unknown_words(tokenizer, words, unk),
        pieces=sum(map(len, ids)) / max(1, len(words)),
        lowers=tokenizer.ids(["A The Q"]) == tokenizer.ids(["a the q"]),
        capitals=sum(entry != entry.lower() for entry in latin) / max(1, len(latin)),
    )


def _unknown(ids: list[list[int]], unk: int | None) -> float:
    return sum(row.count(unk) for row in ids if unk is not None) / max(1, sum(map(len, ids)))


def _unknown_words(tokenizer: tokens.Tokenizer, words: list[str], unk: int | None) -> list[str]:
    """Some words that become unknown tokens, the frequent first."""
    frequent = pd.Series(words, dtype="str").value_counts().index.tolist()
    found = [
        word
        for word, row in zip(frequent, tokenizer.ids(frequent), strict=True)
        if unk is not None and unk in row
    ]
    return found[:5]


def read_vocabulary(folder: Path) -> dict[str, int]:
    """Entries of the vocabulary in a tokenizer's folder, added and special ones too, and their ids; may be empty."""
    path = folder / "tokenizer.json"
    if path.is_file():
        saved = read_json(path)
        found = saved.get("model", {}).get("vocab", {})
        plain = {entry[0]: number for number, entry in enumerate(found)} if isinstance(found, list) else found
        return plain | {token["content"]: int(token["id"]) for token in saved.get("added_tokens", [])}
    path = folder / "vocab.txt"
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines()
        return {line: number for number, line in enumerate(lines)}
    path = folder / "vocab.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
