"""The training loop: batches of similar length, schedules, averages, the best checkpoint, exact resume.

Nothing random outlives a step: the order of an epoch comes from (seed, epoch), dropout and the like from (seed, step).
A run that is resumed after step s is therefore the same as one that was never stopped, bit for bit on one CPU.

Several processes may run it together (``podium.engine.team``), each for its share of every batch. What they add up is
the gradient of the batch, and each makes the same step with it: their weights are the same bits after every step.
"""

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import torch
from torch import nn

from podium import progress
from podium.engine.averaging import Average
from podium.engine.batching import WINDOW, epoch_batches, token_batches
from podium.engine.cautions import cautions
from podium.engine.checkpoint import Checkpoint
from podium.engine.finite import Watch, finite, named, stopped
from podium.engine.objective import Objective
from podium.engine.optimization import Unfreezing, parameter_groups, rate_factor, total_steps, warmup_steps
from podium.engine.recipe import Recipe
from podium.engine.shortage import MAY_BE, Allowance, cost, release
from podium.engine.stopping import BestKeeper, Keeper
from podium.engine.team.base import Team
from podium.mishaps import out_of_memory
from podium.seeds import derive

log = logging.getLogger(__name__)


class Finetuning:
    """One run of ``recipe`` over the rows of ``objective``; ``rows`` (M,) are the places of those it trains on.

    ``evaluate`` scores the network on rows held out inside the training part, higher is better; the weights of the best
    epoch are kept where it is given. ``fresh`` names modules of the encoder with new weights (``parameter_groups``).
    ``team`` are the processes that run it together: each has the same arguments, but for the network's device.
    """

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        recipe: Recipe,
        rows: np.ndarray,
        *,
        seed: int,
        checkpoint: Checkpoint,
        evaluate: Callable[[], Any] | None,
        fresh: frozenset[str],
        team: Team,
    ) -> None:
        self.network, self.objective, self.recipe, self.rows = network, objective, recipe, rows
        self.seed, self.checkpoint, self.evaluate, self.team = seed, checkpoint, evaluate, team
        self.encoded = objective.rows.encoded
        self.per_epoch = len(self._order(0))
        self.mean_rows = len(self._rows_of(0)) / self.per_epoch
        self.steps = total_steps(self.per_epoch, epochs=recipe.epochs, steps=recipe.steps)
        self.parameters = list(network.parameters())
        groups = parameter_groups(network, recipe.optimization, fresh=fresh)
        self.optimizer = torch.optim.AdamW(groups, fused=True)
        self.watch, self.allowance = Watch(self.optimizer, objective.device), Allowance()
        self.rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        every = recipe.optimization.unfreeze
        self.unfreezing = None if every is None else Unfreezing(network, every=every)
        self.average = None
        if recipe.average is not None and team.first:
            self.average = Average(recipe.average, network, steps=self.steps, per_epoch=self.per_epoch)
        told = {"steps": self.steps, "per_epoch": self.per_epoch}
        for caution in cautions(recipe, average=self.average, unfreezing=self.unfreezing, **told):
            log.warning("%s", caution)
        self.best: Keeper | None = None if evaluate is None else self._keeper()
        self.curve: list[dict[str, Any]] = []
        self.seconds: list[float] = []
        self._unsettled: dict[int, np.ndarray] = {}  # batches of the steps that nobody looked at yet
        self._ahead = 0  # steps that the schedule is ahead of those made

    def run(self) -> pd.DataFrame:
        """Train to the end, from the checkpoint where there is one; return the learning curve.

        One row a step: ``step``, ``epoch``, ``rows``, ``tokens`` (real ones), ``loss``, ``rate`` (of the top layer),
        ``head_rate`` (of what is new), ``norm`` (of the gradient, before clipping), and ``score`` at the end of an
        epoch where rows are held out.
        """
        self.curve = self.checkpoint.load(self.network, self.optimizer, self._extras())
        self.team.meet(f"{self.checkpoint.fingerprint} {len(self.curve)}", self.objective.device)
        for epoch, batches in self._remaining():
            started, first = time.perf_counter(), len(self.curve)
            for batch in batches:
                self._timed_step(epoch, batch)
            self._settle()
            self._tell(epoch, first, time.perf_counter() - started)
            if self._stops(epoch):
                break
        self.team.end()
        self._finish()
        return pd.DataFrame(self.curve)

    def _remaining(self) -> Iterator[tuple[int, list[np.ndarray]]]:
        """Epochs and what is left of their batches after the steps that are done."""
        done = len(self.curve)
        if self.best is not None and self.best.stop:
            return
        start, epoch = 0, 0
        while (planned := self._planned(epoch, start)) < self.steps:
            batches = self._order(epoch)[: self.steps - planned]
            self._ahead = planned - start
            end = start + len(batches)
            # an epoch that is done but was not scored yet comes up with no batches
            scored = self.best is None or done > end or (done == end and "score" in self.curve[-1])
            if done < end or not scored:
                yield epoch, batches[max(0, done - start) :]
            start, epoch = end, epoch + 1

    def _planned(self, epoch: int, start: int) -> int:
        """The place in the schedule at which ``epoch`` begins, ``start`` steps being made before it."""
        return start

    def _order(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch."""
        rows = self._rows_of(epoch)
        random, lengths = np.random.default_rng([self.seed, epoch]), self.encoded.widths[rows]
        counts = self.encoded.counts[rows] if self.encoded.chunked else None
        if self.recipe.batch_tokens is None:
            places = epoch_batches(lengths, self.recipe.batch_size, random, window=WINDOW)
        else:
            budget = self.recipe.batch_tokens
            places = token_batches(lengths, budget, random, window=WINDOW, counts=counts)
        return [rows[batch] for batch in places]

    def _rows_of(self, epoch: int) -> np.ndarray:
        turns = self.objective.rows.turns
        if turns is None:
            return self.rows
        draw, draws = turns[self.rows].T
        return self.rows[epoch % draws == draw]

    def _timed_step(self, epoch: int, batch: np.ndarray) -> None:
        started = time.perf_counter()
        self.curve.append(self._step(epoch, batch))
        self.seconds.append(time.perf_counter() - started)
        progress.step(self.curve[-1], of=self.steps, epochs=self.steps / self.per_epoch)
        if self.team.first and self.checkpoint.due():
            self._settle()
            self.checkpoint.save(self.network, self.optimizer, self._extras(), self.curve)

    def _step(self, epoch: int, batch: np.ndarray) -> dict[str, Any]:
        """One optimizer step; the figures stay on the device until somebody asks."""
        number = len(self.curve)
        if self.unfreezing is not None:
            self.unfreezing.apply(Fraction(number + self._ahead, self.per_epoch))
        factor = self._factor(number + self._ahead)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        loss = self._accumulated(number, epoch, batch)
        told = self.objective.end()
        norm = nn.utils.clip_grad_norm_(self.parameters, self.recipe.max_grad_norm)
        rates = self.recipe.optimization
        figures = {"step": number, "epoch": epoch, "loss": loss, "rate": rates.learning_rate * factor}
        figures |= {"head_rate": rates.head_learning_rate * factor, "norm": norm.detach()}
        self._unsettled[number] = batch
        if self.watch.stops(loss, norm):
            self._stop(figures)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update()
        return {
            "step": number,
            "epoch": epoch,
            "rows": len(batch),
            "tokens": int(self.encoded.lengths[batch].sum()),
            **{name: figures[name] for name in ("loss", "rate", "head_rate", "norm")},
            **told,
        }

    def _accumulated(self, number: int, epoch: int, batch: np.ndarray) -> torch.Tensor:
        """Add up the gradient of a step's batch; return its loss. Where memory runs out, all again in smaller parts.

        Where it does so in one process of several, all of them begin again.
        """
        # Batches of tokens differ in rows: each row has the same weight then
        rows = len(batch) if self.recipe.batch_tokens is None else self.mean_rows
        counts = self.encoded.counts if self.encoded.chunked else None
        while True:
            torch.manual_seed(self._drawn_from(number))
            self.objective.begin(batch, number, epoch)
            loss = torch.zeros((), device=self.objective.device)
            shares, short = self._shares(batch), False
            try:
                self.team.reserve(self.parameters)
                for part in shares[self.team.rank]:
                    loss += self.objective.accumulate(part, rows, epoch)
            except MAY_BE as error:
                if not out_of_memory(error):
                    raise
                short = True
            if not self._unite(loss, short=short):
                return loss
            self.optimizer.zero_grad(set_to_none=True)
            release()
            parts = [part for share in shares for part in share]
            sizes = [(len(part), cost(part, self.encoded.widths, counts)) for part in parts]
            self.allowance.halve(number, sizes)

    def _drawn_from(self, number: int) -> int:
        """The seed of a step in this process."""
        rank = self.team.rank
        return derive(self.seed, "step", number, *(("process", rank) if rank else ()))

    def _unite(self, loss: torch.Tensor, *, short: bool) -> bool:
        """Add up loss, figures and gradients of all processes; not where memory was ``short`` in one: return whether.

        A parameter that no part of the batch touches in this process counts as one whose gradient is zero, unless none
        does anywhere.
        """
        if self.team.size == 1:
            return short
        flags = [short, *(parameter.grad is not None for parameter in self.parameters)]
        short, *touched = self.team.agreed(np.array(flags)).tolist()
        if short:
            return True
        gradients = []
        for parameter, anywhere in zip(self.parameters, touched, strict=True):
            if anywhere:
                parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                gradients.append(parameter.grad)
        self.team.add_up([loss, *self.objective.figures(), *gradients])
        return False

    def _factor(self, number: int) -> float:
        options, average = self.recipe.optimization, self.recipe.average
        if average is not None and average.method == "swa":
            # Constant from the first weights on that are averaged, but never at a rate of the warm-up
            rising = warmup_steps(self.steps, options.warmup)
            number = min(number, max(rising, round(average.start * self.steps)))
        return rate_factor(number, self.steps, schedule=options.schedule, warmup=options.warmup)

    def _shares(self, batch: np.ndarray) -> list[list[np.ndarray]]:
        """The parts of a batch that each process computes."""
        counts, size = self.encoded.counts if self.encoded.chunked else None, self.team.size
        return self.allowance.shares(
            batch, self.encoded.widths, counts, accumulate=self.recipe.accumulate, processes=size
        )

    def _stops(self, epoch: int) -> bool:
        """Score the network at the end of an epoch; whether that was enough. The first process scores for all."""
        if self.best is None or self.evaluate is None:
            return False
        with contextlib.nullcontext() if self.average is None else self.average.swap():
            score = self.team.told(self.evaluate() if self.team.first else None)
            self._keep(score, epoch, self.network if self.team.first else nn.Module())
        return self.best.stop

    def _keeper(self) -> Keeper:
        return BestKeeper(patience=self.recipe.stopping.patience if self.recipe.stopping else None)

    def _keep(self, score: Any, epoch: int, network: nn.Module) -> None:
        """Keep the weights of ``network`` where ``score`` is the best so far, and write it into the curve."""
        assert isinstance(self.best, BestKeeper)
        self.best.update(score, step=len(self.curve), network=network)
        self.curve[-1]["score"] = score
        log.info("epoch %d: score %.4f on the rows held out inside the training part", epoch + 1, score)

    def _tell(self, epoch: int, first: int, seconds: float) -> None:
        done = self.curve[first:]
        if done:
            log.info(
                "epoch %d: mean loss %.4f, %d steps, %.0f s, %.0f tokens/s",
                *(epoch + 1, np.mean([row["loss"] for row in done]), len(done), seconds),
                sum(row["tokens"] for row in done) / seconds,
            )

    def table(self) -> pd.DataFrame:
        """The learning curve with what must not be in a result: seconds (none before a resume) and tokens a second."""
        seconds = np.full(len(self.curve), np.nan)
        seconds[len(seconds) - len(self.seconds) :] = self.seconds
        curve = pd.DataFrame(self.curve)
        return curve.assign(seconds=seconds, tokens_per_second=curve["tokens"] / seconds)

    def _finish(self) -> None:
        """Leave the weights in the network that the recipe asks for."""
        if self.best is not None:
            self.best.restore(self.network)
        elif self.average is not None:
            self.average.copy_to(self.network)

    def _extras(self) -> dict[str, Any]:
        """What else a checkpoint must hold, by name; each has ``state_dict`` and ``load_state_dict``."""
        parts = {"average": self.average, "best": self.best, "memory": self.allowance}
        return {name: part for name, part in parts.items() if part is not None}

    def _settle(self) -> None:
        """Turn the curve's tensors into numbers; raise ``TrainingError`` at the first step that is none."""
        for row in self.curve:
            row |= {name: float(value) for name, value in row.items() if isinstance(value, torch.Tensor)}
            if not finite(row["loss"], row["norm"]):
                self._stop(row)
        self._unsettled.clear()

    def _stop(self, figures: dict[str, Any]) -> NoReturn:
        """Raise ``TrainingError`` for a step whose ``figures`` are no numbers; the weights are those of before it."""
        step, epoch = int(figures["step"]), int(figures["epoch"])
        torch.manual_seed(self._drawn_from(step))
        batch = self._unsettled[step]
        own = [row for row in batch if not math.isfinite(self.objective.alone(int(row), epoch))]
        ids = self.objective.rows.ids
        names = [str(row if ids is None else ids[row]) for row in own or batch]
        raise stopped("training", figures, named(names, own=bool(own)))
