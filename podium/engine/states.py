"""What an encoder says of a batch, for the pooling on top of it."""

import dataclasses

import torch


@dataclasses.dataclass(frozen=True, slots=True)
class States:
    """Hidden states of B sequences of at most L tokens, D wide.

    ``layers`` are the states that the pooling asked for, the top layer last, each (B, L, D); where only the first token
    is asked for, the top layer may be (B, 1, D). ``mask`` (B, L) is True on real tokens, and the first token of a
    sequence is always real. ``pooler`` (B, D) is the encoder's own pooled output, None where it has none. ``tasks``
    (B, T) is 1 at each sequence's task, None where there is but one.
    """

    layers: tuple[torch.Tensor, ...]
    mask: torch.Tensor
    pooler: torch.Tensor | None
    tasks: torch.Tensor | None = None
