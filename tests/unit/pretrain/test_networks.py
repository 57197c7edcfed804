"""Losses and heads against transformers' own on the same masked batch; ties; what is saved."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    BertModel,
    DistilBertConfig,
    ElectraConfig,
    ElectraForPreTraining,
    ModernBertConfig,
    RobertaConfig,
)

from podium.errors import UserError
from podium.pretrain.networks import HEADS, Inputs, MaskedLm, Opening, open_model
from podium.pretrain.replaced import ReplacedTokens

SIZES: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 24,
}
NAMES = {"hidden_size": "dim", "num_hidden_layers": "n_layers", "num_attention_heads": "n_heads"}
CONFIGS: dict[str, Any] = {
    "bert": lambda: BertConfig(**SIZES),
    "roberta": lambda: RobertaConfig(**SIZES, pad_token_id=1),
    "electra": lambda: ElectraConfig(**SIZES, embedding_size=16),
    "distilbert": lambda: DistilBertConfig(
        **{NAMES.get(name, name): size for name, size in SIZES.items() if name != "intermediate_size"},
        hidden_dim=40,
    ),
    "modernbert": lambda: ModernBertConfig(
        **SIZES, pad_token_id=0, cls_token_id=2, bos_token_id=2, sep_token_id=3, eos_token_id=3
    ),
}
OPENING = Opening(dropout=0.0, attention_dropout=0.0, max_length=12, device_type="cpu")


def inputs(seed: int = 0) -> Inputs:
    """Three sequences of 12, 7 and 9 tokens with some of them masked."""
    random = torch.Generator().manual_seed(seed)
    real = (torch.arange(12) < torch.tensor([[12], [7], [9]])).long()
    ids = torch.randint(5, 60, (3, 12), generator=random) * real + (1 - real)
    hidden = (torch.rand(3, 12, generator=random) < 0.3) & (real == 1)
    places = torch.from_numpy(np.flatnonzero(hidden))
    labels = ids.reshape(-1)[places].clone()
    ids.reshape(-1)[places] = 4
    return Inputs(ids, real, None, places, labels)


def their_labels(given: Inputs) -> torch.Tensor:
    labels = torch.full((given.ids.numel(),), -100)
    labels[given.places] = given.labels
    return labels.view_as(given.ids)


def random_model(kind: str) -> Any:
    torch.manual_seed(3)
    model = AutoModelForMaskedLM.from_config(CONFIGS[kind](), attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("kind", CONFIGS)
def test_loss_and_gradient_are_those_of_transformers(kind: str, fast: bool) -> None:
    model, given = random_model(kind), inputs()
    assert kind in HEADS
    theirs = model(**given.named(), labels=their_labels(given)).loss
    theirs.backward()
    wanted = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    sums = MaskedLm(model, dtype=torch.float32, fast=fast)(given)
    loss = sums.masked / len(given.places)
    assert loss.item() == pytest.approx(theirs.item(), abs=1e-4)
    loss.backward()
    for name, parameter in model.named_parameters():
        if name in wanted:
            torch.testing.assert_close(parameter.grad, wanted[name], atol=2e-5, rtol=1e-3, msg=name)


def test_an_unknown_head_computes_every_token(monkeypatch: pytest.MonkeyPatch) -> None:
    model, given = random_model("bert"), inputs()
    known = MaskedLm(model, dtype=torch.float32, fast=True).logits(given)
    monkeypatch.delitem(HEADS, "bert")
    torch.testing.assert_close(MaskedLm(model, dtype=torch.float32, fast=True).logits(given), known)


def test_bf16_is_near_fp32() -> None:
    model, given = random_model("bert"), inputs()
    exact, rough = (
        MaskedLm(model, dtype=d, fast=True)(given).masked.item() for d in (torch.float32, torch.bfloat16)
    )
    assert rough == pytest.approx(exact, rel=0.02)


def test_parts_of_a_batch_add_up() -> None:
    from podium.pretrain.blocks import Padded
    from podium.pretrain.loop import _parts
    from podium.pretrain.masking import Masked

    model, whole = MaskedLm(random_model("bert"), dtype=torch.float32, fast=True), inputs()
    assert whole.real is not None
    batch = Padded(whole.ids.numpy(), whole.ids.numpy(), None, whole.real.numpy().astype(bool))
    masked = Masked(whole.ids.numpy(), whole.places.numpy(), whole.labels.numpy())
    for parts in (1, 2, 3, 9):
        found = [model(part) for part in _parts(batch, masked, parts, torch.device("cpu"))]
        assert len(found) == min(parts, 3)
        assert sum(sums.masked.item() for sums in found) == pytest.approx(
            model(whole).masked.item(), rel=1e-5
        )


# ---- opening and saving


def test_the_output_layer_is_the_table_of_words_after_steps_and_saving(tmp_path: Path) -> None:
    random_model("bert").save_pretrained(tmp_path / "a")
    model, head = open_model(tmp_path / "a", OPENING)
    assert head
    network = MaskedLm(model, dtype=torch.float32, fast=True).train()
    table, output = model.bert.embeddings.word_embeddings.weight, model.cls.predictions.decoder.weight
    assert table is output
    before = table.detach().clone()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    network(inputs()).masked.backward()
    optimizer.step()
    assert (table != before).any()
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    network.save(tmp_path / "b", tmp_path / "a")
    assert "cls.predictions.decoder.weight" not in load_file(tmp_path / "b/model.safetensors")
    again, _ = open_model(tmp_path / "b", OPENING)
    given = inputs()
    after = MaskedLm(again.eval(), dtype=torch.float32, fast=True)(given).masked
    assert torch.equal(after, network.eval()(given).masked)
    loaded, info = AutoModel.from_pretrained(tmp_path / "b", output_loading_info=True)
    assert {name for name in info["missing_keys"] if "pooler" not in name} == set()
    assert torch.equal(loaded.embeddings.word_embeddings.weight, table)


def test_an_encoder_without_a_head_gets_a_new_one_and_keeps_its_pooler(tmp_path: Path) -> None:
    torch.manual_seed(0)
    plain = BertModel(BertConfig(**SIZES))
    plain.save_pretrained(tmp_path / "a")
    model, head = open_model(tmp_path / "a", OPENING)
    assert not head
    torch.testing.assert_close(
        model.bert.encoder.layer[1].output.dense.bias, plain.encoder.layer[1].output.dense.bias
    )
    MaskedLm(model, dtype=torch.float32, fast=True).save(tmp_path / "b", tmp_path / "a")
    loaded, info = AutoModel.from_pretrained(tmp_path / "b", output_loading_info=True)
    assert not info["missing_keys"]
    assert torch.equal(loaded.pooler.dense.weight, plain.pooler.dense.weight)
    MaskedLm(model, dtype=torch.float32, fast=True).save(tmp_path / "c", tmp_path / "b")  # once more
    assert (tmp_path / "b/model.safetensors").read_bytes() == (tmp_path / "c/model.safetensors").read_bytes()


def test_an_encoder_with_missing_weights_is_refused(tmp_path: Path) -> None:
    BertForMaskedLM(BertConfig(**SIZES)).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights.pop("bert.encoder.layer.0.attention.self.query.weight")
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="lack 1 parameters"):
        open_model(tmp_path, OPENING)
    with pytest.raises(UserError, match=r"no config\.json"):
        open_model(tmp_path / "none", OPENING)


# ---- replaced tokens


def detector(kind: str, folder: Path) -> ReplacedTokens:
    torch.manual_seed(5)
    if kind == "electra":
        ElectraForPreTraining(CONFIGS["electra"]()).save_pretrained(folder)
        model, head = open_model(folder, OPENING, cls=ElectraForPreTraining)
    else:
        BertModel(CONFIGS["bert"]()).save_pretrained(folder)
        model, head = open_model(folder, OPENING, cls=AutoModel)
    assert head
    return ReplacedTokens(model, size=0.34, dtype=torch.float32, fast=True)


def test_detection_is_that_of_transformers(tmp_path: Path) -> None:
    network, given = detector("electra", tmp_path).eval(), inputs()
    theirs = ElectraForPreTraining.from_pretrained(tmp_path, attn_implementation="eager").eval()
    sums = network(torch_seeded(given))
    torch.manual_seed(11)
    guesses = network.generator.logits(given)
    drawn = torch.distributions.Categorical(logits=guesses.detach()).sample()
    filled = network.fill(given, drawn)
    labels = torch.zeros(given.ids.numel(), dtype=torch.long)
    labels[given.places] = (drawn != given.labels).long()
    assert 0 < int(labels.sum()) <= len(given.places)
    wanted = theirs(**filled.named(), labels=labels.view_as(given.ids)).loss
    assert sums.detected is not None
    assert sums.detected.item() / int(given.real.sum()) == pytest.approx(wanted.item(), abs=1e-4)  # type: ignore[union-attr]
    generator = torch.nn.functional.cross_entropy(guesses, given.labels, reduction="sum")
    assert sums.masked.item() == pytest.approx(generator.item(), rel=1e-5)


def torch_seeded(given: Inputs) -> Inputs:
    torch.manual_seed(11)
    return given


@pytest.mark.parametrize("kind", ["bert", "electra"])
def test_the_generator_shares_the_embeddings_and_learns_from_its_own_loss_alone(
    kind: str, tmp_path: Path
) -> None:
    network, given = detector(kind, tmp_path).train(), inputs()
    generator: Any = network.generator.model
    own = network.encoder.embeddings
    assert generator.electra.embeddings.word_embeddings is own.word_embeddings
    assert generator.generator_lm_head.weight is own.word_embeddings.weight
    assert generator.electra.embeddings.position_embeddings is own.position_embeddings
    assert generator.config.hidden_size < network.encoder.config.hidden_size
    assert generator.config.num_hidden_layers == network.encoder.config.num_hidden_layers
    sums = network(given)
    assert sums.detected is not None
    sums.detected.backward()
    body = [
        p for name, p in generator.named_parameters() if "embeddings." not in name and "lm_head.w" not in name
    ]
    assert all(p.grad is None or not p.grad.any() for p in body)
    assert network.head.dense.weight.grad.any()
    names = {id(p) for p in network.parameters()}
    assert len(names) == len(list(network.parameters()))


def test_what_replaced_token_detection_leaves_is_the_encoder(tmp_path: Path) -> None:
    for kind in ("bert", "electra"):
        network = detector(kind, tmp_path / kind)
        network.save(tmp_path / f"{kind}2", tmp_path / kind)
        loaded, info = AutoModel.from_pretrained(tmp_path / f"{kind}2", output_loading_info=True)
        assert not info["missing_keys"]
        assert torch.equal(
            loaded.embeddings.word_embeddings.weight, network.encoder.embeddings.word_embeddings.weight
        )
        if kind == "bert":  # it came with a pooler
            assert torch.equal(loaded.pooler.dense.weight, network.encoder.pooler.dense.weight)
    again, head = open_model(tmp_path / "electra2", OPENING, cls=ElectraForPreTraining)
    assert head
    assert torch.equal(again.discriminator_predictions.dense.weight, network.head.dense.weight)


def test_replaced_token_detection_leaves_no_pooler_that_nobody_trained(tmp_path: Path) -> None:
    """A random pooler in the files would pass for a pretrained one."""
    BertForMaskedLM(BertConfig(**SIZES)).save_pretrained(tmp_path / "a")
    model, _ = open_model(tmp_path / "a", OPENING, cls=AutoModel)
    network = ReplacedTokens(model, size=0.34, dtype=torch.float32, fast=True)
    network.save(tmp_path / "b", tmp_path / "a")
    assert not [name for name in load_file(tmp_path / "b/model.safetensors") if "pooler" in name]
    loaded, info = AutoModel.from_pretrained(tmp_path / "b", output_loading_info=True)
    assert set(info["missing_keys"]) == {"pooler.dense.weight", "pooler.dense.bias"}
    assert torch.equal(
        loaded.embeddings.word_embeddings.weight, network.encoder.embeddings.word_embeddings.weight
    )
