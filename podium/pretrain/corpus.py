"""The texts that a pretraining reads, as token ids in one flat array, and which of them are held out.

Shapes: N texts (segments of rows), T tokens of all texts, R rows.
"""

import dataclasses
import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from podium.duplicates import clusters, components, folded
from podium.engine.backbones import open_tokenizer
from podium.errors import UserError
from podium.files import read_table
from podium.pretrain.words import word_numbers

log = logging.getLogger(__name__)

NEAR = 0.8  # Jaccard similarity from which texts are held out together, as the folds' default
_AT_ONCE = 4096


@dataclasses.dataclass(frozen=True, slots=True)
class Corpus:
    """N texts: text i is ``ids[offsets[i] : offsets[i + 1]]``.

    ``words`` (T,) numbers the words of all texts, ascending; tokens of one word stand side by side; -1 for a special
    token that a text holds, written out. ``rows`` (N,) is the row of each text: the two texts of a pair have the same.
    """

    ids: np.ndarray
    words: np.ndarray
    offsets: np.ndarray
    rows: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text (N,)."""
        return np.diff(self.offsets)

    def take(self, texts: np.ndarray) -> Self:
        """Return the corpus of the ``texts`` (M,) alone; word numbers stay unique."""
        lengths = self.lengths[texts]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.repeat(self.offsets[texts] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return type(self)(self.ids[places], self.words[places], offsets, self.rows[texts])


def read_texts(paths: Sequence[Path]) -> pd.DataFrame:
    """Return ``text`` and ``row`` of every segment of the tables in ``paths``, empty texts left out, in their order.

    Only ids and texts are read: whatever labels a table has stay unseen.
    """
    parts, before = [], 0
    for path in paths:
        table = read_table(path)
        names = [name for name in ("text_a", "text_b") if name in table.columns]
        if "same_as" in table.columns:  # a view's duplicates are read once
            table = table[table["id"].astype("str") == table["same_as"].astype("str")]
        for name in names:
            parts.append(pd.DataFrame({"text": table[name].fillna("").astype("str").to_numpy()}))
            parts[-1]["row"] = np.arange(before, before + len(table))
        before += len(table)
    texts = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"text": [], "row": []})
    texts = texts[texts["text"].str.strip() != ""].sort_values("row", kind="stable")
    if texts.empty:
        raise UserError("pretrain: the parts that texts names hold no text")
    return texts.reset_index(drop=True)


def encode(texts: pd.DataFrame, folder: Path, *, language: str, whole_words: bool) -> Corpus:
    """Tokenise the table of ``read_texts`` with the tokenizer in ``folder``, nothing cut, no special tokens.

    Without ``whole_words`` every token is a word of its own. Raises ``UserError`` where there is no tokenizer, or one
    that does not say where its tokens come from.
    """
    tokenizer = open_tokenizer(folder, token_types=0)
    if not tokenizer.is_fast:
        raise UserError(
            f"pretrain: the tokenizer in {folder} is written in Python; a tokenizer.json is needed"
        )
    backend: Any = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    given = texts["text"].tolist()
    ids, words = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int64)]
    lengths = np.zeros(len(given), dtype=np.int64)
    for start in range(0, len(given), _AT_ONCE):
        batch = given[start : start + _AT_ONCE]
        encodings = backend.encode_batch(batch, add_special_tokens=False)
        lengths[start : start + len(batch)] = [len(encoding.ids) for encoding in encodings]
        ids += [np.array([code for one in encodings for code in one.ids], dtype=np.int32)]
        if whole_words:
            pairs = zip(batch, encodings, strict=True)
            each = [word_numbers(encoding, text, chinese=language == "zh") for text, encoding in pairs]
            words += [_numbered(each, first=int(words[-1][-1]) + 1 if len(words[-1]) else 0)]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    numbers = np.concatenate(words) if whole_words else np.arange(offsets[-1])
    flat = np.concatenate(ids)
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    return Corpus(flat, np.where(np.isin(flat, list(special)), -1, numbers), offsets, texts["row"].to_numpy())


def _numbered(each: list[list[int]], *, first: int) -> np.ndarray:
    """Join the word numbers of texts so that they go on from one text to the next, from ``first`` on."""
    sizes = np.array([numbers[-1] + 1 if numbers else 0 for numbers in each], dtype=np.int64)
    before = first + np.cumsum(sizes) - sizes
    flat = np.array([number for numbers in each for number in numbers], dtype=np.int64)
    return flat + np.repeat(before, [len(numbers) for numbers in each])


def held_out(texts: pd.DataFrame, share: float, *, seed: int) -> np.ndarray:
    """Whether each text (N,) is held out: about a ``share`` of the rows, near-duplicates and pairs on one side.

    Pairs with one first text (the hypotheses of a premise) stay together, as in the folds. What stays together is
    drawn by the digest of its first row and the ``seed``, so that rows which come or go move no others.
    """
    if not share:
        return np.zeros(len(texts), dtype=bool)
    grouped = texts.groupby("row", sort=True)["text"]
    rows = grouped.agg("\0".join)
    cluster = components(clusters(rows.tolist(), threshold=NEAR, seed=seed), _first_texts(grouped))
    _, first = np.unique(cluster, return_index=True)
    digests = [
        hashlib.blake2b(f"{seed}\0{text}".encode(), digest_size=8).digest() for text in rows.iloc[first]
    ]
    drawn = np.array([int.from_bytes(digest, "big") / 2**64 < share for digest in digests])
    chosen = pd.Series(drawn[cluster], index=rows.index)
    found: np.ndarray = chosen.loc[texts["row"]].to_numpy()
    if found.all() or not found.any():
        log.info("too few texts to hold some out: there will be no perplexity")
        return np.zeros(len(texts), dtype=bool)
    return found


def _first_texts(rows: Any) -> np.ndarray:
    """Label (R,) of the first text of each of the ``rows`` (texts grouped by row) that is a pair; -1 for others."""
    first = rows.first().map(folded)
    label: np.ndarray = np.where(rows.size() > 1, pd.factorize(first)[0], -1)
    return label
