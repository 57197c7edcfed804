"""Averages of weights against their closed forms and torch's own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import AutoModel

from podium.engine.averaging import Average, AverageOptions


class Net(nn.Module):
    """Parameters, one of them frozen and one in bf16, a float buffer and an integer one."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 3)
        self.layer.bias.requires_grad_(False)
        self.short = nn.Parameter(torch.zeros(4, dtype=torch.bfloat16))
        self.register_buffer("running", torch.zeros(2))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))


def floats(network: nn.Module) -> dict[str, torch.Tensor]:
    return {n: t.double() for n, t in network.state_dict().items() if t.is_floating_point()}


def walk(network: nn.Module, step: int) -> None:
    """Put other weights into the network, the same at the same step."""
    generator = torch.Generator().manual_seed(step)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
            else:
                tensor.fill_(step)


def average(network: nn.Module, steps: int, **changes: Any) -> Average:
    given: dict[str, Any] = {"method": "ema", "decay": 0.9, "start": 0.0, "every": 1} | changes
    return Average(AverageOptions(**given), network, steps=steps, per_epoch=5)


def taken(network: nn.Module, mean: Average) -> dict[str, torch.Tensor]:
    with mean.swap():
        return floats(network)


def run(network: nn.Module, mean: Average, steps: range) -> list[dict[str, torch.Tensor]]:
    """Go on for ``steps`` and return the weights after each."""
    path = []
    for step in steps:
        walk(network, step)
        path.append({name: tensor.clone() for name, tensor in floats(network).items()})
        mean.update()
    return path


def assert_average(network: nn.Module, mean: Average, expected: dict[str, torch.Tensor]) -> None:
    ours = taken(network, mean)
    assert ours.keys() == expected.keys()
    for name, tensor in ours.items():
        rtol = 1e-2 if name == "short" else 1e-5  # lent to the network in bf16
        torch.testing.assert_close(tensor, expected[name], rtol=rtol, atol=rtol, msg=name)
    for name, tensor in mean.state_dict().items():  # kept in float32
        if name.startswith("average."):
            assert tensor.dtype == torch.float32
            torch.testing.assert_close(
                tensor.double(), expected[name.removeprefix("average.")], rtol=1e-5, atol=1e-5, msg=name
            )


@pytest.mark.parametrize("decay", [0.05, 0.6, 0.999])  # no warm-up, some, nothing else
def test_ema_is_its_closed_form(decay: float) -> None:
    """The sum over i of (1 - d_i) times the d after i, times weights i; the first taking whole."""
    network = Net()
    mean = average(network, 30, decay=decay)
    path = run(network, mean, range(1, 31))
    decays = [0.0, *(min(decay, (1 + n) / (10 + n)) for n in range(1, 30))]
    expected = {name: torch.zeros_like(tensor) for name, tensor in path[0].items()}
    for i, weights in enumerate(path):
        factor = 1 - decays[i]
        for later in decays[i + 1 :]:
            factor *= later
        for name, tensor in weights.items():
            expected[name] += factor * tensor
    assert_average(network, mean, expected)


def test_ema_is_torchs_where_the_decay_is_constant() -> None:
    network = nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3))
    mean = average(network, 12, decay=0.1)
    other = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.1), use_buffers=True)
    for step in range(12):
        walk(network, step)
        mean.update()
        other.update_parameters(network)
    assert_average(network, mean, floats(other.module))


@pytest.mark.parametrize(
    ("start", "every", "steps"),
    [
        (0.0, None, [5, 10, 15, 20]),
        (0.5, None, [10, 15, 20]),
        (0.75, None, [15, 20]),
        (0.6, 3, [14, 17, 20]),  # counted back from the last
        (1.0, 1, [20]),
        (0.4, "tenth", [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]),
        (0.0, "tenth", [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]),
        (0.75, "tenth", [15, 16, 17, 18, 19, 20]),  # no more often than steps
    ],
)
def test_swa_is_the_mean(start: float, every: int | str | None, steps: list[int]) -> None:
    network = Net()
    mean = average(network, 20, method="swa", start=start, every=every)
    assert mean.takings == len(steps)
    path = run(network, mean, range(1, 21))
    expected = {
        name: torch.stack([path[step - 1][name] for step in steps]).mean(0).double() for name in path[0]
    }
    assert_average(network, mean, expected)


@pytest.mark.parametrize("method", ["ema", "swa"])
@pytest.mark.parametrize("stop", [1, 7, 12])
def test_resumed_bit_by_bit(tmp_path: Path, method: str, stop: int) -> None:
    """Through a file of tensors, before and after the first taking."""

    def bits(mean: Average) -> dict[str, list[float]]:
        return {name: tensor.double().flatten().tolist() for name, tensor in mean.state_dict().items()}

    network = Net()
    whole = average(network, 20, method=method, start=0.25)
    run(network, whole, range(1, 21))
    network = Net()
    first = average(network, 20, method=method, start=0.25)
    run(network, first, range(1, stop + 1))
    save_file(first.state_dict(), tmp_path / "a.safetensors")
    run(network, first, range(stop + 1, 21))
    state = load_file(tmp_path / "a.safetensors")
    network = Net()
    second = average(network, 20, method=method, start=0.25)
    second.load_state_dict(state)
    run(network, second, range(stop + 1, 21))
    assert bits(second) == bits(first) == bits(whole)
    assert bits(second)["step"] == [20.0]


def test_swap_gives_back_the_weights() -> None:
    network = Net()
    mean = average(network, 9)
    run(network, mean, range(1, 9))
    own = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    pointers = [tensor.data_ptr() for tensor in network.state_dict().values()]

    def fail() -> None:
        with mean.swap():
            assert not torch.equal(network.layer.weight, own["layer.weight"])
            assert torch.equal(network.count, own["count"])
            assert torch.is_grad_enabled()
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert all(torch.equal(tensor, own[name]) for name, tensor in network.state_dict().items())
    assert [tensor.data_ptr() for tensor in network.state_dict().values()] == pointers


def test_nothing_taken_yet() -> None:
    network = Net()
    mean = average(network, 20, start=0.5)
    path = run(network, mean, range(1, 10))
    assert mean.state_dict().keys() == {"step", "taken"}
    assert all(torch.equal(tensor, path[-1][name]) for name, tensor in taken(network, mean).items())


@pytest.mark.parametrize("method", ["ema", "swa"])
def test_nothing_asks_for_a_number(method: str) -> None:
    """Tensors without content raise where a GPU would have to be waited for."""
    network = Net().to("meta")
    mean = average(network, 4, method=method)
    for _ in range(4):
        mean.update()
    with mean.swap():
        assert network.layer.weight.is_meta


def test_mistakes_of_the_caller() -> None:
    network, other = nn.Linear(2, 2), nn.Linear(2, 3)
    mean, foreign = average(network, 2), average(other, 2)
    run(other, foreign, range(1, 2))
    with pytest.raises(ValueError, match="another network"):
        mean.load_state_dict(foreign.state_dict())
    with pytest.raises(ValueError, match="another network"):
        average(Net(), 2).load_state_dict(foreign.state_dict())
    with pytest.raises(ValueError, match="no such method"):
        average(network, 2, method="polyak")


def test_a_tiny_bert(encoder: Path) -> None:
    """Trained for some steps; a copy of the network that gets the average answers as the network that is lent it."""
    network, copy = (AutoModel.from_pretrained(encoder).eval() for _ in range(2))
    mean = average(network, 4, method="swa")
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    ids = torch.arange(1, 9).view(2, 4)
    answers = []
    for _ in range(4):
        network(input_ids=ids).pooler_output.sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        mean.update()
        answers.append(network(input_ids=ids).pooler_output.detach())
    mean.copy_to(copy)
    with mean.swap():
        lent = network(input_ids=ids).pooler_output
    assert torch.equal(lent, copy(input_ids=ids).pooler_output)
    assert not torch.allclose(lent, answers[-1])
    assert torch.equal(network(input_ids=ids).pooler_output, answers[-1])
