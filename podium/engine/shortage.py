"""What is done when memory runs out: the same batch, in smaller parts.

Which parts go through a network at once changes neither a step's loss nor, but for rounding and what is drawn for each
part (dropout, mixup), its gradient. So a run that lacks memory goes on from the last step's end with half as many
tokens at once, and what is trained stays what the config asks for.
"""

import gc
import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import torch

from podium.engine.batching import length_batches, split
from podium.errors import TrainingError, UserError
from podium.mishaps import out_of_memory

T = TypeVar("T")
log = logging.getLogger(__name__)

MAY_BE = (MemoryError, RuntimeError)
"""Types of exceptions among which ``out_of_memory`` finds those of memory."""
_ADVICE = (
    "lower max_length, take a smaller encoder or gradient_checkpointing: true where the model has it, or run fewer "
    "jobs at a time"
)


def release() -> None:
    """Give back what a failed attempt held: to be called when its exception is gone, which refers to all of it."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def cost(places: np.ndarray, lengths: np.ndarray, counts: np.ndarray | None) -> int:
    """Tokens of a batch of rows (B,), padding counted; ``lengths`` (N,) and ``counts`` (N,) as in ``token_batches``."""
    sequences = len(places) if counts is None else int(counts[places].sum())
    return sequences * int(lengths[places].max(initial=0))


class Allowance:
    """The most tokens of a part of a batch, padding counted: no limit until memory runs out.

    Part of a run's checkpoint, so that a run that is taken up again computes its steps in the same parts.
    """

    def __init__(self) -> None:
        self._cuts: list[tuple[int, int]] = []  # step, tokens from then on

    @property
    def tokens(self) -> int | None:
        """The limit; None where there is none."""
        return self._cuts[-1][1] if self._cuts else None

    def shares(
        self,
        batch: np.ndarray,
        lengths: np.ndarray,
        counts: np.ndarray | None,
        *,
        accumulate: int,
        processes: int,
    ) -> list[list[np.ndarray]]:
        """Cut the rows of a batch (B,) into ``accumulate`` parts for each of the ``processes``.

        Parts above the limit are cut further. A batch with fewer rows than parts leaves some processes without any.
        """
        count = accumulate * processes
        parts = [batch] if count == 1 else split(batch, lengths, parts=count, max_tokens=None, counts=counts)
        dealt, limit = [parts[rank::processes] for rank in range(processes)], self.tokens
        if limit is None:
            return dealt
        return [[piece for part in own for piece in _within(part, lengths, counts, limit)] for own in dealt]

    def halve(self, step: int, sizes: list[tuple[int, int]]) -> None:
        """Halve the limit: memory ran out in ``step`` (0 is the first) with parts of so many (rows, tokens).

        Raises ``TrainingError`` where no part has two rows.
        """
        most = max((tokens for rows, tokens in sizes if rows > 1), default=0)
        if not most:
            longest = max(tokens for _, tokens in sizes)
            raise TrainingError(
                f"training: memory ran out at step {step + 1} with a single row of {longest} tokens at once; {_ADVICE}"
            )
        self._cuts.append((step, most // 2))
        log.warning(
            "memory ran out at step %d: at most %d tokens at once instead of %d from now on, in the same batches",
            *(step + 1, most // 2, most),
        )

    def facts(self) -> list[dict[str, int]]:
        """Return when memory ran out: the step (1 is the first) and the most tokens at once from then on."""
        return [{"step": step + 1, "tokens_at_once": tokens} for step, tokens in self._cuts]

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the steps and limits; nothing where memory was enough."""
        return {"cuts": torch.tensor(self._cuts)} if self._cuts else {}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Take up what ``state_dict`` returned."""
        self._cuts = [(int(step), int(tokens)) for step, tokens in state["cuts"].tolist()] if state else []


def _within(part: np.ndarray, lengths: np.ndarray, counts: np.ndarray | None, limit: int) -> list[np.ndarray]:
    if cost(part, lengths, counts) <= limit:
        return [part]
    return split(part, lengths, parts=None, max_tokens=limit, counts=counts)


def in_batches(
    work: Callable[[np.ndarray], T], lengths: np.ndarray, budget: int, counts: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, T]]:
    """Yield the places of each batch of ``length_batches`` with ``work`` of them.

    Where memory runs out, with half the budget from there on; ``work`` is called again for what it failed with. Raises
    ``UserError`` where memory is not enough for a single row.
    """
    waiting = length_batches(lengths, budget, counts)[::-1]
    while waiting:
        places = waiting.pop()
        try:
            made = work(places)
        except MAY_BE as error:
            if not out_of_memory(error):
                raise
        else:
            yield places, made
            continue
        release()
        used = cost(places, lengths, counts)
        if len(places) == 1:
            raise UserError(f"prediction: memory ran out with a single row of {used} tokens; {_ADVICE}")
        budget = used // 2
        log.warning("memory ran out: at most %d tokens at once are predicted instead of %d", budget, used)
        left = np.concatenate([places, *waiting[::-1]])
        own = None if counts is None else counts[left]
        waiting = [left[batch] for batch in length_batches(lengths[left], budget, own)][::-1]
