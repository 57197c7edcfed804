"""From the chunks of long texts to one vector a row.

Shapes: S sequences, B rows of a batch, P width of a pooled vector.
"""

import torch
from torch import nn

POOLINGS = ("mean", "max", "attention")


class ChunkPooling(nn.Module):
    """Combine the pooled vectors of each row's chunks: their ``mean``, their ``max``, or a weighted mean.

    Hierarchical methods of Sun et al. 2019 (arXiv 1905.05583), section 5.3.1: the vectors of the k fractions of a text
    are combined by mean pooling, max pooling or self-attention. The paper has no formula for the last; this is the
    self-attention of Lin et al. 2017 (arXiv 1703.03130), equation 5: weights softmax(w tanh(W h)) over the chunks of a
    row, with ``size`` hidden units. ``w`` is zero at first, so that training starts from the mean.

    Computed in float32 at least. Chunks of a row that share the maximum share its gradient.
    """

    def __init__(self, name: str, size: int) -> None:
        super().__init__()
        if name not in POOLINGS:
            raise ValueError(f"there is no chunk pooling '{name}'; valid: {', '.join(POOLINGS)}")
        self.name = name
        if name == "attention":
            self.hidden, self.score = nn.Linear(size, size, bias=False), nn.Linear(size, 1, bias=False)
            nn.init.xavier_uniform_(self.hidden.weight)
            nn.init.zeros_(self.score.weight)

    def forward(self, pooled_SP: torch.Tensor, rows_S: torch.Tensor, number_of_rows: int) -> torch.Tensor:
        """Return one vector a row (B, P), in the dtype of ``pooled_SP``.

        ``rows_S`` (int64, ascending) is each sequence's row; each of the ``number_of_rows`` has one at least.
        """
        if len(pooled_SP) == number_of_rows:  # each row is one sequence
            return pooled_SP
        values_SP = pooled_SP if pooled_SP.dtype == torch.float64 else pooled_SP.float()
        with torch.autocast(values_SP.device.type, enabled=False):
            weights = self._weights(values_SP, rows_S, number_of_rows)
            sums_BP = _sums(values_SP * weights, rows_S, number_of_rows)
            return (sums_BP / _sums(weights, rows_S, number_of_rows)).to(pooled_SP.dtype)

    def _weights(self, values_SP: torch.Tensor, rows_S: torch.Tensor, number_of_rows: int) -> torch.Tensor:
        """Weights of the chunks, (S, 1) or (S, P), up to a factor for each row."""
        if self.name == "mean":
            return torch.ones_like(values_SP[:, :1])
        if self.name == "max":
            return (values_SP == _highest(values_SP, rows_S, number_of_rows)).to(values_SP.dtype)
        scores_S1 = self.score(torch.tanh(self.hidden(values_SP)))
        return torch.exp(scores_S1 - _highest(scores_S1, rows_S, number_of_rows))


def _sums(values: torch.Tensor, rows_S: torch.Tensor, number_of_rows: int) -> torch.Tensor:
    """Sum the values (S, X) of each row: (B, X)."""
    return values.new_zeros(number_of_rows, values.shape[1]).index_add(0, rows_S, values)


def _highest(values: torch.Tensor, rows_S: torch.Tensor, number_of_rows: int) -> torch.Tensor:
    """The highest value (S, X) in the row of each sequence, without gradient."""
    index = rows_S.unsqueeze(1).expand_as(values)
    empty = values.new_zeros(number_of_rows, values.shape[1])
    return empty.scatter_reduce(0, index, values.detach(), "amax", include_self=False).index_select(0, rows_S)
