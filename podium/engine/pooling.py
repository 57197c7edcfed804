"""Poolings: from the hidden states of an encoder's tokens to one vector a row.

Shapes: B rows of a batch, L tokens, D hidden size, H attention heads, S the width of what comes out.
What a padded position holds, even NaN, changes neither a result nor a gradient. Results are float32.
"""

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import nn

from podium.engine.states import States
from podium.errors import UserError, hint

TOP = 4  # layers that `last4` joins
STD = 0.02  # of BERT's own initialisation


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PoolingOptions:
    """``name``: one of ``POOLINGS``. ``dropout``: in ``transformer``'s new layer and before ``lstm``'s; else unused."""

    name: str
    dropout: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a pooling must know of the encoder below it; ``layers`` does not count the embeddings."""

    hidden: int
    heads: int
    layers: int
    dropout: float


class Pooling(nn.Module):
    """Makes (B, S) of ``States``.

    ``size`` is S, ``times`` D; ``layers`` how many top hidden states it reads (1: the top one; -1: all, the
    embeddings' output with them); with ``first_only`` it reads nothing of the top layer but the first token; with
    ``reads_pooler`` it reads the encoder's own pooled output.
    """

    times = 1
    layers = 1
    first_only = False
    reads_pooler = False

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.size = self.times * shape.hidden

    def forward(self, states: States) -> torch.Tensor:
        """Return (B, S), float32."""
        if self.layers > len(states.layers):
            raise ValueError(f"{len(states.layers)} hidden states where {self.layers} are read")
        return self._pool(states).float()

    def _pool(self, states: States) -> torch.Tensor:
        raise NotImplementedError


def make_pooling(
    options: PoolingOptions, *, hidden: int, heads: int, layers: int, has_pooler: bool
) -> Pooling:
    """Return the pooling called ``options.name`` for an encoder of ``layers`` layers, ``hidden`` wide.

    New parameters are drawn from torch's global random state. ``UserError``: the name is unknown, or the encoder lacks
    the layers or the pooler (``has_pooler``) that this pooling reads.
    """
    name = options.name
    if name not in POOLINGS:
        raise UserError(f"pooling: {name!r} is none of the poolings; {hint(name, POOLINGS)}")
    if hidden % heads:
        raise ValueError(f"{heads} heads do not divide the hidden size {hidden}")
    pooling = POOLINGS[name](Shape(hidden=hidden, heads=heads, layers=layers, dropout=options.dropout))
    if pooling.reads_pooler and not has_pooler:
        instead = "last4_cls" if name == "last4" else "cls"
        raise UserError(f"pooling: {name} reads a pooler, and this encoder has none; set pooling: {instead}")
    if pooling.layers > layers:
        raise UserError(
            f"pooling: {name} reads {pooling.layers} layers, and this encoder has {layers}; set pooling: cls"
        )
    return pooling


class First(Pooling):
    """The top state of the first token, [CLS] (Devlin et al. 2019, arXiv 1810.04805, section 4.1)."""

    first_only = True

    def _pool(self, states: States) -> torch.Tensor:
        return states.layers[-1][:, 0]


class Mean(Pooling):
    """Mean of the top states over real tokens (Reimers and Gurevych 2019, arXiv 1908.10084, section 3)."""

    def _pool(self, states: States) -> torch.Tensor:
        return mean(states.layers[-1], states.mask)


class Max(Pooling):
    """Largest top state of each dimension over real tokens (arXiv 1908.10084, section 3)."""

    def _pool(self, states: States) -> torch.Tensor:
        return largest(states.layers[-1], states.mask)


class MeanMax(Pooling):
    """``mean``, then ``max`` (Howard and Ruder 2018, arXiv 1801.06146, section 3.3, who join the last state too)."""

    times = 2

    def _pool(self, states: States) -> torch.Tensor:
        top, mask = states.layers[-1], states.mask
        return torch.cat([mean(top, mask), largest(top, mask)], dim=-1)


class PoolerOutput(Pooling):
    """The encoder's own pooler: in BERT a pretrained dense layer and tanh on [CLS] (arXiv 1810.04805)."""

    first_only = True
    reads_pooler = True

    def _pool(self, states: States) -> torch.Tensor:
        assert states.pooler is not None, "make_pooling was told of a pooler"
        return states.pooler


class LastLayersFirst(Pooling):
    """[CLS] of the last four layers, the top one last (Sun et al. 2019, arXiv 1905.05583, section 5.3.2)."""

    times = TOP
    layers = TOP
    first_only = True

    def _pool(self, states: States) -> torch.Tensor:
        return torch.cat([state_BLD[:, 0] for state_BLD in states.layers[-TOP:]], dim=-1)


class LastLayersPooler(LastLayersFirst):
    """``last4_cls`` and then the pooler output, as teams of Tianchi competitions join them."""

    times = TOP + 1
    reads_pooler = True

    def _pool(self, states: States) -> torch.Tensor:
        assert states.pooler is not None, "make_pooling was told of a pooler"
        return torch.cat([super()._pool(states), states.pooler], dim=-1)


class WeightedLayers(Pooling):
    """``scale * sum_j softmax(weights)_j h_j`` over all layers and the embeddings, then the mean over real tokens.

    Peters et al. 2018 (arXiv 1802.05365, equation 1), without the layer norm that they call optional. It begins as
    the plain average: weights 0, scale 1. The mean is taken first, which is the same and needs no sum of states.
    """

    layers = -1

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.weights = nn.Parameter(torch.zeros(shape.layers + 1))
        self.scale = nn.Parameter(torch.ones(()))

    def _pool(self, states: States) -> torch.Tensor:
        means_JBD = torch.stack([mean(state_BLD, states.mask) for state_BLD in states.layers])
        shares_J = torch.softmax(self.weights.float(), dim=0)
        return self.scale * (shares_J[:, None, None] * means_JBD).sum(dim=0)


class Attention(Pooling):
    """Mean of the top states weighted by ``softmax_t(context . tanh(W h_t + b))``.

    Yang et al. 2016 (Hierarchical Attention Networks, NAACL, equations 5-7). W is Xavier-uniform, b zero, the context
    vector normal with std 0.02: at first nearly the plain mean.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.projection = nn.Linear(shape.hidden, shape.hidden)
        self.context = nn.Parameter(torch.empty(shape.hidden))
        initialise_linear(self.projection)
        nn.init.normal_(self.context, std=STD)

    def _pool(self, states: States) -> torch.Tensor:
        top_BLD = real(states, self.context.dtype)
        scores_BL = torch.tanh(self.projection(top_BLD)) @ self.context
        shares_BL = token_softmax(scores_BL, states.mask)
        return (shares_BL.unsqueeze(1) @ top_BLD.float()).squeeze(1)


class Lstm(Pooling):
    """Dropout on the top states, a bidirectional LSTM, D wide each way, mean of its outputs over real tokens.

    Graves and Schmidhuber 2005, "Framewise phoneme classification with bidirectional LSTM and other neural network
    architectures".

    Real tokens must come before the pads. Pads cannot reach a real token from the left; for the other direction each
    row is turned round within its own length and a second LSTM reads it from left to right. That is what packed
    sequences compute, without bringing the lengths to the CPU (``pack_padded_sequence`` waits for the GPU). It runs in
    float32 under autocast too: errors add up along the row, and cuDNN's autocast would fall to float16.

    Input weights are Xavier-uniform and recurrent ones orthogonal, each gate by itself; biases zero, that of the
    forget gate 1 (Jozefowicz et al. 2015, "An Empirical Exploration of Recurrent Network Architectures").
    """

    times = 2

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.dropout = nn.Dropout(shape.dropout)
        self.forwards = nn.LSTM(shape.hidden, shape.hidden, batch_first=True)
        self.backwards = nn.LSTM(shape.hidden, shape.hidden, batch_first=True)
        for lstm in (self.forwards, self.backwards):
            initialise_lstm(lstm)

    def _pool(self, states: States) -> torch.Tensor:
        top_BLD = self.dropout(real(states, next(self.parameters()).dtype))
        index_BL1 = turned(states.mask).unsqueeze(-1)
        with torch.autocast(top_BLD.device.type, enabled=False):
            ahead_BLD, _ = self.forwards(top_BLD)
            # The mean does not mind the order: no need to turn the outputs back
            back_BLD, _ = self.backwards(top_BLD.gather(1, index_BL1.expand_as(top_BLD)))
            return torch.cat([mean(ahead_BLD, states.mask), mean(back_BLD, states.mask)], dim=-1)


class TransformerLayer(Pooling):
    """One more post-norm transformer layer (GELU, 4 D inside) on the top states, then the mean over real tokens.

    Vaswani et al. 2017 (arXiv 1706.03762), with the activation of BERT.

    Initialised as BERT's layers: matrices normal with std 0.02, biases zero, norms one (arXiv 1810.04805).
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.block = nn.TransformerEncoderLayer(
            shape.hidden, shape.heads, 4 * shape.hidden, shape.dropout, activation="gelu", batch_first=True
        )
        for parameter in self.block.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=STD)
        for linear in (self.block.linear1, self.block.linear2):  # all others are made so
            nn.init.zeros_(linear.bias)

    def _pool(self, states: States) -> torch.Tensor:
        top_BLD = real(states, next(self.parameters()).dtype)
        return mean(self.block(top_BLD, src_key_padding_mask=~states.mask), states.mask)


class TaskQuery(Pooling):
    """A learned query, the task's own, attends to the real tokens with H heads.

    Multi-head attention (Vaswani et al. 2017, arXiv 1706.03762, section 3.2.2) with one learned query, as in Set
    Transformers (Lee et al. 2019, arXiv 1810.00825, equation 11) without their residual and feed-forward. The query is
    learned as each head sees it, after its projection; a key's bias would cancel in the softmax. One query for all
    rows lets keys and values be projected after the sums over tokens: the same result without 2 D x D products
    a token.

    Matrices are Xavier-uniform, biases zero, the query normal with std 0.02: at first nearly a mean.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.heads = shape.heads
        self.query = nn.Parameter(torch.empty(shape.hidden))
        self.key = nn.Linear(shape.hidden, shape.hidden, bias=False)
        self.value = nn.Linear(shape.hidden, shape.hidden)
        self.output = nn.Linear(shape.hidden, shape.hidden)
        nn.init.normal_(self.query, std=STD)
        for linear in (self.key, self.value, self.output):
            initialise_linear(linear)

    def _pool(self, states: States) -> torch.Tensor:
        top_BLD = real(states, self.query.dtype)
        width = self.size // self.heads
        key_HdD = self.key.weight.view(self.heads, width, self.size)
        value_HdD = self.value.weight.view(self.heads, width, self.size)
        with torch.autocast(top_BLD.device.type, enabled=False):  # small products
            asked_HD = torch.einsum("hd,hdD->hD", self.query.view(self.heads, width), key_HdD)
            scores_BHL = (top_BLD @ asked_HD.T / math.sqrt(width)).transpose(1, 2)
            shares_BHL = token_softmax(scores_BHL, states.mask.unsqueeze(1)).to(top_BLD.dtype)
            mixed_Bhd = torch.einsum("bhD,hdD->bhd", shares_BHL @ top_BLD, value_HdD)
            return self.output(mixed_Bhd.flatten(1) + self.value.bias)


def real(states: States, dtype: torch.dtype) -> torch.Tensor:
    """Top states (B, L, D) as ``dtype``, zero on pads."""
    return states.layers[-1].to(dtype).masked_fill(~states.mask.unsqueeze(-1), 0.0)


def mean(states_BLD: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
    """Mean over real tokens (B, D), added up in float32."""
    sum_BD = states_BLD.masked_fill(~mask_BL.unsqueeze(-1), 0.0).sum(dim=1, dtype=torch.float32)
    return sum_BD / mask_BL.sum(dim=1, keepdim=True)


def largest(states_BLD: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
    """Largest value over real tokens (B, D); equal ones share the gradient."""
    return states_BLD.masked_fill(~mask_BL.unsqueeze(-1), -math.inf).amax(dim=1)


def token_softmax(scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Softmax over the last dimension, the tokens, in float32; 0 on pads."""
    return torch.softmax(scores.float().masked_fill(~mask, -math.inf), dim=-1)


def turned(mask_BL: torch.Tensor) -> torch.Tensor:
    """Index (B, L) that turns the real tokens of each row round and leaves its pads where they are."""
    place_L = torch.arange(mask_BL.shape[1], device=mask_BL.device)
    last_B1 = mask_BL.sum(dim=1, keepdim=True) - 1
    return torch.where(place_L <= last_B1, last_B1 - place_L, place_L)


def initialise_linear(linear: nn.Linear) -> None:
    """Matrix Xavier-uniform, which keeps the scale of what goes through it at any width; bias zero."""
    nn.init.xavier_uniform_(linear.weight)
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)


@torch.no_grad()
def initialise_lstm(lstm: nn.LSTM) -> None:
    """Initialise a one-layer LSTM as ``Lstm`` says."""
    weights = dict(lstm.named_parameters())
    for matrix in weights["weight_ih_l0"].chunk(4):
        nn.init.xavier_uniform_(matrix)
    for matrix in weights["weight_hh_l0"].chunk(4):
        nn.init.orthogonal_(matrix)
    nn.init.zeros_(weights["bias_hh_l0"])
    nn.init.zeros_(weights["bias_ih_l0"])
    nn.init.ones_(weights["bias_ih_l0"].chunk(4)[1])  # gates: input, forget, cell, output


POOLINGS: dict[str, Callable[[Shape], Pooling]] = {
    "cls": First,
    "mean": Mean,
    "max": Max,
    "mean_max": MeanMax,
    "pooler": PoolerOutput,
    "last4": LastLayersPooler,
    "last4_cls": LastLayersFirst,
    "layers": WeightedLayers,
    "attention": Attention,
    "lstm": Lstm,
    "transformer": TransformerLayer,
    "query": TaskQuery,
}
