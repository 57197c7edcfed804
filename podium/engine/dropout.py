"""Dropout on a CPU: masks of random bytes, applied by an integer ``and``."""

from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable


class Dropout:
    """Draws dropout masks for one forward pass, from torch's global generator.

    An element has a random byte and goes where that is below its row's threshold, which is one of two neighbours, drawn
    such that each element goes with the probability that is asked for, to 1/65536.
    """

    def __init__(self, hidden: float, attention: float) -> None:
        self.hidden, self.attention = (min(round(rate * 65536), 255 * 256) for rate in (hidden, attention))
        self._words: np.random.Generator | None = None

    @staticmethod
    def scale(rate: int) -> float:
        """What the elements that stay are multiplied by."""
        return 65536 / (65536 - rate)

    def mask(self, states: torch.Tensor, rate: int) -> torch.Tensor:
        """All bits set where an element stays, none where it goes; an integer tensor as wide as ``states``."""
        if self._words is None:
            seed = int(torch.randint(2**62, (), dtype=torch.int64))
            self._words = np.random.Generator(np.random.SFC64(seed))
        size, width = states.numel(), states.shape[-1]
        rows = size // width
        drawn = self._words.integers(0, 2**64, -(-(size + rows) // 8), dtype=np.uint64).view(np.uint8)
        threshold = (drawn[size : size + rows] < rate % 256) + np.uint8(rate // 256)
        stay = drawn[:size].reshape(rows, width) >= threshold[:, None]
        return torch.from_numpy(stay.view(np.int8)).to(_WORD[states.dtype]).neg_().view(states.shape)


_WORD = {torch.bfloat16: torch.int16, torch.float32: torch.int32, torch.float64: torch.int64}


def dropped(states: torch.Tensor, mask: torch.Tensor, rate: int) -> torch.Tensor:
    """``states`` without what ``mask`` drops, scaled up, in place."""
    states.view(mask.dtype).bitwise_and_(mask)
    return states.mul_(Dropout.scale(rate))


def masked(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """A copy of ``states`` without what ``mask`` drops."""
    return torch.bitwise_and(states.view(mask.dtype), mask).view(states.dtype)


class Drop(torch.autograd.Function):
    """Dropout alone."""

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, drop: Dropout) -> torch.Tensor:
        """Drop elements of the hidden ``states``."""
        mask = drop.mask(states, drop.hidden)
        ctx.scale = drop.scale(drop.hidden)
        ctx.save_for_backward(mask)
        return masked(states, mask).mul_(ctx.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Drop the same elements of the gradient."""
        return masked(grad, ctx.saved_tensors[0]).mul_(ctx.scale), None
