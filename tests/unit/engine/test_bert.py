"""The fast encoder against transformers' own: outputs, gradients, padding, dropout."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertModel, ElectraConfig, ElectraModel, RobertaConfig, RobertaModel

from podium.engine.bert import FastBert, supports
from podium.engine.dropout import Dropout, dropped
from podium.engine.states import States

SIZES: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 20,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
MAKE: dict[str, Callable[[], Any]] = {
    "bert": lambda: BertModel(BertConfig(**SIZES)),
    "roberta": lambda: RobertaModel(RobertaConfig(**SIZES, pad_token_id=1)),
    "electra": lambda: ElectraModel(ElectraConfig(**SIZES, embedding_size=16)),
}


def inputs() -> dict[str, torch.Tensor]:
    """Four sequences of 1 to 11 tokens, two segments, padding of the id 1."""
    lengths = torch.tensor([11, 4, 1, 9])
    mask = (torch.arange(11) < lengths[:, None]).long()
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(2, 50, (4, 11), generator=generator) * mask + (1 - mask)
    kinds = (torch.arange(11) >= lengths[:, None] // 2).long() * mask
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}


def encoder(kind: str, **config: float) -> Any:
    """A random encoder with weights large enough that attention is far from uniform."""
    torch.manual_seed(1)
    model = MAKE[kind]()
    model.config.update(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.mul_(8 if "query" in name or "key" in name else 1)
            parameter.add_(torch.randn_like(parameter) * 0.05)
    if model.config.model_type == "roberta":
        model.embeddings.token_type_embeddings = torch.nn.Embedding(2, SIZES["hidden_size"])
    return model


def fast(model: Any, batch: dict[str, torch.Tensor], **changes: Any) -> States:
    """The fast pass over ``model``."""
    settings = {"dtype": torch.float32, "layers": -1, "first_only": False, "pooler": False} | changes
    return FastBert(model)(
        batch["input_ids"], batch.get("attention_mask"), batch["token_type_ids"], **settings
    )


def gradients(model: Any, value: torch.Tensor) -> dict[str, torch.Tensor]:
    """Gradients of a sum of random products with ``value``."""
    model.zero_grad()
    (value.float() * torch.randn(value.shape, generator=torch.Generator().manual_seed(5))).sum().backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_same(got: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor], tolerance: float) -> None:
    assert got.keys() == wanted.keys()
    scale = max(float(grad.norm()) for grad in wanted.values())
    for name, grad in wanted.items():
        assert float((got[name] - grad).norm()) <= tolerance * (float(grad.norm()) + 0.01 * scale), name


@pytest.mark.parametrize("kind", MAKE)
def test_every_layer_and_every_gradient_is_that_of_transformers(kind: str) -> None:
    model, batch = encoder(kind).train(), inputs()
    assert supports(model)
    wanted = model(**batch, output_hidden_states=True)
    states = fast(model, batch)
    real = batch["attention_mask"].bool()
    assert len(states.layers) == len(wanted.hidden_states)
    for own, theirs in zip(states.layers, wanted.hidden_states, strict=True):
        torch.testing.assert_close(own[real], theirs[real], atol=1e-5, rtol=1e-4)
    assert torch.equal(states.mask, real)
    want = gradients(model, wanted.last_hidden_state[real])
    assert_same(gradients(model, fast(model, batch).layers[-1][real]), want, 1e-4)


def test_without_padding_no_mask_is_needed() -> None:
    model = encoder("bert").eval()
    batch = {name: value[:1] for name, value in inputs().items()}
    wanted = fast(model, batch).layers[-1]
    batch.pop("attention_mask")
    torch.testing.assert_close(fast(model, batch).layers[-1], wanted)


def test_the_first_token_alone_is_the_first_token() -> None:
    model, batch = encoder("bert").train(), inputs()
    whole = fast(model, batch, layers=1)
    first = fast(model, batch, layers=1, first_only=True)
    assert first.layers[-1].shape == (4, 1, 24)
    torch.testing.assert_close(first.layers[-1][:, 0], whole.layers[-1][:, 0], atol=1e-6, rtol=1e-5)
    want = gradients(model, whole.layers[-1][:, 0])
    assert_same(gradients(model, first.layers[-1][:, 0]), want, 1e-5)


def test_the_pooler_is_the_encoder_s_own() -> None:
    model, batch = encoder("bert").eval(), inputs()
    pooled = fast(model, batch, layers=1, first_only=True, pooler=True).pooler
    torch.testing.assert_close(pooled, model(**batch).pooler_output, atol=1e-5, rtol=1e-4)


def test_bf16_is_near() -> None:
    """States between the layers are bf16, too (autocast keeps them in fp32): eight bits, an error below 1%."""
    model, batch = encoder("bert").train(), inputs()
    real = batch["attention_mask"].bool()
    exact = model(**batch).last_hidden_state[real]
    want = gradients(model, exact)
    own = fast(model, batch, dtype=torch.bfloat16, layers=1).layers[-1][real]
    assert (own - exact).norm() < 0.01 * exact.norm()
    got = gradients(model, own)
    error = torch.stack([(got[name] - want[name]).norm() for name in want]).norm()
    assert error < 0.03 * torch.stack([grad.norm() for grad in want.values()]).norm()


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.bfloat16, 0.01)])
def test_prediction_is_near_with_and_without_gradients(dtype: torch.dtype, error: float) -> None:
    """Without gradients GELU may be computed inside the product."""
    model, batch = encoder("bert").eval(), inputs()
    real = batch["attention_mask"].bool()
    with torch.inference_mode():
        exact = model(**batch).last_hidden_state[real]
        own = fast(model, batch, dtype=dtype, layers=1).layers[-1][real]
    with_gradients = fast(model, batch, dtype=dtype, layers=1).layers[-1][real]
    assert (own - exact).norm() < error * exact.norm()
    assert (own - with_gradients).norm() < error * exact.norm()


def test_scores_beyond_the_range_of_powers_stay_finite() -> None:
    model, batch = encoder("bert").train(), inputs()
    with torch.no_grad():
        for layer in model.encoder.layer:
            layer.attention.self.query.weight.mul_(1000)
    grads = gradients(model, fast(model, batch, layers=1).layers[-1])
    assert all(bool(torch.isfinite(grad).all()) for grad in grads.values())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_dropout_mask_drops_its_share_and_keeps_the_mean(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    drop = Dropout(0.1, 0.3)
    for rate, share in ((drop.hidden, 0.1), (drop.attention, 0.3)):
        ones = torch.ones(500, 401, dtype=dtype)
        mask = drop.mask(ones, rate)
        kept = dropped(ones, mask, rate)
        zero = float((kept == 0).float().mean())
        assert abs(zero - share) < 5 * (share * (1 - share) / ones.numel()) ** 0.5
        assert float(kept.max()) == pytest.approx(1 / (1 - share), rel=0.005)


def test_a_row_of_a_dropout_mask_drops_as_much_as_any_other() -> None:
    """Thresholds differ by row: variances of the rows' and the columns' counts are those of independent elements."""
    torch.manual_seed(0)
    drop = Dropout(0.1, 0.0)
    gone = (drop.mask(torch.ones(2000, 600), drop.hidden) == 0).double()
    assert float(gone.mean()) == pytest.approx(0.1, abs=5 * (0.09 / gone.numel()) ** 0.5)
    for counts, size in ((gone.sum(0), 2000), (gone.sum(1), 600)):
        assert float(counts.var()) == pytest.approx(0.09 * size, rel=5 * (2 / len(counts)) ** 0.5)


def test_gradients_with_dropout_are_those_of_the_function_with_its_masks() -> None:
    """Central differences of the forward pass, the same masks drawn each time, in float64."""
    model, batch = (
        encoder("bert", hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3).double(),
        inputs(),
    )
    model.train()
    factor = torch.randn(4, 11, 24, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    factor *= batch["attention_mask"].unsqueeze(-1)

    def value() -> torch.Tensor:
        torch.manual_seed(7)
        return (fast(model, batch, dtype=torch.float64, layers=1).layers[-1] * factor).sum()

    value().backward()
    generator = torch.Generator().manual_seed(2)
    for name, parameter in model.named_parameters():
        if parameter.grad is None or "key.bias" in name:
            continue
        way = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        with torch.no_grad():
            ends = []
            for sign in (1, -1):
                parameter.add_(way, alpha=sign * 1e-5)
                ends.append(float(value()))
                parameter.add_(way, alpha=-sign * 1e-5)
        slope = (ends[0] - ends[1]) / 2e-5
        assert slope == pytest.approx(float((parameter.grad * way).sum()), rel=2e-4, abs=1e-5), name


def test_the_same_seed_draws_the_same_masks() -> None:
    model = encoder("bert", hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3).train()
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(fast(model, inputs(), layers=1).layers[-1])
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
    assert torch.equal(*(fast(model.eval(), inputs(), layers=1).layers[-1] for _ in range(2)))


def test_other_architectures_are_left_to_transformers() -> None:
    assert not supports(BertModel(BertConfig(**SIZES, hidden_act="relu")))
    assert not supports(BertModel(BertConfig(**SIZES, is_decoder=True)))
