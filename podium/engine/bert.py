"""A faster forward and backward pass for encoders of the BERT family, over their own parameters.

``FastBert`` runs the layers of a transformers ``BertModel``, ``RobertaModel``, ``XLMRobertaModel`` or ``ElectraModel``
with the same mathematics and another order of work: each half layer is one autograd function with its backward
written out, in the compute dtype (bf16 or fp32) over fp32 parameters. What is saved, on a CPU above all:

- the softmax is not normalised before it meets the values (as in FlashAttention, Dao et al. 2022, arXiv 2205.14135,
  section 3.1, without its tiling): powers of two, one division per token;
- padding costs no pass over the attention weights: keys and values of padding are zero, and the sum leaves it out;
- dropout masks are random bytes and an integer ``and``; torch draws a double for each element;
- a bias is added inside its product (oneDNN), and no scale costs a pass: that of the scores is in their product, and
  that of dropout in the sum before the layer norm, which does not see a common factor;
- where the head reads the first token only, the last layer computes that token only.

Shapes: B sequences, L tokens, D hidden size, H heads, d head size, F width of the feed-forward layer, T = B L.
"""

from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from podium.engine.attention import Padding, joined, merge, split, weigh, weigh_backward
from podium.engine.dropout import Drop, Dropout, masked
from podium.engine.states import States

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
        drop = Dropout(inner.config.hidden_dropout_prob, inner.config.attention_probs_dropout_prob)
        if not inner.training:
            drop = Dropout(0.0, 0.0)
        heads = inner.config.num_attention_heads
        padding = None if attention_mask is None else Padding(attention_mask, heads, dtype)
        states = self._embed(input_ids, token_type_ids, drop, dtype).to(dtype)
        kept = [states]
        stack = inner.encoder.layer
        for number, layer in enumerate(stack):
            first = first_only and number == len(stack) - 1
            states = _attend(layer.attention, states, padding, drop, heads, first)
            states = _feed(layer, states, drop)
            kept.append(states)
        top = kept if layers == -1 else kept[len(kept) - layers :]
        real = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask > 0
        pooled = inner.pooler(states.to(inner.pooler.dense.weight.dtype)) if pooler else None
        return States(layers=tuple(top), mask=real, pooler=pooled)

    def _embed(
        self, ids: torch.Tensor, token_type_ids: torch.Tensor | None, drop: Dropout, dtype: torch.dtype
    ) -> torch.Tensor:
        inner: Any = self.inner
        embeddings = inner.embeddings
        offset = embeddings.padding_idx + 1 if inner.config.model_type not in ("bert", "electra") else 0
        positions = embeddings.position_embeddings.weight[offset : offset + ids.shape[1]]
        kinds = embeddings.token_type_embeddings
        kind = kinds.weight[0] if token_type_ids is None else kinds(token_type_ids)
        states = embeddings.LayerNorm(embeddings.word_embeddings(ids) + (positions + kind))
        project = getattr(inner, "embeddings_project", None)
        states = states if project else states.to(dtype)
        states = Drop.apply(states, drop) if drop.hidden else states
        return project(states) if project else states


def _attend(
    attention: Any,
    states: torch.Tensor,
    padding: Padding | None,
    drop: Dropout,
    heads: int,
    first: bool,
) -> torch.Tensor:
    own, out = attention.self, attention.output
    return _Attention.apply(
        *(states, padding, drop, heads, first, out.LayerNorm.eps),
        *(own.query.weight, own.query.bias, own.key.weight, own.key.bias, own.value.weight, own.value.bias),
        *(out.dense.weight, out.dense.bias, out.LayerNorm.weight, out.LayerNorm.bias),
    )


def _feed(layer: Any, states: torch.Tensor, drop: Dropout) -> torch.Tensor:
    first, second, norm = layer.intermediate.dense, layer.output.dense, layer.output.LayerNorm
    return _FeedForward.apply(
        *(states, drop, norm.eps),
        *(first.weight, first.bias, second.weight, second.bias, norm.weight, norm.bias),
    )


def _norm_backward(ctx: Any, grad: torch.Tensor, summed: torch.Tensor, gain: torch.Tensor) -> Any:
    size, mean, deviation, shift = (summed.shape[-1],), ctx.mean, ctx.deviation, ctx.shift
    return torch.ops.aten.native_layer_norm_backward(
        grad.contiguous(), summed, size, mean, deviation, gain, shift, [True, True, True]
    )


def _residual_norm(ctx: Any, out: torch.Tensor, states: torch.Tensor, drop: Dropout, eps: float) -> Any:
    """LayerNorm(dropout(out) + states), both (T, D); ``out`` is used up. All is divided by the scale of dropout."""
    mask, ctx.share = None, 1 / drop.scale(drop.hidden)
    if drop.hidden:
        mask = drop.mask(out, drop.hidden)
        out.view(mask.dtype).bitwise_and_(mask)
    summed = out.add_(states, alpha=ctx.share)
    result, ctx.mean, ctx.deviation = torch.native_layer_norm(
        summed, (summed.shape[-1],), ctx.gain, ctx.shift, eps * ctx.share**2
    )
    return result, summed, mask


_FUSED = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def _linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, *, gelu: bool = False) -> torch.Tensor:
    """``x`` (T, D) times ``weight`` (F, D) transposed, plus ``bias``, perhaps through ``gelu``.

    ``addmm`` would write the bias first, in a pass more.
    """
    if _FUSED and x.dtype == torch.bfloat16:
        found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            x, weight, bias, "gelu" if gelu else "none", [], "none"
        )
        return found
    found = torch.addmm(bias, x, weight.t())
    return nn.functional.gelu(found) if gelu else found


def _columns(grad: torch.Tensor) -> torch.Tensor:
    """Sum of (T, D) over T, in fp32 inside: the gradient of a bias."""
    return grad.sum(0).float()


class _FeedForward(torch.autograd.Function):
    """The second half of a layer: LayerNorm(x + dropout(W2 gelu(W1 x)))."""

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        drop: Dropout,
        eps: float,
        *parameters: torch.Tensor,
    ) -> torch.Tensor:
        w1, b1, w2, b2, ctx.gain, ctx.shift = parameters
        x = states.reshape(-1, states.shape[-1])
        w1, b1, w2, b2 = (tensor.to(x.dtype) for tensor in (w1, b1, w2, b2))
        trained = any(ctx.needs_input_grad)
        hidden = _linear(x, w1, b1, gelu=not trained)
        active = nn.functional.gelu(hidden) if trained else hidden
        out = _linear(active, w2, b2)
        result, summed, mask = _residual_norm(ctx, out, x, drop, eps)
        ctx.save_for_backward(x, hidden, active, summed, mask, w1, w2)
        return result.view(states.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[Any, ...]:
        x, hidden, active, summed, mask, w1, w2 = ctx.saved_tensors
        residual, gain, shift = _norm_backward(ctx, grad.view(summed.shape), summed, ctx.gain)
        out = residual if mask is None else masked(residual, mask)
        gw2, gb2 = out.t() @ active, _columns(out)
        inside = out @ w2
        torch.ops.aten.gelu_backward.grad_input(inside, hidden, grad_input=inside)
        gw1, gb1 = inside.t() @ x, _columns(inside)
        into = (inside @ w1).add_(residual, alpha=ctx.share).view(grad.shape)
        return into, None, None, gw1.float(), gb1, gw2.float(), gb2, gain.float(), shift.float()


class _Attention(torch.autograd.Function):
    """The first half of a layer: LayerNorm(x + dropout(Wo attention(x)))."""

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        padding: Padding | None,
        drop: Dropout,
        heads: int,
        first: bool,
        eps: float,
        *parameters: torch.Tensor,
    ) -> torch.Tensor:
        wq, bq, wk, bk, wv, bv, wo, bo, ctx.gain, ctx.shift = parameters
        batch, width, dtype = states.shape[0], states.shape[2], states.dtype
        ctx.first, ctx.pairs, ctx.padding = first, drop.attention, padding
        weight, bias = _stacked([wq, wk, wv], dtype), _stacked([bq, bk, bv], dtype)
        wo, bo = wo.to(dtype), bo.to(dtype)
        x = states.reshape(-1, width)
        asking = states[:, 0].contiguous() if first else x
        q, k, v = _project(x, asking, weight, bias, batch, heads)
        if padding is not None:
            padding.clear(k)
            padding.clear(v)
        context, powers, total, pair_mask = weigh(q, k, v, padding, drop)
        merged = merge(context, batch)
        out = _linear(merged, wo, bo)
        result, summed, drop_mask = _residual_norm(ctx, out, asking, drop, eps)
        ctx.save_for_backward(
            *(x, asking, q, k, v, powers, total, pair_mask, context, merged),
            *(summed, drop_mask, weight, wo),
        )
        return result.view(batch, -1, width)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[Any, ...]:
        x, asking, q, k, v, powers, total, pair_mask, context, merged, *rest = ctx.saved_tensors
        summed, drop_mask, weight, wo = rest
        batch, heads, width = grad.shape[0], q.shape[0] // grad.shape[0], x.shape[1]
        residual, gain, shift = _norm_backward(ctx, grad.view(summed.shape), summed, ctx.gain)
        out = residual if drop_mask is None else masked(residual, drop_mask)
        gwo, gbo = out.t() @ merged, _columns(out)
        inner = split(out @ wo, batch, heads).div_(total)
        grads = weigh_backward(inner, context, q, k, v, powers, pair_mask, ctx.pairs)
        if ctx.padding is not None:
            ctx.padding.clear(grads[1])
            ctx.padding.clear(grads[2])
        into, gweight, gbias = _project_backward(grads, x, asking, weight, batch, first=ctx.first)
        into = into.view(batch, -1, width)
        into[:, : grad.shape[1]].add_(residual.view(grad.shape), alpha=ctx.share)
        gwq, gwk, gwv = gweight.float().split(width)
        gbq, gbk, gbv = gbias.split(width)
        return (
            *(into, None, None, None, None, None),
            *(gwq, gbq, gwk, gbk, gwv, gbv, gwo.float(), gbo),
            *(gain.float(), shift.float()),
        )


def _stacked(parameters: list[torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
    """Parameters of one shape, one after the other, in ``dtype``."""
    found = parameters[0].new_empty((len(parameters), *parameters[0].shape), dtype=dtype)
    for part, parameter in zip(found, parameters, strict=True):
        part.copy_(parameter)
    return found.flatten(0, 1)


def _project(
    x: torch.Tensor, asking: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, batch: int, heads: int
) -> list[torch.Tensor]:
    """Queries, keys and values (B H, L, d); fewer tokens may be ``asking`` (B Lq, D) than there are in ``x``."""
    width = x.shape[1]
    if asking is x:
        return [split(part, batch, heads) for part in _linear(x, weight, bias).split(width, dim=1)]
    q = _linear(asking, weight[:width], bias[:width])
    k, v = _linear(x, weight[width:], bias[width:]).split(width, dim=1)
    return [split(part, batch, heads) for part in (q, k, v)]


def _project_backward(
    grads: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    x: torch.Tensor,
    asking: torch.Tensor,
    weight: torch.Tensor,
    batch: int,
    *,
    first: bool,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients of the input (T, D), the joined weight (3 D, D) and the joined bias (3 D,)."""
    gq, gk, gv = grads
    width = x.shape[1]
    if not first:
        flat = joined([gq, gk, gv], batch)
        return flat @ weight, flat.t() @ x, _columns(flat)
    flat_q, flat_kv = merge(gq, batch), joined([gk, gv], batch)
    into = flat_kv @ weight[width:]
    into.view(batch, -1, width)[:, 0] += flat_q @ weight[:width]
    gweight = torch.cat([flat_q.t() @ asking, flat_kv.t() @ x])
    return into, gweight, torch.cat([_columns(flat_q), _columns(flat_kv)])
