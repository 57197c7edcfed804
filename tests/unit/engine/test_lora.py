"""Adapters against the paper's formula, training beside them, and the plain encoder that is left."""

import builtins
import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from architectures import KINDS, Network, batch, random_encoder
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModel

from podium.engine.lora import add_lora, merge_lora
from podium.engine.optimization import (
    OptimizationOptions,
    Unfreezing,
    depths,
    freeze_layers,
    parameter_groups,
)
from podium.errors import UserError

needs_peft = pytest.mark.skipif(
    not importlib.util.find_spec("peft"), reason="the optional package peft is not installed"
)
USUAL: dict[str, Any] = {"rank": 2, "alpha": 6.0, "dropout": 0.0, "targets": None, "fresh": ()}
#: The default targets of each architecture: query and value, or the one matrix that makes both
DEFAULT = {
    **{kind: {"query", "value"} for kind in ("bert", "roberta", "xlm-roberta", "electra")},
    **{kind: {"query_proj", "value_proj"} for kind in ("deberta-v2", "deberta-v3")},
    **{"distilbert": {"q_lin", "v_lin"}, "modernbert": {"Wqkv"}},
}


def adapted(encoder: nn.Module) -> set[str]:
    """The last part of the names of the modules that have an adapter."""
    return {
        name.split(".lora_")[0].split(".")[-1] for name, _ in encoder.named_parameters() if "lora_" in name
    }


def train(network: nn.Module, *, steps: int = 3) -> None:
    groups = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(groups, lr=0.05)
    for step in range(steps):
        network(**batch(seed=step)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


@needs_peft
@pytest.mark.parametrize("kind", KINDS)
def test_adapters_train_and_melt_into_a_plain_encoder(kind: str, tmp_path: Path) -> None:
    """Equal at the start, the base untouched, equal to 1e-5 after merging, saving and loading."""
    encoder = random_encoder(kind).eval()
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    with torch.no_grad():
        plain = encoder(**batch()).last_hidden_state
    add_lora(encoder, **USUAL)
    assert adapted(encoder) == DEFAULT[kind]
    assert {name for name, parameter in encoder.named_parameters() if parameter.requires_grad} == {
        name for name, _ in encoder.named_parameters() if "lora_" in name
    }
    with torch.no_grad():
        assert torch.equal(encoder(**batch()).last_hidden_state, plain)
    train(Network(encoder))
    for name, tensor in encoder.state_dict().items():
        assert "lora_" in name or torch.equal(tensor, before[name.replace(".base_layer", "")]), name
    encoder.eval()
    with torch.no_grad():
        trained = encoder(**batch()).last_hidden_state
    assert (trained - plain).abs().max() > 1e-2
    merge_lora(encoder)
    assert encoder.state_dict().keys() == before.keys()
    assert not hasattr(encoder, "peft_config")
    encoder.save_pretrained(tmp_path)  # type: ignore[operator]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["config.json", "model.safetensors"]
    assert load_file(tmp_path / "model.safetensors").keys() == before.keys()
    again = AutoModel.from_pretrained(tmp_path, local_files_only=True).eval()
    with torch.no_grad():
        torch.testing.assert_close(again(**batch()).last_hidden_state, trained, atol=1e-5, rtol=1e-5)


@needs_peft
def test_the_weights_change_by_the_formula() -> None:
    """Hu et al. 2021, section 4.1: W + alpha / r B A."""
    encoder = random_encoder("bert")
    weights = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    add_lora(encoder, **USUAL)
    train(Network(encoder))
    query = encoder.get_submodule("encoder.layer.1.attention.self.query")
    a, b = (query.get_submodule(f"lora_{side}.default").weight for side in "AB")
    assert (a.shape, b.shape) == ((2, 16), (16, 2))
    expected = weights["encoder.layer.1.attention.self.query.weight"] + 6.0 / 2 * (b @ a)
    merge_lora(encoder)
    merged = encoder.get_submodule("encoder.layer.1.attention.self.query")
    assert type(merged) is nn.Linear
    torch.testing.assert_close(merged.weight, expected)
    assert torch.equal(
        encoder.state_dict()["encoder.layer.1.attention.self.key.weight"],
        weights["encoder.layer.1.attention.self.key.weight"],
    )


@needs_peft
def test_adapters_have_the_rates_of_their_layers_and_freeze_with_them() -> None:
    network = Network(random_encoder("deberta-v3"))
    add_lora(network.encoder, **USUAL)
    options = OptimizationOptions(
        **{"schedule": "linear", "warmup": 0.1, "learning_rate": 1e-3, "head_learning_rate": 7e-3},
        **{"layer_decay": 0.5, "weight_decay": 0.1, "freeze_layers": 0, "unfreeze": None},
    )
    groups = parameter_groups(network, options, fresh=())
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    depth_of = depths(network.encoder)
    for name, parameter in network.encoder.named_parameters():
        assert (id(parameter) in rates) == ("lora_" in name)
        if "lora_" in name:
            layer = int(name.split("layer.")[1][0])
            assert depth_of[name] == layer + 1
            assert rates[id(parameter)] == pytest.approx(1e-3 * 0.5 ** (2 - layer))
    assert rates[id(network.head.weight)] == 7e-3
    freeze_layers(network, 1)
    thaw = Unfreezing(network, every=1)
    for epoch, layers in [(0, {2}), (1, {1, 2}), (9, {1, 2})]:
        thaw.apply(epoch)
        training = [name for name, parameter in network.encoder.named_parameters() if parameter.requires_grad]
        assert {int(name.split("layer.")[1][0]) for name in training} == layers
        assert all("lora_" in name for name in training)


@needs_peft
def test_new_modules_keep_learning() -> None:
    encoder = random_encoder("bert")
    add_lora(encoder, **USUAL | {"fresh": {"pooler"}})
    others = {
        name
        for name, parameter in encoder.named_parameters()
        if parameter.requires_grad and "lora_" not in name
    }
    assert others == {"pooler.dense.weight", "pooler.dense.bias"}


@needs_peft
def test_checkpointed_gradients_of_adapters_are_the_same() -> None:
    gradients = []
    for switch in (False, True):
        encoder = random_encoder("bert").train()
        if switch:
            encoder.activation_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]
            encoder.disable_input_require_grads()  # type: ignore[operator]
        add_lora(encoder, **USUAL | {"dropout": 0.3})
        network = Network(encoder)
        torch.manual_seed(1)
        network(**batch()).square().sum().backward()
        gradients.append([parameter.grad for parameter in encoder.parameters() if parameter.requires_grad])
    assert len(gradients[0]) == 12
    for one, other in zip(*gradients, strict=True):
        assert torch.equal(one, other)


@needs_peft
def test_targets_by_name() -> None:
    encoder = random_encoder("roberta")
    add_lora(encoder, **USUAL | {"targets": ["key", "dense"]})
    assert adapted(encoder) == {"key", "dense"}
    for targets, message in (
        [["quer"], "this encoder has no linear 'quer'; did you mean 'query'"],
        [[], "empty"],
    ):
        with pytest.raises(UserError, match=message):
            add_lora(random_encoder("roberta"), **USUAL | {"targets": targets})


def test_without_peft_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def without(name: str, *given: Any, **named: Any) -> Any:
        if name.split(".")[0] == "peft":
            raise ImportError(name)
        return plain(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    encoder = random_encoder("bert")
    with pytest.raises(UserError, match=r"pip install --requirement envs/lora\.txt") as error:
        add_lora(encoder, **USUAL)
    assert len(str(error.value).splitlines()) == 1
    before = list(encoder.state_dict())
    merge_lora(encoder)  # nothing to do
    assert list(encoder.state_dict()) == before
