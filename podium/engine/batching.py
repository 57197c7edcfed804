"""Which rows make a batch."""

import numpy as np

WINDOW = 50  # batches that are sorted by length together
BUDGET = {
    "cpu": 2048,
    "cuda": 32768,
}  # tokens of a batch without gradients: what fits a core's cache, fills a GPU


def epoch_batches(
    lengths: np.ndarray, size: int, generator: np.random.Generator, *, window: int = WINDOW
) -> list[np.ndarray]:
    """Random batches of ``size`` rows of similar length; every row (N) once, the order of batches random.

    Rows are shuffled, cut into windows of ``window`` batches and sorted by length inside a window: little
    padding, and each batch is still a random draw of its window.
    """
    order = generator.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), size * window):
        rows = order[start : start + size * window]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        batches += [rows[i : i + size] for i in range(0, len(rows), size)]
    return [batches[i] for i in generator.permutation(len(batches))]


def token_batches(
    lengths: np.ndarray,
    budget: int,
    generator: np.random.Generator,
    *,
    window: int,
    counts: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Random batches of rows of similar length, each of at most ``budget`` tokens, padding counted.

    As ``epoch_batches``, with windows of about ``window`` budgets of tokens. The batches of a window are of about the
    same size: a small rest would have as much to say as a whole batch.

    Parameters
    ----------
    lengths
        Tokens of each row's longest sequence (N,) (``Encoded.widths``). A row beyond the budget is a batch alone.
    counts
        Sequences of each row (N,), which stay together; None for one each.
    """
    order = generator.permutation(len(lengths))
    work = np.cumsum(lengths[order] if counts is None else (lengths * counts)[order])
    windows = np.split(order, np.flatnonzero(np.diff((work - 1) // (budget * window))) + 1)
    batches = [batch for rows in windows for batch in _even_batches(rows, lengths, budget, counts)]
    return [batches[i] for i in generator.permutation(len(batches))]


def length_batches(lengths: np.ndarray, budget: int, counts: np.ndarray | None = None) -> list[np.ndarray]:
    """Batches of rows sorted by length with at most ``budget`` padded tokens each (one row at least).

    ``lengths`` (N,) and ``counts`` (N,) as in ``token_batches``.
    """
    order, ends = _sorted(np.arange(len(lengths)), lengths, counts)
    return _batches(order, lengths, budget, ends)


def split(
    batch: np.ndarray,
    lengths: np.ndarray,
    *,
    parts: int | None,
    max_tokens: int | None,
    counts: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Cut the rows of one batch (B,) into smaller ones of similar length, whose gradients add up to the batch's.

    Either into ``parts`` of as many rows each (fewer where there are fewer rows), or so that none has more than
    ``max_tokens`` tokens, padding counted. ``lengths`` (N,) and ``counts`` (N,) as in ``token_batches``.
    """
    if (parts is None) == (max_tokens is None):
        raise ValueError("split: say either parts or max_tokens")
    if max_tokens is not None:
        return _even_batches(batch, lengths, max_tokens, counts)
    order, _ = _sorted(batch, lengths, counts)
    return [part for part in np.array_split(order, parts or 1) if len(part)]


def _sorted(
    rows: np.ndarray, lengths: np.ndarray, counts: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Order ``rows`` from the longest to the shortest; add how many sequences there are up to each of them."""
    keys = [lengths[rows]] if counts is None else [counts[rows], lengths[rows]]
    order = rows[np.lexsort(keys)[::-1]]
    return order, np.arange(1, len(rows) + 1) if counts is None else np.cumsum(counts[order])


def _batches(order: np.ndarray, lengths: np.ndarray, budget: int, ends: np.ndarray) -> list[np.ndarray]:
    """Cut rows that are ordered from the longest to the shortest; a batch is as wide as its first row."""
    batches: list[np.ndarray] = []
    start = before = 0
    while start < len(order):
        fitting = before + budget // max(1, int(lengths[order[start]]))
        stop = max(start + 1, int(np.searchsorted(ends, fitting, side="right")))
        batches.append(order[start:stop])
        start, before = stop, int(ends[stop - 1])
    return batches


def _even_batches(
    rows: np.ndarray, lengths: np.ndarray, budget: int, counts: np.ndarray | None
) -> list[np.ndarray]:
    """As few batches of ``rows`` as the budget allows, with about the smallest budget that makes no more of them."""
    order, ends = _sorted(rows, lengths, counts)
    best = _batches(order, lengths, budget, ends)
    low, high = budget // 2, budget
    while high - low > max(1, budget // 32):
        tried = (low + high) // 2
        found = _batches(order, lengths, tried, ends)
        low, high, best = (low, tried, found) if len(found) == len(best) else (tried, high, best)
    return best
