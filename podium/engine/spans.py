"""Where an answer begins and ends: two scores for each token of a sequence, their loss, and what R-Drop makes of them.

Logits (B, 2 L) are those of the starts, then those of the ends; tokens that are not marked (``Encoded.marks``) have
``MASKED``. Shapes: B sequences, L tokens, D hidden size, M dropout samples.
"""

import torch

from podium.engine.inputs import Batch
from podium.engine.links import precise
from podium.engine.losses import Loss
from podium.engine.network import Network
from podium.engine.objective import Objective
from podium.engine.pooling import Pooling, Shape
from podium.engine.states import States

MASKED = -1e4  # no probability in float32, and no infinity, whose differences are no numbers


class Tokens(Pooling):
    """The top state of every token, (B, L, D), zeros on padding: no pooling, for a head that reads tokens."""

    def __init__(self, hidden: int) -> None:
        super().__init__(Shape(hidden=hidden, heads=1, layers=1, dropout=0.0))

    def _pool(self, states: States) -> torch.Tensor:
        return states.layers[-1].masked_fill(~states.mask.unsqueeze(-1), 0)


class SpanNetwork(Network):
    """An encoder with two scores for each token (Devlin et al. 2019, arXiv 1810.04805, section 4.2)."""

    def forward(self, batch: Batch) -> torch.Tensor:
        """Return logits: (B, 2 L), or (M, B, 2 L) in training with several dropout samples."""
        assert batch.marks is not None
        states_BLD = self.pooling(self._states(batch))
        scores = self.head(self.pooled(states_BLD)).transpose(-1, -2)
        return scores.masked_fill(~batch.marks.unsqueeze(-2), MASKED).flatten(-2)


class SpanLoss(Loss):
    """Mean of the cross-entropies of start and end, each over the marked tokens of its sequence.

    ``smoothing`` mixes as much of the uniform distribution over these tokens into the targets (Szegedy et al. 2016,
    arXiv 1512.00567, section 7).
    """

    def __init__(self, *, smoothing: float) -> None:
        super().__init__(outputs=2, targets=2, link="softmax")
        self.smoothing = smoothing

    def forward(self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the sum over the rows of weight times loss.

        ``logits`` (B, 2 L), ``target`` (B, 2) int64: places of the first and the last token, ``weight`` (B,).
        """
        rows = len(logits)
        if logits.shape[1] % 2 or tuple(target.shape) != (rows, 2) or tuple(weight.shape) != (rows,):
            found = tuple(logits.shape), tuple(target.shape), tuple(weight.shape)
            raise ValueError(
                f"shapes of logits, target and weight must be ((B, 2 L), (B, 2), (B,)), found {found}"
            )
        scores_B2L = precise(logits).unflatten(-1, (2, -1))
        log_B2L = torch.log_softmax(scores_B2L, dim=-1)
        losses_B2 = -log_B2L.gather(-1, target.unsqueeze(-1)).squeeze(-1)
        if self.smoothing:
            marked = scores_B2L > MASKED / 2
            even_B2 = -(log_B2L * marked).sum(dim=-1) / marked.sum(dim=-1)
            losses_B2 = (1 - self.smoothing) * losses_B2 + self.smoothing * even_B2
        return (weight.to(losses_B2.dtype) * losses_B2.mean(dim=-1)).sum()

    def predict(self, logits: torch.Tensor) -> torch.Tensor:
        """Return probabilities (B, 2 L): starts sum to 1, and so do ends."""
        return torch.softmax(precise(logits).unflatten(-1, (2, -1)), dim=-1).flatten(-2)


class SpanObjective(Objective):
    """``Objective`` whose R-Drop compares starts with starts and ends with ends."""

    def _divergence(self, first: torch.Tensor, second: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Mean of both divergences, as the loss is a mean: B rows of 2 L are 2 B rows of L with half the weight."""
        return super()._divergence(_halves(first), _halves(second), weight.repeat_interleave(2) / 2)


def _halves(logits: torch.Tensor) -> torch.Tensor:
    """From (.., B, 2 L) to (.., 2 B, L)."""
    return logits.unflatten(-1, (2, -1)).flatten(-3, -2)
