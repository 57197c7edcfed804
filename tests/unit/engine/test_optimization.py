"""Schedules against transformers' own, rates by the paper's formula, and layers that are frozen for a while."""

import copy
import re
import warnings
from typing import Any

import pytest
import torch
from architectures import KINDS, Network, batch, random_encoder
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from transformers import get_scheduler

from podium.engine.optimization import (
    OptimizationOptions,
    Unfreezing,
    depths,
    freeze_layers,
    layer_count,
    parameter_groups,
    rate_factor,
    total_steps,
    trainable_depth,
    warmup_steps,
)
from podium.errors import UserError

LAYERS = 3


def settings(**changes: Any) -> OptimizationOptions:
    usual: dict[str, Any] = {
        **{"schedule": "linear", "warmup": 0.1, "learning_rate": 1e-3, "head_learning_rate": 7e-3},
        **{"layer_decay": 0.5, "weight_decay": 0.1, "freeze_layers": 0, "unfreeze": None},
    }
    return OptimizationOptions(**usual | changes)


# ---- schedules


def theirs(name: str, steps: int, rising: int) -> list[float]:
    """The factors of ``transformers.get_scheduler`` at steps 0 to ``steps``."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = get_scheduler(name, optimizer, num_warmup_steps=rising, num_training_steps=steps)
    factors = []
    for _ in range(steps + 1):
        factors.append(float(schedule.get_last_lr()[0]))
        optimizer.step()
        schedule.step()
    return factors


@given(
    name=st.sampled_from(["linear", "cosine", "constant"]),
    steps=st.integers(1, 60),
    warmup=st.integers(0, 100).map(lambda percent: percent / 100),
)
def test_schedules_are_those_of_transformers(name: str, steps: int, warmup: float) -> None:
    """Number for number; in warm-up one step ahead, so that no step has rate 0."""
    rising = warmup_steps(steps, warmup)
    reference = theirs("constant_with_warmup" if name == "constant" else name, steps, rising)
    factors = [rate_factor(step, steps, schedule=name, warmup=warmup) for step in range(steps + 1)]
    expected = [(step + 1) / rising if step < rising else reference[step] for step in range(steps + 1)]
    assert factors == expected
    assert factors[: max(0, rising - 1)] == reference[1 : max(1, rising)]
    assert min(factors[:-1]) > 0
    assert max(factors) == 1
    if not rising and name == "constant":
        assert factors == theirs("constant", steps, 0)


def test_an_unknown_schedule_is_told() -> None:
    with pytest.raises(UserError, match="there is no 'cosin'; did you mean 'cosine'"):
        rate_factor(0, 10, schedule="cosin", warmup=0.1)


@pytest.mark.parametrize(
    ("epochs", "steps", "expected"),
    [
        (2, None, 20),
        (1.5, None, 15),
        (0.25, None, 3),
        (1.1, None, 11),
        (0.01, None, 1),
        (3, 7, 7),
        (0.3, None, 3),
    ],
)
def test_steps_of_a_run(epochs: float, steps: int | None, expected: int) -> None:
    assert total_steps(10, epochs=epochs, steps=steps) == expected


# ---- depths and rates

#: What belongs to which depth, by name, said once more and by hand; the first that fits counts
NAMES = [
    (r"\b(layer|layers)\.(\d+)\.", None),
    (r"^encoder\.conv\.", 1),
    (r"^(embeddings|embeddings_project)\.", 0),
    (r"^encoder\.(rel_embeddings|LayerNorm)\.", 0),
    (r"^(pooler|final_norm)\.", LAYERS + 1),
]


def expected_depth(name: str) -> int:
    for pattern, depth in NAMES:
        if found := re.search(pattern, name):
            return int(found[2]) + 1 if depth is None else depth
    raise AssertionError(name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_has_the_rate_of_its_layer(kind: str) -> None:
    """Each in one group; eta^(l-1) = xi eta^l down to the embeddings; no decay of vectors."""
    network = Network(random_encoder(kind))
    groups = parameter_groups(network, settings(), fresh=())
    found = {id(parameter): group for group in groups for parameter in group["params"]}
    assert sum(len(group["params"]) for group in groups) == len(found) == len(list(network.parameters()))
    rates: dict[int, float] = {}
    for name, parameter in network.named_parameters():
        group = found[id(parameter)]
        assert group["weight_decay"] == (0.1 if parameter.ndim > 1 else 0.0), name
        if name.startswith("encoder."):
            depth = expected_depth(name.removeprefix("encoder."))
            assert rates.setdefault(depth, group["lr"]) == group["lr"], name
        else:
            assert group["lr"] == 7e-3, name
    assert layer_count(network.encoder) == LAYERS
    assert rates.pop(LAYERS + 1, 1e-3) == 1e-3
    assert sorted(rates) == list(range(LAYERS + 1))
    assert rates[LAYERS] == 1e-3
    for depth in range(1, LAYERS + 1):
        assert rates[depth - 1] == pytest.approx(0.5 * rates[depth], rel=1e-12)
    torch.optim.AdamW(groups, fused=True)


def test_new_modules_of_the_encoder_learn_as_the_head_does() -> None:
    network = Network(random_encoder("bert"))
    groups = parameter_groups(network, settings(), fresh={"pooler"})
    rate_of = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    rates = {name: rate_of[id(parameter)] for name, parameter in network.named_parameters()}
    assert {
        rates["encoder.pooler.dense.weight"],
        rates["encoder.pooler.dense.bias"],
        rates["head.weight"],
    } == {7e-3}
    assert rates["encoder.encoder.layer.2.output.dense.weight"] == 1e-3


def test_without_layer_decay_there_are_few_groups() -> None:
    network = Network(random_encoder("bert"))
    assert len(parameter_groups(network, settings(layer_decay=1.0), fresh=())) == 4


@pytest.mark.parametrize("wrapper", ["compile", "peft"])
def test_wrappers_do_not_hide_the_layers(wrapper: str) -> None:
    """Both put a prefix before every name."""
    plain = depths(random_encoder("electra"))
    wrapped: Any
    if wrapper == "compile":
        wrapped, prefix = torch.compile(random_encoder("electra"), backend="eager"), "_orig_mod."
        assert depths(wrapped) == {prefix + name: depth for name, depth in plain.items()}
        return
    peft = pytest.importorskip("peft", reason="the optional package peft is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # its own, of a name in transformers
        wrapped = peft.get_peft_model(
            random_encoder("electra"), peft.LoraConfig(r=2, target_modules=["query"])
        )
    found = {
        name.removeprefix("base_model.model.").replace(".base_layer", ""): depth
        for name, depth in depths(wrapped).items()
    }
    assert {name: depth for name, depth in found.items() if "lora_" not in name} == plain
    adapters = {name: depth for name, depth in found.items() if "lora_" in name}
    assert len(adapters) == 2 * LAYERS
    assert all(f"layer.{(depth or 0) - 1}." in name for name, depth in adapters.items())


def test_shared_layers_cannot_be_told_apart() -> None:
    network = Network(random_encoder("albert"))
    assert layer_count(network.encoder) == 0
    rates = {group["lr"] for group in parameter_groups(network, settings(), fresh=())}
    assert rates == {1e-3, 7e-3}
    with pytest.raises(UserError, match="more than the 0 layers"):
        freeze_layers(network, 1)
    with pytest.raises(UserError, match="cannot be told apart"):
        Unfreezing(network, every=1)


# ---- frozen layers


def trainable(network: nn.Module) -> set[int]:
    """The depths of the encoder of which something trains."""
    encoder = network.get_submodule("encoder")
    return {expected_depth(name) for name, parameter in encoder.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [0, 1, LAYERS])
def test_frozen_layers_do_not_move_and_have_no_group(kind: str, layers: int) -> None:
    network = Network(random_encoder(kind))
    freeze_layers(network, layers)
    groups = parameter_groups(network, settings(), fresh=())
    kept = {id(parameter) for group in groups for parameter in group["params"]}
    assert kept == {id(parameter) for parameter in network.parameters() if parameter.requires_grad}
    assert trainable(network) - {LAYERS + 1} == set(range(layers + 1 if layers else 0, LAYERS + 1))
    before = copy.deepcopy(network.state_dict())
    network(**batch()).square().sum().backward()
    torch.optim.AdamW(groups).step()
    for name, parameter in network.named_parameters():
        moved = not torch.equal(parameter, before[name])
        below = name.startswith("encoder.") and 0 <= expected_depth(name[8:]) <= layers and layers > 0
        assert not (moved and below), name
    assert not torch.equal(network.head.weight, before["head.weight"])


def test_more_layers_than_there_are() -> None:
    with pytest.raises(UserError, match="freeze_layers: 4 is more than the 3 layers"):
        freeze_layers(Network(random_encoder("bert")), 4)


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (1, [3, 2, 1, 0, 0]),
        (0.5, [3, 1, 0, 0, 0]),
        (2, [3, 3, 2, 2, 1]),
        (0.1, [3, 0, 0, 0, 0]),
        (1.5, [3, 3, 2, 1, 1]),
    ],
)
def test_layers_thaw_from_the_top(every: float, expected: list[int]) -> None:
    assert [trainable_depth(epoch, layers=LAYERS, every=every) for epoch in range(5)] == expected


def test_tenths_are_tenths() -> None:
    assert trainable_depth(0.3, layers=12, every=0.1) == 9  # 0.3 / 0.1 is a little less than 3 in binary


@pytest.mark.parametrize("kind", KINDS)
def test_unfreezing_knows_the_epoch_alone_and_what_is_frozen_for_good(kind: str) -> None:
    network = Network(random_encoder(kind))
    freeze_layers(network, 1)
    unfreezing = Unfreezing(network, every=1)
    for epoch, lowest in [(0, 3), (1, 2), (4, 2), (0, 3), (2, 2)]:
        unfreezing.apply(epoch)
        assert trainable(network) - {LAYERS + 1} == set(range(lowest, LAYERS + 1))
        assert all(parameter.requires_grad for parameter in network.head.parameters())


def run(network: Network, optimizer: torch.optim.Optimizer, first: int, last: int) -> None:
    """Epochs of two steps each, thawing one layer an epoch."""
    for step in range(first, last):
        torch.manual_seed(step)
        unfreezing(network).apply(step // 2)
        network(**batch(seed=step)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def unfreezing(network: Network) -> Unfreezing:
    """As made at the start of a run, when everything trains."""
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    return Unfreezing(network, every=1)


def start() -> tuple[Network, torch.optim.Optimizer]:
    torch.manual_seed(0)
    network = Network(random_encoder("bert")).train()
    unfreezing(network)
    return network, torch.optim.AdamW(parameter_groups(network, settings(), fresh=()), fused=True)


def test_averages_begin_with_the_thaw_and_a_stopped_run_goes_on_bit_for_bit() -> None:
    whole, optimizer = start()
    run(whole, optimizer, 0, 10)
    counted = {name: optimizer.state[parameter].get("step") for name, parameter in whole.named_parameters()}
    assert counted["head.weight"] == 10
    for layer in range(LAYERS):
        name = f"encoder.encoder.layer.{layer}.output.dense.weight"
        assert counted[name] == 10 - 2 * (LAYERS - 1 - layer)
    assert counted["encoder.embeddings.word_embeddings.weight"] == 10 - 2 * LAYERS

    for stop in (1, 2, 5, 6):
        stopped, optimizer = start()
        run(stopped, optimizer, 0, stop)
        resumed, fresh_optimizer = start()
        resumed.load_state_dict(stopped.state_dict())
        fresh_optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        run(resumed, fresh_optimizer, stop, 10)
        for (name, ours), (_, theirs_) in zip(
            resumed.named_parameters(), whole.named_parameters(), strict=True
        ):
            assert torch.equal(ours, theirs_), (stop, name)
