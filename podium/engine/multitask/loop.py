"""The training loop over rows of several tasks."""

import logging
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from torch import nn

from podium.engine.loop import Finetuning
from podium.engine.multitask.balance import Balance, WeightAverage
from podium.engine.multitask.objective import JointObjective
from podium.engine.multitask.sampling import NEVER, Sampler
from podium.engine.multitask.stopping import TaskKeeper
from podium.engine.recipe import Recipe

log = logging.getLogger(__name__)


class JointFinetuning(Finetuning):
    """``Finetuning`` whose epochs draw rows of the tasks by ``sampling``.

    ``evaluate`` returns a score for each task. With ``stopping``, a task that has stopped is no longer drawn: epochs
    are shorter from then on, and the schedule of rates goes on by epochs as it was planned, not by steps.
    """

    objective: JointObjective
    best: TaskKeeper | None

    def __init__(
        self,
        network: nn.Module,
        objective: JointObjective,
        recipe: Recipe,
        rows: np.ndarray,
        *,
        sampling: str,
        names: Sequence[str],
        seed: int,
        **keywords: Any,
    ) -> None:
        task = objective.rows.encoded.tasks
        assert task is not None
        self._names, self._epochs = names, 1
        self._sampler = Sampler(sampling, task, len(names), super()._rows_of, seed=seed)
        self._stopped = np.full(len(names), NEVER)  # of a run without stopping, and before there is a keeper
        super().__init__(network, objective, recipe, rows, seed=seed, **keywords)
        self._epochs = math.ceil(self.steps / self.per_epoch)
        for caution in idle(sampling, objective.balance, steps=self.steps, per_epoch=self.per_epoch):
            log.warning("%s", caution)

    def _rows_of(self, epoch: int) -> np.ndarray:
        keeper: TaskKeeper | None = getattr(self, "best", None)
        stopped = self._stopped if keeper is None else keeper.stopped
        return self._sampler.rows(epoch, epochs=self._epochs, stopped=stopped)

    def _planned(self, epoch: int, start: int) -> int:
        if self.best is None or (self.best.stopped >= epoch).all():
            return start
        return max(start, epoch * self.per_epoch)

    def _keeper(self) -> TaskKeeper:
        return TaskKeeper(
            len(self._names), patience=self.recipe.stopping.patience if self.recipe.stopping else None
        )

    def _keep(self, score: np.ndarray, epoch: int, network: nn.Module) -> None:
        assert self.best is not None
        self.best.update(score, epoch, network)
        told = dict(zip(self._names, score.tolist(), strict=True))
        self.curve[-1] |= {"score": float(np.mean(score))} | {f"score:{name}": told[name] for name in told}
        scores = ", ".join(f"{name} {value:.4f}" for name, value in told.items())
        log.info("epoch %d: scores on the rows held out inside the training part: %s", epoch + 1, scores)

    def _finish(self) -> None:
        super()._finish()
        if self.best is not None:
            epochs = ", ".join(
                f"{name} {best + 1}" for name, best in zip(self._names, self.best.epoch, strict=True)
            )
            log.info("the weights of each task's best epoch are kept: %s", epochs)

    def _extras(self) -> dict[str, Any]:
        return {**super()._extras(), "balance": self.objective.balance}


def idle(sampling: str, balance: Balance, *, steps: int, per_epoch: int) -> Iterator[str]:
    """Yield a sentence for what does nothing in ``steps`` of ``per_epoch`` in an epoch; ``podium.engine.cautions``."""
    if sampling == "annealed" and steps <= per_epoch:
        yield "sampling: annealed begins with shares in proportion to rows, and a run of one epoch ends there"
    if isinstance(balance, WeightAverage):
        period = per_epoch if balance.interval is None else balance.interval
        if steps <= 2 * period:
            yield (
                f"balance.method: dwa compares two periods of {period} steps before it weighs a third, and the run has "
                f"{steps}: all weights stay 1; set balance.interval to fewer steps"
            )
