"""How fast the machine can multiply matrices, and how many useful operations a training step needs."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class Sizes:
    """Sizes of an encoder of the BERT family: ``layers``, hidden size D, inner size I of the feed-forward part."""

    layers: int
    hidden: int
    inner: int

    @classmethod
    def of(cls, config: Any) -> "Sizes":
        """Those of a transformers config."""
        return cls(config.num_hidden_layers, config.hidden_size, config.intermediate_size)


def useful_flops(sizes: Sizes, lengths: np.ndarray, *, first_only: bool = False) -> float:
    """Floating-point operations of one training step (forward and backward) on texts of ``lengths`` (B,) tokens.

    Only matrix products of the encoder on real tokens count; padding, recomputation, embeddings, head and optimizer do
    not. A product costs 2 operations per weight and token forward and 4 backward (gradients of its input and of its
    weight); attention has two products of 2 L D operations per token and layer forward, twice that backward:

        6 * layers * (4 D^2 + 2 D I) per token  +  3 * 2 * 2 L D * layers per token

    ``first_only``: the last layer is computed for the first token of a text only (all tokens are still keys and
    values there); what is skipped is not credited.
    """
    tokens, squares = float(lengths.sum()), float((lengths.astype(np.float64) ** 2).sum())
    layer = 6 * tokens * (4 * sizes.hidden**2 + 2 * sizes.hidden * sizes.inner) + 12 * sizes.hidden * squares
    if not first_only:
        return sizes.layers * layer
    keys_values = 6 * tokens * 2 * sizes.hidden**2 + 12 * sizes.hidden * tokens
    rest = 6 * len(lengths) * (2 * sizes.hidden**2 + 2 * sizes.hidden * sizes.inner)
    return (sizes.layers - 1) * layer + keys_values + rest


@dataclass(frozen=True)
class Ceiling:
    """Operations per CPU-second (per second on a GPU) of the matrix products: of all shapes together, of the best."""

    together: float
    best: float


class Probe:
    """Multiplies matrices of the model's own shapes: ``tokens`` rows, the weights of one layer."""

    def __init__(self, sizes: Sizes, tokens: int, dtype: torch.dtype, device: str = "cpu") -> None:
        shapes = {
            (sizes.hidden, sizes.hidden): 4,
            (sizes.hidden, sizes.inner): 1,
            (sizes.inner, sizes.hidden): 1,
        }
        generator = torch.Generator().manual_seed(0)
        self.products: list[tuple[float, int, Callable[[], Any]]] = []
        for (inputs, outputs), count in shapes.items():
            x = torch.randn(tokens, inputs, generator=generator).to(device, dtype)
            weight = torch.randn(outputs, inputs, generator=generator).to(device, dtype)
            self.products.append((2.0 * tokens * inputs * outputs, count, _product(x, weight)))
        self.clock = time.process_time if device == "cpu" else time.perf_counter
        self.cuda = device != "cpu"

    def measure(self, repeats: int = 9) -> Ceiling:
        """Median times of ``repeats`` blocks of every product."""
        operations, seconds, rates = 0.0, 0.0, []
        with torch.inference_mode():
            for flops, count, product in self.products:
                times = self._times(product, repeats, inner=min(32, max(1, round(1e10 / flops))))
                typical = statistics.median(times)
                operations, seconds = operations + count * flops, seconds + count * typical
                rates.append(flops / typical)
        return Ceiling(operations / seconds, max(rates))

    def _times(self, product: Callable[[], Any], repeats: int, inner: int) -> list[float]:
        product()
        times = []
        for _ in range(repeats):
            self._wait()
            started = self.clock()
            for _ in range(inner):
                product()
            self._wait()
            times.append((self.clock() - started) / inner)
        return times

    def _wait(self) -> None:
        if self.cuda:
            torch.cuda.synchronize()


def _product(x: torch.Tensor, weight: torch.Tensor) -> Callable[[], torch.Tensor]:
    return lambda: nn.functional.linear(x, weight)
