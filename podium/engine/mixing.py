"""Rows that nobody wrote: mixup of a batch's rows, and words dropped from them.

Shapes: B rows, L tokens, D wide, V token ids, K outputs.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import nn

PLACES = ("words", "sentence")


class OutputHook:
    """Changes what ``module`` returns (one tensor) for as long as a ``with`` block lasts, in any network that calls it.

    The hook stays on the module and does nothing between the blocks: ``torch.compile`` sees the hooks that exist when
    it compiles and no later ones, so make this object before the network's first call.
    """

    def __init__(self, module: nn.Module) -> None:
        self._change: Callable[[torch.Tensor], torch.Tensor] | None = None
        module.register_forward_hook(self._forward)

    def _forward(self, module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        return output if self._change is None else self._change(output)

    @contextlib.contextmanager
    def changed(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[None]:
        """Replace each output by ``change(output)`` within the block."""
        before, self._change = self._change, change
        try:
            yield
        finally:
            self._change = before


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MixupOptions:
    """``where`` is ``words`` or ``sentence``; ``alpha`` > 0 shapes Beta(alpha, alpha): below 1 mostly one row wins."""

    where: str
    alpha: float


@dataclasses.dataclass(frozen=True, slots=True)
class Mixture:
    """Row i of a mixed batch is ``share`` of row i and ``1 - share`` of row ``partner[i]``.

    ``share`` is a scalar tensor in [0, 1], ``partner`` (B,) a permutation, both on the batch's device.
    """

    share: torch.Tensor
    partner: torch.Tensor

    def rows(self, values: torch.Tensor) -> torch.Tensor:
        """Mix float ``values`` (B, ...) of the batch: vectors, soft targets (B, K), weights (B,)."""
        return self.share * values + (1 - self.share) * values[self.partner]

    def union(self, mask: torch.Tensor) -> torch.Tensor:
        """Mark in ``mask`` (B, L) the tokens that are real in a row or in its partner."""
        return torch.maximum(mask, mask[self.partner])


class Mixup:
    """wordMixup and senMixup of Guo et al. 2019 (arXiv 1905.08941).

    ``words`` mixes the word embeddings of two rows position by position, the shorter row filled up with zeros:
    ``modules`` is the embedding, whose output is (B, L, D), or several whose outputs are added. Positions and segments
    stay those of the first row. ``sentence`` mixes the sentences' vectors before the last layer: ``modules`` is what
    pools, its output is (B, D).

    A step draws once, mixes targets and weights by ``Mixture.rows``, feeds ``mask(...)`` as the attention mask and runs
    the network inside ``applied(...)``. The paper's networks knew no masks: that a transformer attends to the positions
    that are real in either row, and pools over them, is the reading taken here.
    """

    def __init__(self, options: MixupOptions, *modules: nn.Module) -> None:
        if options.where not in PLACES or not options.alpha > 0:
            raise ValueError(f"mixup: where must be one of {PLACES} and alpha more than 0, not {options}")
        self._words, self._alpha = options.where == "words", options.alpha
        self._hooks = [OutputHook(module) for module in modules]

    def draw(self, rows: int, device: torch.device, tasks: torch.Tensor | None = None) -> Mixture:
        """Draw one share for the batch, Beta(alpha, alpha), and the partners, from the global generator of ``device``.

        Where rows have ``tasks`` (B,), partners are of one task. Made on the device itself, so that no step waits for
        it.
        """
        alpha = torch.full((), self._alpha, device=device)
        share = torch.distributions.Beta(alpha, alpha, validate_args=False).sample()
        partner = torch.randperm(rows, device=device)
        if (
            tasks is not None
        ):  # both orders have the tasks in the same places, one of them shuffled within each
            shuffled = partner[torch.argsort(tasks[partner], stable=True)]
            partner = torch.empty_like(partner).scatter_(0, torch.argsort(tasks, stable=True), shuffled)
        return Mixture(share, partner)

    def mask(self, mixture: Mixture, mask: torch.Tensor) -> torch.Tensor:
        """Return the attention mask (B, L) of the mixed batch, of the same type as ``mask``."""
        return mixture.union(mask) if self._words else mask

    @contextlib.contextmanager
    def applied(self, mixture: Mixture, mask: torch.Tensor) -> Iterator[None]:
        """Mix within the block; ``mask`` (B, L) is the batch's own, 1 on real tokens."""

        def change(output: torch.Tensor) -> torch.Tensor:
            if self._words:
                output = output * mask.unsqueeze(-1).to(output.dtype)
            return mixture.rows(output)

        with contextlib.ExitStack() as stack:
            for hook in self._hooks:
                stack.enter_context(hook.changed(change))
            yield


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WordDropoutOptions:
    """``rate`` is the probability, in [0, 1), that a word is hidden."""

    rate: float


def special_table(special: Iterable[int], size: int) -> torch.Tensor:
    """Return a table (V,) of ``size`` ids, True for those that ``drop_words`` leaves alone: padding, CLS, SEP, ..."""
    table = torch.zeros(size, dtype=torch.bool)
    table[list(special)] = True
    return table


def drop_words(
    ids: torch.Tensor, special: torch.Tensor, options: WordDropoutOptions, *, replacement: int
) -> torch.Tensor:
    """Replace each id of ``ids`` (B, L) that is not ``special`` (V,) by ``replacement`` with probability ``rate``.

    Word dropout leaves words out of the input (Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods
    for Text Classification", section 3.1; Dai and Le 2015, arXiv 1511.01432); here a hidden word keeps its place, taken
    by the unknown or mask token, as in Bowman et al. 2016 (arXiv 1511.06349, section 3.1), since positions carry
    meaning. Draws from the global generator of the device of ``ids``.
    """
    hidden = (torch.rand(ids.shape, device=ids.device) < options.rate) & ~special[ids]
    return torch.where(hidden, replacement, ids)
