"""From a head's logits to log probabilities, in full precision. Shapes: B rows, K classes."""

from typing import Literal

import torch
from torch import nn

Link = Literal["softmax", "sigmoid", "ordinal", "identity"]
"""How logits become predictions: over classes, label by label, step by step over ordered classes, not at all."""


def precise(values: torch.Tensor) -> torch.Tensor:
    """Return float64 as it is, everything else as float32: losses are never computed in half precision."""
    return values if values.dtype == torch.float64 else values.float()


def log_proba(logits: torch.Tensor, link: Link) -> torch.Tensor:
    """Log probabilities (B, K), each row one distribution, of ``softmax`` or ``ordinal`` logits."""
    if link == "softmax":
        return torch.log_softmax(logits, dim=-1)
    if link == "ordinal":
        return ordinal_log_proba(logits)
    raise ValueError(f"the outputs of a {link} head are not one distribution over classes")


def ordinal_log_proba(logits: torch.Tensor) -> torch.Tensor:
    """Log probabilities (B, K) of K ordered classes from K - 1 logits of conditional probabilities.

    Logit j says how probable it is that y > j, given that y > j - 1; the chain rule (Shi, Cao and Raschka 2021,
    arXiv 2111.08851, section 3) gives P(y > j) as the product of the first j + 1, and P(y = k) as
    P(y > k - 1) times the probability not to pass k.
    """
    passed = _running_sum(nn.functional.logsigmoid(logits))
    stopped = nn.functional.logsigmoid(-logits)
    return nn.functional.pad(passed, (1, 0)) + nn.functional.pad(stopped, (0, 1))


def _running_sum(values: torch.Tensor) -> torch.Tensor:
    """``torch.cumsum`` over the last axis, by doubling: on a GPU, that of torch is not deterministic."""
    step = 1
    while step < values.shape[-1]:
        values = values + nn.functional.pad(values[..., :-step], (step, 0))
        step *= 2
    return values
