"""Averages of a run's weights: an exponential moving average, or stochastic weight averaging.

``torch.optim.swa_utils.AveragedModel`` has the same arithmetic (the tests compare with it), but averages into a second
module, copied with its hooks and compiled graphs, and keeps its count in a tensor that a GPU has to be asked for. Here
the averages are plain tensors, the counts plain numbers, and the network itself is lent the average where it is wanted.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Literal

import torch
from torch import nn

METHODS = ("ema", "swa")
PREFIX = "average."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AverageOptions:
    """How weights are averaged; see ``Average``.

    ``method`` is ``ema`` or ``swa``; ``decay``, in [0, 1), is read by ``ema``; ``start``, in [0, 1], is the share of
    the run after which weights are taken; ``every`` is the number of steps from one taking to the next, None an epoch,
    ``tenth`` a tenth of the steps after ``start``.
    """

    method: str
    decay: float
    start: float
    every: int | Literal["tenth"] | None


class Average:
    """The average of the weights of ``network`` over a run of ``steps`` optimizer steps, ``per_epoch`` in an epoch.

    ``ema``: average <- d average + (1 - d) weights (Polyak and Juditsky 1992; the teacher of Tarvainen and Valpola
    2017, arXiv 1703.01780) with d = min(decay, (1 + n) / (10 + n)) after n takings, the warm-up of
    TensorFlow's ``ExponentialMovingAverage``. While it rises, about the last tenth of the takings counts; a
    bias-corrected average would count all of them alike, and those of a fine-tuning's first steps are poor. The first
    taking is the average as it is: weights of before the start, with their random head, have no part in it.

    ``swa``: the plain mean of the takings (Izmailov et al. 2018, arXiv 1803.05407, algorithm 1), by convention one at
    the end of each epoch after 3/4 of the run. A fine-tuning has few epochs: ``tenth`` takes some ten, whatever its
    length. The paper takes them at a constant (or cyclic) learning rate: the loop's
    schedule has to stay constant from ``start`` on. Under a rate that falls to 0 the takings are nearly the same and
    the mean gains little.

    Takings are counted back from the last step, whose weights are always in the average. All floating-point parameters
    and buffers are averaged, in float32 at least; other buffers stay as they are. Batch norm's statistics are averaged
    like weights and not computed anew: encoders of text have none.
    """

    def __init__(self, options: AverageOptions, network: nn.Module, *, steps: int, per_epoch: int) -> None:
        if options.method not in METHODS or not 0 <= options.decay < 1 or not 0 <= options.start <= 1:
            raise ValueError(f"averaging: no such method, decay or start: {options}")
        self._decay = options.decay if options.method == "ema" else None
        self._network, self._steps = network, steps
        self._first = round(options.start * steps)
        if options.every == "tenth":
            self._every = max(1, round((steps - self._first) / 10))
        else:
            self._every = per_epoch if options.every is None else options.every
        self._step = self._taken = 0
        self._averages: dict[str, torch.Tensor] = {}

    @property
    def takings(self) -> int:
        """How often weights are taken in the whole run."""
        return (self._steps - max(1, self._first)) // self._every + 1

    @torch.no_grad()
    def update(self) -> None:
        """Tell that one optimizer step was made; take its weights where it is their turn."""
        self._step += 1
        if self._step < self._first or (self._steps - self._step) % self._every:
            return
        weights = _floats(self._network)
        if self._taken == 0:
            self._averages = {name: _widened(tensor).clone() for name, tensor in weights.items()}
        else:
            new = [_widened(tensor) for tensor in weights.values()]
            torch._foreach_lerp_(list(self._averages.values()), new, 1 - self._keeping())
        self._taken += 1

    def _keeping(self) -> float:
        """Return the part of the average that the next taking leaves in it."""
        if self._decay is None:
            return self._taken / (self._taken + 1)
        return min(self._decay, (1 + self._taken) / (10 + self._taken))

    @torch.no_grad()
    def copy_to(self, network: nn.Module) -> None:
        """Write the average into a ``network`` of the same kind, in place; nothing where nothing was taken yet."""
        if self._averages:
            weights = _floats(network)
            torch._foreach_copy_([weights[name] for name in self._averages], list(self._averages.values()))

    @contextlib.contextmanager
    def swap(self) -> Iterator[None]:
        """Lend the network the average within the block and give it its own weights, bit for bit, back after it."""
        own = {name: tensor.detach().clone() for name, tensor in _floats(self._network).items()}
        self.copy_to(self._network)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(list(_floats(self._network).values()), list(own.values()))

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the counts ``step`` and ``taken`` as integer scalars, and the averages themselves, not copies."""
        counts = {"step": torch.tensor(self._step), "taken": torch.tensor(self._taken)}
        return counts | {PREFIX + name: tensor for name, tensor in self._averages.items()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from ``state``, which is copied; raises ``ValueError`` for that of another network."""
        weights = _floats(self._network)
        names = [PREFIX + name for name in weights] if int(state["taken"]) else []
        if {"step", "taken", *names} != state.keys():
            raise ValueError("the averages are those of another network")
        self._step, self._taken = int(state["step"]), int(state["taken"])
        averages = {name: torch.empty_like(_widened(weights[name])) for name in weights if names}
        for name, tensor in averages.items():
            if tensor.shape != state[PREFIX + name].shape:
                raise ValueError(f"the average of {name} is that of another network")
            tensor.copy_(state[PREFIX + name])
        self._averages = averages


def _floats(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return the floating-point parameters and buffers, each once."""
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    return {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}


def _widened(tensor: torch.Tensor) -> torch.Tensor:
    """Return ``tensor`` in float32 at least: a small step of a bf16 average would round to none."""
    return tensor.detach().to(torch.promote_types(tensor.dtype, torch.float32))
