"""What an encoder reads: token ids with special tokens around them, cut or chunked, padded by batch.

Shapes: N rows, S sequences (a row in chunks has several), T tokens of all sequences; in a batch B rows, S sequences,
L tokens.
"""

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
import torch
from numpy.lib.stride_tricks import as_strided

from podium.engine.ragged import Ragged, joined, sizes
from podium.engine.template import FIRST, Form, Template
from podium.errors import UserError, hint
from podium.shares import at_most

TRUNCATIONS = ("head", "tail", "head_tail")
LONG_TEXTS = ("cut", "chunks")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InputOptions:
    """What becomes of texts that are longer than ``max_length`` tokens, special tokens counted.

    ``truncation`` keeps the ``head``, the ``tail``, or both (``head_tail``, a share ``head_share`` of what is kept
    from the head): Sun et al. 2019 (arXiv 1905.05583), section 5.3.1, where 128 + 382 of 510 tokens are a share of
    0.25. ``long_texts: chunks`` makes several sequences of a row, the hierarchical methods of the same section:
    consecutive chunks as long as ``max_length`` allows, each with special tokens of its own; at most ``max_chunks``,
    a text that is longer is truncated first; a chunk begins with the last ``chunk_overlap`` tokens of the one before.
    ``max_length: auto`` stands for ``choose_length`` with ``max_cut``.
    """

    max_length: int | Literal["auto"]
    max_cut: float
    truncation: str
    head_share: float
    long_texts: str
    max_chunks: int
    chunk_overlap: int


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Inputs of B rows on a device.

    ``inputs`` (S, L) are what the encoder takes: ``input_ids``, ``attention_mask``, perhaps ``token_type_ids``, int64.
    ``rows`` (S,) is the place in the batch of each sequence's row, ascending; None where every row is one sequence.
    ``full`` says that there is no padding, so that attention needs no mask; ``tokens`` counts those that are real.
    ``tasks`` (B,) int64 is each row's task; None where there is but one. ``marks`` (S, L) bool are ``Encoded.marks``.
    """

    inputs: dict[str, torch.Tensor]
    rows: torch.Tensor | None
    size: int
    full: bool
    tokens: int
    tasks: torch.Tensor | None = None
    marks: torch.Tensor | None = None


@dataclasses.dataclass(frozen=True)
class Encoded:
    """S sequences of N rows, in the order of the rows.

    Sequence s is ``tokens[offsets[s] : offsets[s + 1]]`` and belongs to row ``row_of[s]``; ``types`` (T,) are its token
    types, None where the encoder reads none. ``rows_cut`` is the share of rows that lost a token and ``tokens_cut``
    the share of their tokens that was lost, special tokens not counted. ``tasks`` (N,) int64 is each row's task, None
    where there is but one. ``marks`` (T,) int8 is 1 at tokens where an answer may begin or end, None where nobody
    asks.
    """

    tokens: np.ndarray
    types: np.ndarray | None
    offsets: np.ndarray
    row_of: np.ndarray
    template: Template
    max_length: int
    rows_cut: float
    tokens_cut: float
    tasks: np.ndarray | None = None
    marks: np.ndarray | None = None

    @property
    def chunked(self) -> bool:
        """Whether a row has several sequences."""
        return len(self.row_of) > len(self.counts)

    @cached_property
    def counts(self) -> np.ndarray:
        """Number of sequences of each row (N,)."""
        return np.bincount(self.row_of)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Tokens of each row (N,), special ones counted: the work it makes."""
        return np.add.reduceat(np.diff(self.offsets), self._first) if len(self.row_of) else self.row_of

    @cached_property
    def widths(self) -> np.ndarray:
        """Tokens of the longest sequence of each row (N,): the padding it asks for."""
        return np.maximum.reduceat(np.diff(self.offsets), self._first) if len(self.row_of) else self.row_of

    @cached_property
    def _first(self) -> np.ndarray:
        return np.cumsum(self.counts) - self.counts

    def batch(self, rows: np.ndarray, device: torch.device, *, multiple: int) -> Batch:
        """Return the padded inputs of ``rows`` (B,), all sequences of a row together.

        L is the longest sequence, rounded up to a ``multiple`` where ``max_length`` allows it.
        """
        sequences, owners = rows, None
        if len(self.row_of) > len(self.counts):
            counts = self.counts[rows]
            place = np.repeat(np.arange(len(rows)), counts)
            before = np.cumsum(counts) - counts
            sequences = np.repeat(self._first[rows] - before, counts) + np.arange(len(place))
            owners = _sent(place, device)
        starts = self.offsets[sequences]
        lengths = self.offsets[sequences + 1] - starts
        longest = int(lengths.max())
        width = max(longest, min(-(-longest // multiple) * multiple, self.max_length))
        real = np.arange(width) < lengths[:, None]
        inputs = {"input_ids": _padded(self.tokens, starts, real, self.template.pad, device)}
        if self.types is not None:
            inputs["token_type_ids"] = _padded(self.types, starts, real, 0, device)
        inputs["attention_mask"] = _sent(real, device).long()
        tasks = None if self.tasks is None else _sent(self.tasks[rows], device)
        marks = None if self.marks is None else _padded(self.marks, starts, real, 0, device).bool()
        full = int(lengths.min()) == width
        return Batch(inputs, owners, len(rows), full, int(lengths.sum()), tasks, marks)


def _padded(
    flat: np.ndarray, starts: np.ndarray, real: np.ndarray, filler: int, device: torch.device
) -> torch.Tensor:
    """Gather what is ``real`` (S, L) of ``flat`` from ``starts`` (S,) on, and ``filler`` elsewhere."""
    width = real.shape[1]
    if int(starts.max()) + width <= len(flat):  # whole rows of a view: twice as fast as single tokens
        windows = as_strided(flat, (len(flat) - width + 1, width), flat.strides * 2, writeable=False)
        found = windows[starts]
    else:
        found = flat.take(starts[:, None] + np.arange(width), mode="clip")
    return _sent(np.where(real, found, flat.dtype.type(filler)), device).long()


def _sent(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy to ``device``; a GPU fetches from pinned memory by itself, and nobody waits."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def compose(tokens: pd.DataFrame, template: Template, options: InputOptions, *, max_length: int) -> Encoded:
    """Put special tokens around the segments of each row, cut or chunked to ``max_length`` tokens.

    Cut with ``truncation: head`` the ids are those of the tokenizer itself with ``truncation="longest_first"``. Other
    truncations keep as many tokens of each segment. In chunks, ``tokens_b`` is what is chunked where there is one:
    each chunk follows the whole ``tokens_a``, which gets half the room, or more where ``tokens_b`` leaves it. A row
    without any token, where there are no special ones either, is one unknown word.

    Parameters
    ----------
    tokens
        ``tokens_a`` and perhaps ``tokens_b`` (N): lists of token ids (``podium.tokens.tokenise``).
    options
        Its ``max_length`` and ``max_cut`` are not read.

    Raises
    ------
    UserError
        Unknown names; no room for any token, or for a new one in each chunk.
    """
    segments, form = _segments(tokens), _form(tokens, template)
    room = max_length - form.specials
    _check(options, room, max_length, len(segments))
    whole = np.sum([segment.lengths for segment in segments], axis=0)
    if not form.specials:
        segments[0] = _never_empty(segments[0], whole == 0, template)
    make = _chunked if options.long_texts == "chunks" else _cut
    pieces, row_of, kept = make(segments, room, options)
    flat, types, offsets = assemble(pieces, form, len(row_of), types=template.types)
    lost = np.maximum(0, whole - kept)
    return Encoded(
        *(flat, types, offsets, row_of, template, max_length),
        rows_cut=float((lost > 0).mean()) if len(lost) else 0.0,
        tokens_cut=float(lost.sum() / max(1, whole.sum())),
    )


def assemble(
    pieces: Sequence[Ragged], form: Form, sequences: int, *, types: bool
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Put special tokens around the ``pieces`` of S sequences, a list of each segment.

    Returns
    -------
    ``tokens``, ``types`` (where ``types`` says that the encoder reads them) and ``offsets``, as ``Encoded`` has them.
    """
    parts = [token_id if token_id >= 0 else pieces[FIRST - token_id] for token_id in form.ids]
    flat, offsets = joined(parts, sequences)
    if not types or not any(form.types):
        return flat, None, offsets
    kinds = np.tile(np.array(form.types, dtype=np.int8), sequences)
    return flat, np.repeat(kinds, sizes(parts, sequences).ravel()), offsets


def _segments(tokens: pd.DataFrame) -> list[Ragged]:
    return [Ragged.of(tokens[name]) for name in ("tokens_a", "tokens_b") if name in tokens.columns]


def _never_empty(segment: Ragged, empty: np.ndarray, template: Template) -> Ragged:
    """Put one token into the lists that are ``empty`` (N,): a network cannot read nothing."""
    if not empty.any():
        return segment
    filler = template.pad if template.unk is None else template.unk
    return Ragged(
        np.append(segment.flat, np.int32(filler)),
        np.where(empty, len(segment.flat), segment.starts),
        np.where(empty, 1, segment.lengths),
    )


def _form(tokens: pd.DataFrame, template: Template) -> Form:
    return template.pair if "tokens_b" in tokens.columns else template.single


def _check(options: InputOptions, room: int, max_length: int, segments: int) -> None:
    """Raise ``UserError`` for options that do not go together."""
    for key, names in (("truncation", TRUNCATIONS), ("long_texts", LONG_TEXTS)):
        if (name := getattr(options, key)) not in names:
            raise UserError(f"inputs: there is no {key} '{name}'; {hint(name, names)}")
    if room < segments:
        raise UserError(f"inputs: max_length {max_length} leaves no room beside the special tokens; set more")
    least = room - room // 2 if segments == 2 else room  # what a chunk has at the worst
    if options.long_texts == "chunks" and options.chunk_overlap >= least:
        raise UserError(
            f"inputs: chunk_overlap {options.chunk_overlap} fills a chunk of {least} tokens (max_length {max_length}); "
            f"set at most {least - 1}"
        )


def _cut(
    segments: list[Ragged], room: int, options: InputOptions
) -> tuple[list[Ragged], np.ndarray, np.ndarray]:
    """One sequence a row: its segments (S), their rows (S,), and how many tokens are kept of each row (N,)."""
    lengths = [segment.lengths for segment in segments]
    allowed = [np.full_like(lengths[0], room)]
    if len(lengths) == 2:
        allowed = longest_first(lengths[0], lengths[1], room)
    kept = [_shortened(segment, count, options) for segment, count in zip(segments, allowed, strict=True)]
    return kept, np.arange(len(lengths[0])), np.sum([segment.lengths for segment in kept], axis=0)


def _chunked(
    segments: list[Ragged], room: int, options: InputOptions
) -> tuple[list[Ragged], np.ndarray, np.ndarray]:
    """One sequence a chunk; see ``_cut``."""
    *before, text = segments
    rooms = np.full_like(text.lengths, room)
    if before:
        before = [_shortened(before[0], np.maximum(room // 2, room - text.lengths), options)]
        rooms = room - before[0].lengths
    steps = np.maximum(1, rooms - options.chunk_overlap)
    text = _shortened(text, rooms + (options.max_chunks - 1) * steps, options)
    counts = 1 + -(-np.maximum(0, text.lengths - rooms) // steps)
    row_of = np.repeat(np.arange(len(counts)), counts)
    starts = (np.arange(len(row_of)) - np.repeat(np.cumsum(counts) - counts, counts)) * steps[row_of]
    chunks = text.take(row_of).window(starts, np.minimum(rooms[row_of], text.lengths[row_of] - starts))
    kept = np.sum([segment.lengths for segment in (*before, text)], axis=0)
    return [*(segment.take(row_of) for segment in before), chunks], row_of, kept


def longest_first(first: np.ndarray, second: np.ndarray, room: int) -> list[np.ndarray]:
    """How many tokens of pairs with ``first`` (N,) and ``second`` (N,) tokens are kept so that ``room`` is enough.

    The longer segment is cut down to the shorter one, then both in turn, as ``longest_first`` of the ``tokenizers``
    library counts it: where both are cut, the longer one (the second of equal ones) gets an odd token.
    """
    short, long = np.minimum(first, second), np.maximum(first, second)
    both = 2 * short > room
    short, long = np.where(both, room // 2, short), np.where(both, room - room // 2, room - short)
    return [np.where(first > second, long, short), np.where(first > second, short, long)]


def _shortened(segment: Ragged, counts: np.ndarray, options: InputOptions) -> Ragged:
    """Keep at most ``counts`` (N,) tokens of each list."""
    if options.truncation == "head":
        return segment.first(counts)
    if options.truncation == "tail":
        return segment.last(counts)
    cut = segment.lengths > counts
    if not cut.any():
        return segment
    heads = np.where(cut, np.floor(counts * options.head_share + 0.5).astype(np.int64), segment.lengths)
    tails = np.where(cut, counts - heads, 0)
    flat, offsets = joined([segment.first(heads), segment.last(tails)], len(cut))
    return Ragged(flat, offsets[:-1], np.diff(offsets))


def full_lengths(tokens: pd.DataFrame, template: Template) -> np.ndarray:
    """Length of each row (N,) as one sequence, special tokens counted, nothing cut."""
    return np.sum([part.lengths for part in _segments(tokens)], axis=0) + _form(tokens, template).specials


def choose_length(lengths: np.ndarray, *, max_cut: float, limit: int | None) -> int:
    """The smallest multiple of 8 at which at most a share ``max_cut`` of rows is cut, no more than ``limit``.

    ``lengths`` (N,) are ``full_lengths`` of the training rows. Rows are counted, not tokens: one endless text holds
    more tokens than a share allows, and would set the length for all others.
    """
    ordered = np.sort(lengths)[::-1]
    allowed = at_most(max_cut, len(ordered))
    longest = int(ordered[allowed]) if allowed < len(ordered) else 0
    chosen = max(8, -(-longest // 8) * 8)
    return chosen if limit is None else min(chosen, limit)


def prune_vocabulary(encoded: Encoded) -> tuple[np.ndarray, Encoded]:
    """Number the token ids that occur from 0 on, so that a network can train a small table of embeddings.

    Returns
    -------
    The ids in use (V,), ascending, special ones always among them: row i of the small table is row ``used[i]`` of the
    encoder's. And the same rows with the new ids, in their template, too.
    """
    specials = np.array(sorted(encoded.template.ids), dtype=np.int64)
    highest = max(int(encoded.tokens.max(initial=0)), int(specials.max(initial=0)))
    seen = np.zeros(highest + 1, dtype=bool)
    seen[encoded.tokens] = True
    seen[specials] = True
    used = np.flatnonzero(seen)
    new = np.cumsum(seen, dtype=np.int32) - 1
    template = encoded.template.mapped({int(token_id): int(new[token_id]) for token_id in specials})
    return used, dataclasses.replace(encoded, tokens=new[encoded.tokens], template=template)
