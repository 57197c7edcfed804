"""A faster forward and backward pass for encoders of the BERT family, over their own parameters.

``FastBert`` runs the layers of a transformers ``BertModel``, ``RobertaModel``, ``XLMRobertaModel`` or ``ElectraModel``
with the same mathematics and another order of work: each half layer is one autograd function with its backward
written out, in the compute dtype (bf16 or fp32) over fp32 parameters. What is saved, on a CPU above all:

- the softmax is not normalised before it meets the values (as in FlashAttention, Dao et al. 2022, arXiv 2205.14135,
  section 3.1, without its tiling): powers of two, the scale inside the query weights, one division per token;
- padding costs no pass over the attention weights: keys and values of padding are zero, and the sum leaves it out;
- dropout masks are 16-bit random words and an integer ``and``; torch draws a double for each element;
- where the head reads the first token only, the last layer computes that token only.

Shapes: B sequences, L tokens, D hidden size, H heads, d head size, F width of the feed-forward layer, T = B L.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.autograd.function import once_differentiable

from podium.engine.states import States

CLIP = (
    100.0  # of attention scores, in powers of two: beyond it a weight is 0 or takes all, and bf16 overflows
)
FAMILIES = ("bert", "roberta", "xlm-roberta", "electra", "camembert")


def supports(encoder: nn.Module) -> bool:
    """Whether ``FastBert`` computes what this transformers encoder computes."""
    config: Any = encoder.config
    if hasattr(encoder, "peft_config"):  # adapters stand beside the weights that are read here
        return False
    wanted = {
        "hidden_act": ("gelu",),
        "position_embedding_type": ("absolute", None),
        "is_decoder": (False, None),
        "add_cross_attention": (False, None),
        "chunk_size_feed_forward": (0, None),
    }
    return config.model_type in FAMILIES and all(
        getattr(config, key, None) in values for key, values in wanted.items()
    )


class FastBert:
    """Runs ``encoder``'s layers; the parameters stay the encoder's own, and are not listed here.

    ``dropout`` and ``attention_dropout`` are read from the encoder's config.
    """

    def __init__(self, encoder: nn.Module) -> None:
        self.inner = encoder

    def __call__(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None,
        token_type_ids: torch.Tensor | None,
        *,
        dtype: torch.dtype,
        layers: int,
        first_only: bool,
        pooler: bool,
    ) -> States:
        """Return the ``layers`` top hidden states (-1: all, the embeddings' first) in ``dtype``.

        ``attention_mask`` (B, L) is None where nothing is padding. ``first_only`` computes one token of the top layer.
        """
        inner: Any = self.inner
        drop = _Dropout(inner.config.hidden_dropout_prob, inner.config.attention_probs_dropout_prob)
        if not inner.training:
            drop = _Dropout(0.0, 0.0)
        mask = None if attention_mask is None else attention_mask.to(dtype)
        states = self._embed(input_ids, token_type_ids, drop).to(dtype)
        kept = [states]
        stack = inner.encoder.layer
        for number, layer in enumerate(stack):
            first = first_only and number == len(stack) - 1
            states = _attend(layer.attention, states, mask, drop, inner.config.num_attention_heads, first)
            states = _feed(layer, states, drop)
            kept.append(states)
        top = kept if layers == -1 else kept[len(kept) - layers :]
        real = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask > 0
        pooled = inner.pooler(states.to(inner.pooler.dense.weight.dtype)) if pooler else None
        return States(layers=tuple(top), mask=real, pooler=pooled)

    def _embed(
        self, ids: torch.Tensor, token_type_ids: torch.Tensor | None, drop: "_Dropout"
    ) -> torch.Tensor:
        inner: Any = self.inner
        embeddings = inner.embeddings
        offset = embeddings.padding_idx + 1 if inner.config.model_type not in ("bert", "electra") else 0
        positions = embeddings.position_embeddings.weight[offset : offset + ids.shape[1]]
        kinds = embeddings.token_type_embeddings
        kind = kinds.weight[0] if token_type_ids is None else kinds(token_type_ids)
        states = embeddings.LayerNorm(embeddings.word_embeddings(ids) + (positions + kind))
        states = _Drop.apply(states, drop) if drop.hidden else states
        return inner.embeddings_project(states) if hasattr(inner, "embeddings_project") else states


def _attend(
    attention: Any, states: torch.Tensor, mask: torch.Tensor | None, drop: "_Dropout", heads: int, first: bool
) -> torch.Tensor:
    own, out = attention.self, attention.output
    return _Attention.apply(
        *(states, mask, drop, heads, first, out.LayerNorm.eps),
        *(own.query.weight, own.query.bias, own.key.weight, own.key.bias, own.value.weight, own.value.bias),
        *(out.dense.weight, out.dense.bias, out.LayerNorm.weight, out.LayerNorm.bias),
    )


def _feed(layer: Any, states: torch.Tensor, drop: "_Dropout") -> torch.Tensor:
    first, second, norm = layer.intermediate.dense, layer.output.dense, layer.output.LayerNorm
    return _FeedForward.apply(
        *(states, drop, norm.eps),
        *(first.weight, first.bias, second.weight, second.bias, norm.weight, norm.bias),
    )


class _Dropout:
    """Draws dropout masks for one forward pass, from torch's global generator."""

    def __init__(self, hidden: float, attention: float) -> None:
        self.hidden, self.attention = round(hidden * 65536), round(attention * 65536)
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
        size = states.numel()
        words = self._words.integers(0, 2**64, -(-size // 4), dtype=np.uint64).view(np.uint16)[:size]
        stay = torch.from_numpy((words >= rate).view(np.int8)).to(_WORD[states.dtype])
        return stay.neg_().view(states.shape)


_WORD = {torch.bfloat16: torch.int16, torch.float32: torch.int32, torch.float64: torch.int64}


def _dropped(states: torch.Tensor, mask: torch.Tensor, rate: int) -> torch.Tensor:
    """``states`` without what ``mask`` drops, scaled up, in place."""
    states.view(mask.dtype).bitwise_and_(mask)
    return states.mul_(_Dropout.scale(rate))


def _masked(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """A copy of ``states`` without what ``mask`` drops."""
    return torch.bitwise_and(states.view(mask.dtype), mask).view(states.dtype)


class _Drop(torch.autograd.Function):
    """Dropout alone."""

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, drop: _Dropout) -> torch.Tensor:
        mask = drop.mask(states, drop.hidden)
        ctx.rate = drop.hidden
        ctx.save_for_backward(mask)
        return _dropped(states.clone(), mask, drop.hidden)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        return _dropped(grad.clone(), ctx.saved_tensors[0], ctx.rate), None


def _norm_backward(ctx: Any, grad: torch.Tensor, summed: torch.Tensor, gain: torch.Tensor) -> Any:
    size, mean, deviation, shift = (summed.shape[-1],), ctx.mean, ctx.deviation, ctx.shift
    return torch.ops.aten.native_layer_norm_backward(
        grad.contiguous(), summed, size, mean, deviation, gain, shift, [True, True, True]
    )


def _residual_norm(ctx: Any, out: torch.Tensor, states: torch.Tensor, drop: _Dropout, eps: float) -> Any:
    """LayerNorm(mask(out) + states), both (T, D); ``out`` is used up."""
    mask = None
    if drop.hidden:
        mask = drop.mask(out, drop.hidden)
        out.view(mask.dtype).bitwise_and_(mask)
    summed = out.add_(states)
    result, ctx.mean, ctx.deviation = torch.native_layer_norm(
        summed, (summed.shape[-1],), ctx.gain, ctx.shift, eps
    )
    return result, summed, mask


def _columns(grad: torch.Tensor) -> torch.Tensor:
    """Sum of (T, D) over T, in fp32 inside: the gradient of a bias."""
    return (grad.new_ones(1, grad.shape[0]) @ grad).view(-1).float()


class _FeedForward(torch.autograd.Function):
    """The second half of a layer: LayerNorm(x + dropout(W2 gelu(W1 x)))."""

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        drop: _Dropout,
        eps: float,
        *parameters: torch.Tensor,
    ) -> torch.Tensor:
        w1, b1, w2, b2, ctx.gain, ctx.shift = parameters
        x = states.reshape(-1, states.shape[-1])
        ctx.scale = drop.scale(drop.hidden)  # in the weights, for a pass less over the states
        w1, b1, w2, b2 = (tensor.to(x.dtype) for tensor in (w1, b1, w2 * ctx.scale, b2 * ctx.scale))
        hidden = torch.addmm(b1, x, w1.t())
        active = nn.functional.gelu(hidden)
        out = torch.addmm(b2, active, w2.t())
        result, summed, mask = _residual_norm(ctx, out, x, drop, eps)
        ctx.save_for_backward(x, hidden, active, summed, mask, w1, w2)
        return result.view(states.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[Any, ...]:
        x, hidden, active, summed, mask, w1, w2 = ctx.saved_tensors
        residual, gain, shift = _norm_backward(ctx, grad.view(summed.shape), summed, ctx.gain)
        out = residual if mask is None else _masked(residual, mask)
        gw2, gb2 = (out.t() @ active).float().mul_(ctx.scale), _columns(out).mul_(ctx.scale)
        inside = torch.ops.aten.gelu_backward(out @ w2, hidden)
        gw1, gb1 = inside.t() @ x, _columns(inside)
        into = torch.addmm(residual, inside, w1).view(grad.shape)
        return into, None, None, gw1.float(), gb1, gw2, gb2, gain.float(), shift.float()


class _Attention(torch.autograd.Function):
    """The first half of a layer: LayerNorm(x + dropout(Wo attention(x)))."""

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        mask: torch.Tensor | None,
        drop: _Dropout,
        heads: int,
        first: bool,
        eps: float,
        *parameters: torch.Tensor,
    ) -> torch.Tensor:
        wq, bq, wk, bk, wv, bv, wo, bo, ctx.gain, ctx.shift = parameters
        batch, width, dtype = states.shape[0], states.shape[2], states.dtype
        ctx.scale = math.log2(math.e) / math.sqrt(width // heads)
        ctx.first, ctx.pairs, ctx.drop = first, drop.attention, drop
        weight = torch.cat([wq * ctx.scale, wk, wv]).to(dtype)
        bias = torch.cat([bq * ctx.scale, bk, bv]).to(dtype)
        ctx.kept = drop.scale(drop.hidden)
        wo, bo = (wo * ctx.kept).to(dtype), (bo * ctx.kept).to(dtype)
        x = states.reshape(-1, width)
        asking = states[:, 0].contiguous() if first else x
        q, k, v = _project(x, asking, weight, bias, batch, heads)
        keep = None if mask is None else mask.repeat_interleave(heads, 0).unsqueeze(-1)
        q, k, v = (tensor.flatten(0, 1) for tensor in (q, k, v))
        if keep is not None:
            k, v = k * keep, v * keep
        context, powers, total, pair_mask = _weigh(q, k, v, keep, drop)
        merged = _merge(context, batch)
        out = torch.addmm(bo, merged, wo.t())
        result, summed, drop_mask = _residual_norm(ctx, out, asking, drop, eps)
        ctx.save_for_backward(
            *(x, asking, q, k, v, powers, total, pair_mask, context, merged),
            *(summed, drop_mask, weight, wo, keep),
        )
        return result.view(batch, -1, width)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[Any, ...]:
        x, asking, q, k, v, powers, total, pair_mask, context, merged, *rest = ctx.saved_tensors
        summed, drop_mask, weight, wo, keep = rest
        batch, heads, width = grad.shape[0], q.shape[0] // grad.shape[0], x.shape[1]
        residual, gain, shift = _norm_backward(ctx, grad.view(summed.shape), summed, ctx.gain)
        out = residual if drop_mask is None else _masked(residual, drop_mask)
        gwo, gbo = (out.t() @ merged).float().mul_(ctx.kept), _columns(out).mul_(ctx.kept)
        inner = _split(out @ wo, batch, heads).div(total)
        gq, gk, gv = _weigh_backward(inner, context, q, k, v, powers, pair_mask, ctx.pairs)
        if keep is not None:
            gk, gv = gk.mul_(keep), gv.mul_(keep)
        into, gweight, gbias = _project_backward(
            (gq, gk, gv), x, asking, weight, residual, batch, first=ctx.first
        )
        gwq, gwk, gwv = gweight.float().split(width)
        gbq, gbk, gbv = gbias.split(width)
        return (
            *(into.view(batch, -1, width), None, None, None, None, None),
            *(gwq * ctx.scale, gbq * ctx.scale, gwk, gbk, gwv, gbv, gwo, gbo),
            *(gain.float(), shift.float()),
        )


def _project(
    x: torch.Tensor, asking: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, batch: int, heads: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries, keys and values (B, H, L, d); fewer tokens may be ``asking`` (B Lq, D) than there are in ``x``."""
    width = x.shape[1]
    if asking is x:
        qkv = torch.addmm(bias, x, weight.t())
        q, k, v = qkv.view(batch, -1, 3, heads, width // heads).permute(2, 0, 3, 1, 4).contiguous().unbind()
        return q, k, v
    q = torch.addmm(bias[:width], asking, weight[:width].t())
    kv = torch.addmm(bias[width:], x, weight[width:].t())
    k, v = kv.view(batch, -1, 2, heads, width // heads).permute(2, 0, 3, 1, 4).contiguous().unbind()
    return q.view(batch, -1, heads, width // heads).transpose(1, 2), k, v


def _project_backward(
    grads: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    x: torch.Tensor,
    asking: torch.Tensor,
    weight: torch.Tensor,
    residual: torch.Tensor,
    batch: int,
    *,
    first: bool,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients of the input (T, D), the joined weight (3 D, D) and the joined bias (3 D,)."""
    gq, gk, gv = grads
    width = x.shape[1]
    heads = gk.shape[0] // batch
    if not first:
        joined = x.new_empty(batch, x.shape[0] // batch, 3, heads, width // heads)
        for number, grad in enumerate(grads):
            joined[:, :, number].copy_(grad.view(batch, heads, -1, width // heads).transpose(1, 2))
        flat = joined.view(x.shape[0], 3 * width)
        return torch.addmm(residual, flat, weight), flat.t() @ x, _columns(flat)
    flat_q = _merge(gq, batch)
    flat_kv = torch.cat([_merge(gk, batch), _merge(gv, batch)], dim=1)
    into = flat_kv @ weight[width:]
    into.view(batch, -1, width)[:, 0] += torch.addmm(residual, flat_q, weight[:width])
    gweight = torch.cat([flat_q.t() @ asking, flat_kv.t() @ x])
    return into, gweight, torch.cat([_columns(flat_q), _columns(flat_kv)])


def _weigh(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, keep: torch.Tensor | None, drop: _Dropout
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Attention of queries (N, Lq, d) over keys and values (N, L, d), N = B H; ``keep`` (N, L, 1) is 0 on padding.

    Returns the context (N, Lq, d), the powers (N, Lq, L) and their sums (N, Lq, 1) over the real tokens.
    """
    powers = torch.bmm(q, k.transpose(1, 2)).clamp_(-CLIP, CLIP).exp2_()
    total = powers.sum(-1, keepdim=True) if keep is None else torch.bmm(powers, keep)
    shown, mask = powers, None
    if drop.attention:
        mask = drop.mask(powers, drop.attention)
        shown = _dropped(powers.clone(), mask, drop.attention)
    return torch.bmm(shown, v).div_(total), powers, total, mask


def _weigh_backward(
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
        shown = _dropped(powers.clone(), mask, rate)
        gradient = _dropped(torch.bmm(inner, turned), mask, rate).add_(lost)
    gv = torch.bmm(shown.transpose(1, 2), inner)
    gradient.mul_(powers)
    gq, gk = torch.bmm(gradient, k), torch.bmm(gradient.transpose(1, 2), q)
    return gq.mul_(math.log(2)), gk.mul_(math.log(2)), gv


def _merge(heads: torch.Tensor, batch: int) -> torch.Tensor:
    """(B H, L, d) -> (T, D)."""
    count, size = heads.shape[0] // batch, heads.shape[-1]
    return heads.view(batch, count, -1, size).transpose(1, 2).reshape(-1, count * size)


def _split(states: torch.Tensor, batch: int, heads: int) -> torch.Tensor:
    """(T, D) -> (B H, L, d)."""
    size = states.shape[1] // heads
    return states.view(batch, -1, heads, size).transpose(1, 2).reshape(batch * heads, -1, size)
