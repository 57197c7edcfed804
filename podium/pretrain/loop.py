"""The steps of a pretraining: batches, masks, schedule, perplexity on held-out texts, exact resume.

Nothing random outlives a step: the sequences of an epoch and their order come from (seed, epoch), masks, drawn tokens
and dropout from (seed, step). A run that is taken up again is the undisturbed one, bit for bit on one CPU.
"""

import functools
import itertools
import logging
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import nn

from podium import progress
from podium.engine.batching import WINDOW, length_batches, token_batches
from podium.engine.checkpoint import Checkpoint
from podium.engine.finite import Watch, finite, stopped
from podium.engine.optimization import rate_factor, total_steps
from podium.engine.shortage import MAY_BE, Allowance, release
from podium.mishaps import out_of_memory
from podium.pretrain.blocks import Blocks, Padded
from podium.pretrain.masking import Masked, MaskOptions, draw
from podium.pretrain.networks import Inputs, Sums
from podium.pretrain.options import Settings
from podium.seeds import derive

T = TypeVar("T")
log = logging.getLogger(__name__)
FIGURES = ("masked", "right", "detected", "found")


class Run:
    """One pretraining of ``network``, which returns ``Sums`` of ``Inputs``.

    ``epoch`` gives the sequences of an epoch (0, 1, ...), ``held`` those that are only looked at, None for none.
    ``mask`` is the mask token's id, ``ordinary`` (V,) the ids that are not special.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: Settings,
        epoch: Callable[[int], Blocks],
        held: Blocks | None,
        *,
        mask: int,
        ordinary: np.ndarray,
        seed: int,
        device: torch.device,
        checkpoint: Checkpoint,
    ) -> None:
        self.network, self.settings, self.epoch = network, settings, epoch
        self.mask, self.ordinary, self.seed, self.device = mask, ordinary, seed, device
        self.checkpoint = checkpoint
        self.detects = settings.objective == "rtd"
        self.units = MaskOptions(
            unit=settings.masking, rate=settings.rate, ngrams=tuple(settings.ngrams or (1.0,))
        )
        self.held = held if held is not None and self._asks(held) else None
        self.per_epoch = len(self._batches(0)[1])
        self.steps = total_steps(self.per_epoch, epochs=settings.epochs, steps=settings.steps)
        groups = [
            {
                "params": [p for p in network.parameters() if p.ndim > 1],
                "weight_decay": settings.weight_decay,
            },
            {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
        self.watch, self.allowance = Watch(self.optimizer, device), Allowance()
        self.curve: list[dict[str, Any]] = []
        self.points: list[dict[str, Any]] = []
        self.seconds = 0.0
        spread = np.linspace(0, self.steps, settings.evaluations + 1)
        self._looks = {round(step) for step in spread} if self.held is not None else set()

    def run(self) -> None:
        """Train to the end, from the checkpoint where there is one."""
        extras = {"memory": self.allowance}
        self.curve = self.checkpoint.load(self.network, self.optimizer, extras)
        self.points = [row["point"] for row in self.curve if "point" in row]
        self.network.train()
        if not self.curve:
            self._look()
        elif "first" in self.curve[0]:
            self.points = [self.curve[0]["first"], *self.points]
        for number, blocks, batch in self._remaining():
            started = time.perf_counter()
            self.curve.append(self._step(number, blocks, batch))
            self.seconds += time.perf_counter() - started
            progress.step(self.curve[-1], of=self.steps, epochs=self.steps / self.per_epoch)
            if len(self.curve) == 1 and self.points:  # in a row, so that a checkpoint has it
                self.curve[0]["first"] = self.points[0]
            self._look()
            if self.checkpoint.due():
                self._settle()
                self.checkpoint.save(self.network, self.optimizer, extras, self.curve)
        self._settle()

    def _batches(self, epoch: int) -> tuple[Blocks, list[np.ndarray]]:
        """Sequences of an epoch, and its batches."""
        blocks = self.epoch(epoch)
        random = np.random.default_rng([self.seed, epoch, 1])
        batches = token_batches(blocks.lengths, self.settings.batch_tokens, random, window=WINDOW)
        return blocks, batches

    def _remaining(self) -> Iterator[tuple[int, Blocks, np.ndarray]]:
        """Epoch, sequences and batch of each step that is left."""
        start, epoch = 0, 0
        while start < self.steps:
            blocks, batches = self._batches(epoch)
            count = len(batches)
            done = min(count, max(0, len(self.curve) - start))
            for batch in batches[done : self.steps - start]:
                yield epoch, blocks, batch
            start, epoch = start + count, epoch + 1

    def _step(self, epoch: int, blocks: Blocks, chosen: np.ndarray) -> dict[str, Any]:
        """One optimizer step; the figures stay on the device until somebody asks."""
        number = len(self.curve)
        settings = self.settings
        factor = rate_factor(number, self.steps, schedule=settings.schedule, warmup=settings.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * factor
        batch = blocks.batch(chosen)
        masked = self._masked(batch, [self.seed, number, 2])
        loss, detection = self._whole(lambda parts: self._accumulated(number, batch, masked, parts), batch)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), settings.max_grad_norm)
        row = {
            "step": number,
            "epoch": epoch,
            "tokens": batch.tokens,
            "masked": len(masked.places),
            "loss": loss,
        }
        row |= {"detection": detection} if self.detects else {}
        row |= {"rate": settings.learning_rate * factor, "norm": norm.detach()}
        if self.watch.stops(loss, norm):
            raise stopped("pretrain", row, "")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return row

    def _accumulated(
        self, number: int, batch: Padded, masked: Masked, parts: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add up the gradient of a step's batch in ``parts``; return both of its losses."""
        torch.manual_seed(derive(self.seed, "pretrain", number))
        count, tokens = max(1, len(masked.places)), batch.tokens
        loss = torch.zeros((), device=self.device)
        detection = torch.zeros((), device=self.device)
        for part in _parts(batch, masked, max(parts, self.settings.accumulate), self.device):
            sums: Sums = self.network(part)
            total = sums.masked / count
            loss += total.detach()
            if sums.detected is not None:
                assert self.settings.detection_weight is not None
                detection += sums.detected.detach() / tokens
                total = total + self.settings.detection_weight * sums.detected / tokens
            total.backward()
        return loss, detection

    def _whole(self, attempt: Callable[[int], T], batch: Padded) -> T:
        """Call ``attempt`` with the parts that memory allows for ``batch``, and again with more where it runs out."""
        width = batch.ids.shape[1]
        while True:
            rows = _rows_at_once(len(batch.ids), width, self.allowance.tokens)
            parts = -(-len(batch.ids) // rows)
            try:
                return attempt(parts)
            except MAY_BE as error:
                if not out_of_memory(error):
                    raise
            self.optimizer.zero_grad(set_to_none=True)
            release()
            rows = -(-len(batch.ids) // max(parts, self.settings.accumulate))
            self.allowance.halve(len(self.curve), [(rows, rows * width)])

    def _masked(self, batch: Padded, seed: list[int]) -> Masked:
        random = np.random.default_rng(seed)
        return draw(batch, self.units, random, mask=self.mask, ordinary=self.ordinary, keep=not self.detects)

    def _look(self) -> None:
        """Add a point to the curve where it is time for one."""
        done = len(self.curve)
        if done not in self._looks or self.held is None:
            return
        self._settle()
        last = self.points[-1]["step"] if self.points else 0
        rows = self.curve[last:done]
        point: dict[str, Any] = {"step": done, "tokens": sum(row["tokens"] for row in self.curve)}
        point["loss"] = float(np.mean([row["loss"] for row in rows])) if rows else None
        point |= self.evaluate(self.held)
        self.points.append(point)
        if done:
            self.curve[-1]["point"] = point
        log.info(
            "step %d of %d: perplexity %.3f, %.1f%% of the masked tokens guessed",
            *(done, self.steps, point["perplexity"], 100 * point["accuracy"]),
        )

    def evaluate(self, held: Blocks) -> dict[str, float]:
        """Perplexity and accuracy on held-out sequences, always with the same masks; of detection its loss, too."""
        self.network.eval()
        totals, masked_tokens, tokens = dict.fromkeys(FIGURES, 0.0), 0, 0
        with torch.inference_mode():
            for number, (batch, masked) in enumerate(self._held_batches(held)):
                found = self._whole(functools.partial(self._looked_at, number, batch, masked), batch)
                totals = {name: totals[name] + found[name] for name in FIGURES}
                masked_tokens, tokens = masked_tokens + len(masked.places), tokens + batch.tokens
        self.network.train()
        mean = totals["masked"] / max(1, masked_tokens)
        found = {
            "held_out_loss": mean,
            "perplexity": math.exp(min(mean, 80.0)),
            "accuracy": totals["right"] / max(1, masked_tokens),
        }
        if self.detects:
            found |= {"detection": totals["detected"] / tokens, "detected": totals["found"] / tokens}
        return found

    def _held_batches(self, held: Blocks) -> Iterator[tuple[Padded, Masked]]:
        for number, chosen in enumerate(length_batches(held.lengths, self.settings.batch_tokens)):
            batch = held.batch(chosen)
            yield batch, self._masked(batch, [self.seed, number, 3])

    def _asks(self, held: Blocks) -> bool:
        """Whether a held-out token is masked: a perplexity of nothing would be 1, the best that there is."""
        asked = any(len(masked.places) for _, masked in self._held_batches(held))
        if not asked:
            log.info("too few held-out tokens to mask one: there will be no perplexity")
        return asked

    def _looked_at(self, number: int, batch: Padded, masked: Masked, parts: int) -> dict[str, float]:
        """Sums over a held-out batch, computed in ``parts``."""
        torch.manual_seed(derive(self.seed, "held", number))
        totals = dict.fromkeys(FIGURES, 0.0)
        for part in _parts(batch, masked, parts, self.device):
            sums: Sums = self.network(part)
            for name in FIGURES:
                totals[name] += float(value) if (value := getattr(sums, name)) is not None else 0.0
        return totals

    def guessing(self, counts: np.ndarray) -> float | None:
        """Perplexity of the same held-out tokens for one who knows how often each token is read, and nothing else.

        ``counts`` (V,) are those of the training texts' tokens, of which each is counted once more. None where nothing
        is held out.
        """
        if self.held is None:
            return None
        hidden = np.concatenate([masked.labels for _, masked in self._held_batches(self.held)])
        return float(np.exp(np.log((counts.sum() + len(counts)) / (counts[hidden] + 1)).mean()))

    def table(self) -> pd.DataFrame:
        """The perplexity's curve: step, tokens read, mean training loss since the last point, held-out figures."""
        return pd.DataFrame(self.points)

    def _settle(self) -> None:
        """Turn the curve's tensors into numbers; raise ``TrainingError`` at the first step that is none."""
        settled = list(
            itertools.takewhile(lambda row: isinstance(row["loss"], torch.Tensor), reversed(self.curve))
        )[::-1]
        for row in settled:
            for key in ("loss", "norm", "detection"):
                if key in row:
                    row[key] = float(row[key])
        for row in settled:
            if not finite(row["loss"], row["norm"]):
                raise stopped("pretrain", row, "")


def _rows_at_once(rows: int, width: int, limit: int | None) -> int:
    """How many of ``rows`` sequences go through the network at once under a limit of tokens."""
    return rows if limit is None else min(rows, max(1, limit // width))


def _parts(batch: Padded, masked: Masked, parts: int, device: torch.device) -> Iterator[Inputs]:
    """A batch in ``parts`` of about as many sequences."""
    bounds = np.unique(np.linspace(0, len(batch.ids), min(parts, len(batch.ids)) + 1).round().astype(int))
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        yield Inputs.of(batch, masked, slice(low, high), device)
