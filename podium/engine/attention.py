"""The core of attention as plain products, forward and backward, for ``podium.engine.bert``.

Shapes: B sequences, L tokens, Lq of them that ask, H heads, d head size, N = B H, T = B L, D = H d.
"""

import math

import torch

from podium.engine.dropout import Dropout, dropped

CLIP = 100.0  # of attention scores, in powers of two, where bf16 would overflow: a weight is 0 or takes all there


class Padding:
    """Takes padding out of keys and values; in batches of similar length it is a few last tokens."""

    def __init__(self, mask: torch.Tensor, heads: int, dtype: torch.dtype) -> None:
        self.start = int((mask > 0).all(0).cumprod(0).sum())  # first token that is padding somewhere
        self.keep = mask.to(dtype).repeat_interleave(heads, 0).unsqueeze(-1)

    def clear(self, tokens: torch.Tensor) -> None:
        """Set padding of ``tokens`` (B H, L, d) to 0."""
        tokens[:, self.start :].mul_(self.keep[:, self.start :])


def weigh(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, padding: Padding | None, drop: Dropout
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Attention of queries (N, Lq, d) over keys and values (N, L, d), N = B H.

    Returns the context (N, Lq, d), the powers (N, Lq, L) and their sums (N, Lq, 1) over the real tokens.
    """
    powers, total = _powers(q, k, padding, clip=False)
    if not 2**-CLIP < float(total.min()) <= float(total.max()) < 2**CLIP:  # rare: to clip always is slower
        powers, total = _powers(q, k, padding, clip=True)
    shown, mask = powers, None
    if drop.attention:
        mask = drop.mask(powers, drop.attention)
        shown = dropped(powers.clone(), mask, drop.attention)
    return torch.bmm(shown, v).div_(total), powers, total, mask


def _powers(
    q: torch.Tensor, k: torch.Tensor, padding: Padding | None, *, clip: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    powers = _product(q, k.transpose(1, 2), math.log2(math.e) / math.sqrt(q.shape[-1]))
    powers = (powers.clamp_(-CLIP, CLIP) if clip else powers).exp2_()
    return powers, powers.sum(-1, keepdim=True) if padding is None else torch.bmm(powers, padding.keep)


def weigh_backward(
    inner: torch.Tensor,
    context: torch.Tensor,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    powers: torch.Tensor,
    mask: torch.Tensor | None,
    rate: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients of queries, keys and values; ``inner`` is the context's gradient over the sums."""
    lost = (inner * context).sum(-1, keepdim=True).neg_()
    shown, turned = powers, v.transpose(1, 2)
    if mask is None:
        gradient = torch.baddbmm(lost.expand(powers.shape), inner, turned)
    else:
        shown = dropped(powers.clone(), mask, rate)
        gradient = dropped(torch.bmm(inner, turned), mask, rate).add_(lost)
    gv = torch.bmm(shown.transpose(1, 2), inner)
    gradient.mul_(powers)
    scale = 1 / math.sqrt(q.shape[-1])
    return _product(gradient, k, scale), _product(gradient.transpose(1, 2), q, scale), gv


def _product(a: torch.Tensor, b: torch.Tensor, scale: float) -> torch.Tensor:
    """``scale`` times the products of ``a`` (N, I, J) and ``b`` (N, J, K)."""
    return a.new_empty(a.shape[0], a.shape[1], b.shape[2]).baddbmm_(a, b, beta=0, alpha=scale)


def joined(parts: list[torch.Tensor], batch: int) -> torch.Tensor:
    """P times (B H, L, d) -> (T, P D)."""
    count, length, size = parts[0].shape[0] // batch, *parts[0].shape[1:]
    found = parts[0].new_empty(batch, length, len(parts), count, size)
    for number, part in enumerate(parts):
        _wide(found[:, :, number]).copy_(_wide(part).view(batch, count, length, -1).transpose(1, 2))
    return found.view(batch * length, -1)


def _wide(states: torch.Tensor) -> torch.Tensor:
    """The same memory as fewer and wider elements, where the last dimension allows it: half the time of a copy."""
    fits = states.shape[-1] * states.element_size() % 16 == 0
    return states.view(torch.complex128) if fits else states


def merge(heads: torch.Tensor, batch: int) -> torch.Tensor:
    """(B H, L, d) -> (T, D)."""
    return joined([heads], batch)


def split(states: torch.Tensor, batch: int, heads: int) -> torch.Tensor:
    """(T, D) -> (B H, L, d), new."""
    size = states.shape[1] // heads
    split = states.view(batch, -1, heads, size).transpose(1, 2)
    return torch.empty(split.shape, dtype=states.dtype).copy_(split).flatten(0, 1)
