"""Every pooling against a reference that sees one row at a time, without pads."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from podium.engine.pooling import POOLINGS, Pooling, PoolingOptions, make_pooling
from podium.engine.states import States
from podium.errors import UserError

HIDDEN, HEADS, LAYERS = 8, 2, 4
NAMES = sorted(POOLINGS)
LENGTHS = [5, 1, 7, 2]


def made(name: str, *, seed: int = 0, dropout: float = 0.0, moved: bool = True) -> Pooling:
    """A pooling whose parameters are (where ``moved``) far from their first values."""
    torch.manual_seed(seed)
    options = PoolingOptions(name=name, dropout=dropout)
    pooling = make_pooling(options, hidden=HIDDEN, heads=HEADS, layers=LAYERS, has_pooler=True)
    if moved:
        with torch.no_grad():
            for parameter in pooling.parameters():
                parameter += 0.5 * torch.randn_like(parameter)
    return pooling.train()


def rows_of(lengths: list[int], seed: int = 0) -> list[torch.Tensor]:
    """The states of each row: (layers + 1, its length, D)."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(LAYERS + 1, length, HIDDEN, generator=generator) for length in lengths]


def batch_of(pooling: Pooling, rows: list[torch.Tensor], longest: int, fill: float) -> States:
    """The rows as a batch, padded with ``fill`` to ``longest`` tokens; the pooler is twice the first token."""
    padded = torch.full((LAYERS + 1, len(rows), longest, HIDDEN), fill)
    for place, row in enumerate(rows):
        padded[:, place, : row.shape[1]] = row
    mask = torch.arange(longest) < torch.tensor([row.shape[1] for row in rows])[:, None]
    layers = padded.requires_grad_().unbind()
    wanted = layers if pooling.layers < 0 else layers[-pooling.layers :]
    return States(layers=wanted, mask=mask, pooler=2 * layers[-1][:, 0])


def cast(states: States, dtype: torch.dtype) -> States:
    layers = tuple(layer.to(dtype) for layer in states.layers)
    return States(layers=layers, mask=states.mask, pooler=states.pooler.to(dtype))


def results(pooling: Pooling, states: States) -> list[torch.Tensor]:
    """The output, and the gradients of a function of it for the parameters and the real states."""
    pooled = pooling(states)
    weights = torch.linspace(-1, 1, pooled.numel()).view_as(pooled)
    sources = [*pooling.parameters(), *states.layers]
    gradients = torch.autograd.grad((pooled * weights).sum(), sources, allow_unused=True)
    found = [gradient for gradient in gradients[: -len(states.layers)] if gradient is not None]
    inner = [gradient[states.mask] for gradient in gradients[-len(states.layers) :] if gradient is not None]
    outer = [gradient[~states.mask] for gradient in gradients[-len(states.layers) :] if gradient is not None]
    assert all((gradient == 0).all() for gradient in outer)
    return [pooled.detach(), *found, *inner]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    extra=st.integers(0, 5),
    seed=st.integers(0, 99),
)
def test_pads_change_nothing(name: str, lengths: list[int], extra: int, seed: int) -> None:
    pooling, rows = made(name, seed=seed), rows_of(lengths, seed)
    short = results(pooling, batch_of(pooling, rows, max(lengths), fill=3.0))
    long = results(pooling, batch_of(pooling, rows, max(lengths) + extra, fill=math.nan))
    assert short[0].shape == (len(rows), pooling.size)
    for first, second in zip(short, long, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-6)
    alone = [
        pooling(batch_of(pooling, [row], length, 0.0)) for row, length in zip(rows, lengths, strict=True)
    ]
    torch.testing.assert_close(torch.cat(alone), short[0], rtol=1e-5, atol=1e-6)


def test_parameter_free_poolings_and_layer_weights_against_numpy() -> None:
    def top(row: np.ndarray) -> np.ndarray:
        return row[-1]

    def layers(row: np.ndarray) -> np.ndarray:
        raw = weighted.weights.detach().numpy()
        shares = np.exp(raw) / np.exp(raw).sum()
        states = weighted.scale.item() * np.einsum("j,jld->ld", shares, row)
        return states.mean(axis=0)

    weighted = made("layers")
    wanted: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "cls": lambda row: top(row)[0],
        "mean": lambda row: top(row).mean(axis=0),
        "max": lambda row: top(row).max(axis=0),
        "mean_max": lambda row: np.concatenate([top(row).mean(axis=0), top(row).max(axis=0)]),
        "pooler": lambda row: 2 * top(row)[0],
        "last4_cls": lambda row: np.concatenate([row[1, 0], row[2, 0], row[3, 0], row[4, 0]]),
        "last4": lambda row: np.concatenate([row[1, 0], row[2, 0], row[3, 0], row[4, 0], 2 * row[4, 0]]),
        "layers": layers,
    }
    rows = rows_of(LENGTHS)
    for name, reference in wanted.items():
        pooling = made(name) if name != "layers" else weighted
        pooled = pooling(batch_of(pooling, rows, 9, fill=50.0)).detach().numpy()
        expected = np.stack([reference(row.numpy()) for row in rows])
        np.testing.assert_allclose(pooled, expected, rtol=1e-5, atol=1e-6, err_msg=name)


def test_attention_against_numpy() -> None:
    pooling, rows = made("attention"), rows_of(LENGTHS)
    weight, bias = (value.detach().numpy() for value in pooling.projection.parameters())
    context = pooling.context.detach().numpy()
    expected = []
    for row in rows:
        states = row[-1].numpy()
        scores = np.exp([context @ np.tanh(weight @ state + bias) for state in states])
        expected.append((scores / scores.sum()) @ states)
    pooled = pooling(batch_of(pooling, rows, 9, fill=50.0)).detach().numpy()
    np.testing.assert_allclose(pooled, np.stack(expected), rtol=1e-5, atol=1e-6)


def test_lstm_against_a_bidirectional_one_on_each_row() -> None:
    pooling, rows = made("lstm"), rows_of(LENGTHS)
    reference = nn.LSTM(HIDDEN, HIDDEN, batch_first=True, bidirectional=True)
    weights = dict(pooling.forwards.named_parameters())
    weights |= {f"{name}_reverse": value for name, value in pooling.backwards.named_parameters()}
    reference.load_state_dict(weights)
    expected = torch.stack([reference(row[-1:])[0].mean(dim=1)[0] for row in rows])
    torch.testing.assert_close(pooling(batch_of(pooling, rows, 9, fill=50.0)), expected, rtol=1e-5, atol=1e-6)


def test_transformer_layer_against_each_row_by_hand() -> None:
    pooling, rows = made("transformer"), rows_of(LENGTHS)
    block = pooling.block

    def by_hand(states: torch.Tensor) -> torch.Tensor:
        projected = nn.functional.linear(states, block.self_attn.in_proj_weight, block.self_attn.in_proj_bias)
        query, key, value = (
            part.view(-1, HEADS, HIDDEN // HEADS).transpose(0, 1) for part in projected.chunk(3, -1)
        )
        shares = torch.softmax(query @ key.transpose(1, 2) / math.sqrt(HIDDEN // HEADS), dim=-1)
        attended = block.self_attn.out_proj((shares @ value).transpose(0, 1).reshape(-1, HIDDEN))
        states = block.norm1(states + attended)
        return block.norm2(states + block.linear2(nn.functional.gelu(block.linear1(states)))).mean(dim=0)

    states = batch_of(pooling, rows, 9, fill=50.0)
    expected = torch.stack([by_hand(row[-1]) for row in rows])
    torch.testing.assert_close(pooling(states), expected, rtol=1e-5, atol=1e-6)
    with torch.inference_mode():  # torch takes another way here
        torch.testing.assert_close(pooling.eval()(states), expected, rtol=1e-5, atol=1e-6)


def test_task_query_against_torch_attention_on_each_row() -> None:
    pooling, rows = made("query"), rows_of(LENGTHS)

    def heads(states: torch.Tensor) -> torch.Tensor:
        return states.view(-1, HEADS, HIDDEN // HEADS).transpose(0, 1)

    expected = []
    for row in rows:
        key, value = heads(pooling.key(row[-1])), heads(pooling.value(row[-1]))
        attended = nn.functional.scaled_dot_product_attention(heads(pooling.query), key, value)
        expected.append(pooling.output(attended.flatten()))
    pooled = pooling(batch_of(pooling, rows, 9, fill=50.0))
    torch.testing.assert_close(pooled, torch.stack(expected), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision(name: str) -> None:
    pooling, rows = made(name), rows_of(LENGTHS)
    states = batch_of(pooling, rows, 9, fill=50.0)
    full, half = pooling(states), cast(states, torch.bfloat16)
    for autocast in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            pooled = pooling(half)
        assert pooled.dtype == torch.float32
        torch.testing.assert_close(pooled, full, rtol=0.05, atol=0.05)
        sources = dict(pooling.named_parameters()) | {"states": states.layers[0]}
        gradients = torch.autograd.grad((pooled**2).sum(), list(sources.values()), retain_graph=True)
        for source, gradient in zip(sources, gradients, strict=True):
            assert gradient.isfinite().all(), source
            assert gradient.any(), source


@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_announced_is_read(name: str) -> None:
    pooling, rows = made(name), rows_of(LENGTHS)
    states = batch_of(pooling, rows, 7, fill=0.0)
    assert len(states.layers) == (LAYERS + 1 if pooling.layers < 0 else pooling.layers)
    assert pooling.first_only == (name in ("cls", "pooler", "last4", "last4_cls"))
    reduced = States(
        layers=(*states.layers[:-1], states.layers[-1][:, :1]) if pooling.first_only else states.layers,
        mask=states.mask,
        pooler=states.pooler if pooling.reads_pooler else None,
    )
    torch.testing.assert_close(pooling(reduced), pooling(states), rtol=0, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_waits_for_the_device(name: str) -> None:
    # A fake tensor has no values: whatever would bring one to the host raises
    with FakeTensorMode():
        pooling = made(name, dropout=0.1)
        state = torch.zeros(3, 5, HIDDEN, requires_grad=True)
        mask = torch.ones(3, 5, dtype=torch.bool)
        count = LAYERS + 1 if pooling.layers < 0 else pooling.layers
        pooled = pooling(States(layers=(state,) * count, mask=mask, pooler=state[:, 0]))
        pooled.sum().backward()
        with pytest.raises(DataDependentOutputException):
            float(pooled.sum())
    assert pooled.shape == (3, pooling.size)


def test_first_values() -> None:
    rows = rows_of(LENGTHS)
    plain = made("mean")
    expected = plain(batch_of(plain, rows, 7, fill=0.0))
    attention = made("attention", moved=False)
    torch.testing.assert_close(attention(batch_of(attention, rows, 7, 0.0)), expected, rtol=0, atol=0.1)
    layers = made("layers", moved=False)
    averaged = torch.stack([row.mean(dim=(0, 1)) for row in rows])
    torch.testing.assert_close(layers(batch_of(layers, rows, 7, 0.0)), averaged)
    lstm = made("lstm", moved=False)
    for part in (lstm.forwards, lstm.backwards):
        bias = (part.bias_ih_l0 + part.bias_hh_l0).view(4, HIDDEN)
        assert bias.tolist() == [[float(gate == 1)] * HIDDEN for gate in range(4)]
        for recurrent in part.weight_hh_l0.chunk(4):
            torch.testing.assert_close(recurrent @ recurrent.T, torch.eye(HIDDEN))
    again = made("lstm", moved=False).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in lstm.state_dict().items())


@pytest.mark.parametrize("name", NAMES)
def test_dropout_is_of_the_new_layers_and_follows_the_seed(name: str) -> None:
    pooling = made(name, dropout=0.5)
    states = batch_of(pooling, rows_of(LENGTHS), 7, fill=0.0)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(pooling(states))
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], drawn[2]) == (name not in ("lstm", "transformer"))
    assert torch.equal(pooling.eval()(states), made(name)(states))


@pytest.mark.parametrize(
    ("name", "layers", "has_pooler", "words"),
    [
        ("meen", 12, True, "did you mean 'mean'"),
        ("pooler", 12, False, "set pooling: cls"),
        ("last4", 12, False, "set pooling: last4_cls"),
        ("last4_cls", 3, True, "reads 4 layers, and this encoder has 3"),
    ],
)
def test_what_the_encoder_lacks_is_told(name: str, layers: int, has_pooler: bool, words: str) -> None:
    options = PoolingOptions(name=name, dropout=0.0)
    with pytest.raises(UserError, match=words):
        make_pooling(options, hidden=HIDDEN, heads=HEADS, layers=layers, has_pooler=has_pooler)
