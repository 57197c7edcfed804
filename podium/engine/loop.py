"""The training loop: batches of similar length, mixed precision, layer-wise rates, exact resume.

Nothing random outlives a step: the order of an epoch comes from (seed, epoch), dropout from (seed, step). A run that
is resumed after step s is therefore the same as one that was never stopped, bit for bit on one CPU.
"""

import contextlib
import itertools
import logging
import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from podium.engine.checkpoint import Checkpoint
from podium.engine.encoding import Encoded, epoch_batches
from podium.errors import UserError
from podium.seeds import derive

if TYPE_CHECKING:
    from podium.models.transformer import Network, Options

log = logging.getLogger(__name__)


class Finetuning:
    """One run of ``options.epochs`` epochs over N encoded rows.

    ``labels`` (N,) class indices and ``weights`` (N,) are tensors on the network's device.
    """

    def __init__(
        self,
        network: "Network",
        encoded: Encoded,
        labels: torch.Tensor,
        weights: torch.Tensor,
        options: "Options",
        *,
        seed: int,
        autocast: contextlib.AbstractContextManager[Any],
        checkpoint: Checkpoint,
    ) -> None:
        self.network, self.encoded, self.labels, self.weights = network, encoded, labels, weights
        self.options, self.seed, self.autocast, self.checkpoint = options, seed, autocast, checkpoint
        self.per_epoch = math.ceil(len(encoded.lengths) / options.batch_size)
        self.steps = options.epochs * self.per_epoch
        self.optimizer = torch.optim.AdamW(parameter_groups(network, options), fused=True)
        self.rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.curve: list[dict[str, Any]] = []

    def run(self) -> pd.DataFrame:
        """Train to the end, from the checkpoint where there is one; return the learning curve.

        One row a step: ``step``, ``epoch``, ``rows``, ``tokens``, ``loss``, ``rate`` (of the top layer), ``norm`` (of
        the gradient, before clipping).
        """
        self.curve = self.checkpoint.load(self.network, self.optimizer)
        for epoch in range(len(self.curve) // self.per_epoch, self.options.epochs):
            started, first = time.perf_counter(), len(self.curve)
            order = np.random.default_rng([self.seed, epoch])
            batches = epoch_batches(self.encoded.lengths, self.options.batch_size, order)
            for batch in batches[first - epoch * self.per_epoch :]:
                self.curve.append(self._step(epoch, batch))
                if self.checkpoint.due():
                    self._settle()
                    self.checkpoint.save(self.network, self.optimizer, self.curve)
            self._settle()
            done, seconds = self.curve[first:], time.perf_counter() - started
            log.info(
                "epoch %d: mean loss %.4f, %d steps, %.0f s, %.0f tokens/s",
                *(epoch + 1, np.mean([row["loss"] for row in done]), len(done), seconds),
                sum(row["tokens"] for row in done) / seconds,
            )
        return pd.DataFrame(self.curve)

    def _step(self, epoch: int, batch: np.ndarray) -> dict[str, Any]:
        """One optimizer step; the figures stay on the device until somebody asks."""
        number = len(self.curve)
        torch.manual_seed(derive(self.seed, "step", number))
        factor = rate_factor(number, self.steps, self.options.warmup)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        inputs = self.encoded.batch(batch, self.labels.device)
        with self.autocast:
            logits_BK = self.network(**inputs)
        losses_B = nn.functional.cross_entropy(logits_BK.float(), self.labels[batch], reduction="none")
        loss = (losses_B * self.weights[batch]).mean()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.options.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {
            "step": number,
            "epoch": epoch,
            "rows": len(batch),
            "tokens": int(self.encoded.lengths[batch].sum()),
            "loss": loss.detach(),
            "rate": self.options.learning_rate * factor,
            "norm": norm.detach(),
        }

    def _settle(self) -> None:
        """Turn the curve's tensors into numbers; raise ``UserError`` when the loss is not finite."""
        for row in self.curve:
            row["loss"], row["norm"] = float(row["loss"]), float(row["norm"])
            if not math.isfinite(row["loss"]):
                raise UserError(
                    f"transformer: the loss is no longer finite at step {row['step'] + 1} (epoch {row['epoch'] + 1}); "
                    "lower learning_rate or set precision: fp32"
                )


def rate_factor(step: int, steps: int, warmup: float) -> float:
    """Factor on the learning rates at ``step`` of ``steps``: linear warm-up, then linear decay towards 0."""
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / rising
    return max(0.0, (steps - step) / max(1, steps - rising))


def parameter_groups(network: "Network", options: "Options") -> list[dict[str, Any]]:
    """Groups by layer: rate ``learning_rate * layer_decay ** (layers below the top)``, embeddings last.

    Layer-wise rates as in Sun et al. 2019 (arXiv 1905.05583, section 5.3.4). Biases and norms (all
    parameters of one dimension) are not decayed. Every parameter is in exactly one group.
    """
    layers = {name: _layer(name) for name, _ in network.named_parameters() if name.startswith("encoder.")}
    top = max((layer for layer in layers.values() if layer is not None), default=0)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        decay = options.weight_decay if parameter.ndim > 1 else 0.0
        if name.startswith("head."):
            rate = options.head_learning_rate
        else:
            layer = layers[name]
            rate = options.learning_rate * options.layer_decay ** (top - (top if layer is None else layer))
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]


def _layer(name: str) -> int | None:
    """Depth of an encoder parameter: 0 for embeddings, i + 1 for layer i, None for what follows the layers."""
    parts = name.split(".")
    for before, part in itertools.pairwise(parts):
        if part.isdigit() and before in ("layer", "layers", "h", "block"):
            return int(part) + 1
    return 0 if any("embed" in part for part in parts) else None
