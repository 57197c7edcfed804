"""The output layer: dropout and one linear layer, with one dropout mask or several.

Shapes: B rows, D width of the pooled vector, K outputs, S dropout samples.
"""

import dataclasses
from collections.abc import Callable

import torch
from torch import nn


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HeadOptions:
    """``dropout``: share of the pooled vector that is dropped; ``dropout_samples``: masks a step, 1 or more."""

    dropout: float
    dropout_samples: int


class Head(nn.Module):
    """Dropout and one linear layer (weights normal with std 0.02, biases zero, as in BERT).

    Multi-sample dropout (Inoue 2019, arXiv 1905.09788, abstract): S masks of the same vector go through the same
    linear layer, and the loss is the mean of the S losses. Many published notebooks average the S logits instead; this
    follows the paper, so the samples come out apart and ``average_samples`` brings their losses together.
    """

    def __init__(self, options: HeadOptions, *, size: int, outputs: int) -> None:
        super().__init__()
        if options.dropout_samples < 1:
            raise ValueError(f"dropout_samples is {options.dropout_samples}; 1 is the least")
        self.samples = options.dropout_samples
        self.dropout, self.output = nn.Dropout(options.dropout), nn.Linear(size, outputs)
        nn.init.normal_(self.output.weight, std=0.02)
        nn.init.zeros_(self.output.bias)

    def forward(self, pooled_BD: torch.Tensor) -> torch.Tensor:
        """Return logits: (S, B, K) in training where S is above 1, (B, K) otherwise."""
        pooled = pooled_BD.to(self.output.weight.dtype)
        if self.training and self.samples > 1:
            pooled = pooled.expand(self.samples, *pooled.shape)
        return self.output(self.dropout(pooled))


def average_samples(loss: Callable[[torch.Tensor], torch.Tensor], logits: torch.Tensor) -> torch.Tensor:
    """Return ``loss`` of logits (B, K), or its mean over the samples of logits (S, B, K).

    ``loss`` takes (B, K) and returns losses of any shape, such as (B,) or one number for the batch.
    """
    if logits.ndim == 2:
        return loss(logits)
    return torch.stack([loss(sample_BK) for sample_BK in logits]).mean(dim=0)
