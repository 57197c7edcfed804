"""The loss of a part of a batch with rows of several tasks.

Shapes: B rows of a batch or part, T tasks, K classes of all tasks side by side.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from podium.engine.inputs import Batch
from podium.engine.multitask.balance import Balance, Seen
from podium.engine.multitask.losses import JointLoss, owned
from podium.engine.objective import Objective, Rows, Teacher
from podium.engine.optimization import depths
from podium.engine.recipe import Recipe
from podium.errors import UserError


class JointObjective(Objective):
    """``Objective`` with a ``JointLoss``; ``balance`` makes one loss of the tasks', called ``names`` (T) in the curve.

    ``rows.weight`` is (N, T): a row's weight at its task. ``sizes`` (T) are the tasks' classes.
    """

    loss: JointLoss

    def __init__(
        self,
        network: nn.Module,
        loss: JointLoss,
        rows: Rows,
        recipe: Recipe,
        *,
        balance: Balance,
        names: Sequence[str],
        sizes: Sequence[int],
        **keywords: Any,
    ) -> None:
        super().__init__(network, loss, rows, recipe, **keywords)
        assert rows.encoded.tasks is not None
        self.balance, self._names, self._task = balance, names, rows.encoded.tasks
        self._own = torch.from_numpy(owned(sizes)).to(self.device)
        self._layer = last_shared(network) if balance.needs_norms else None
        self._counts = np.zeros(len(names), dtype=np.int64)
        self._rows = self._losses = self._hits = torch.zeros(len(names), device=self.device)
        self._gradients: dict[int, torch.Tensor] = {}
        self._shares = self._rows
        self._parted = np.zeros(0, dtype=np.int64)
        self._tasks: torch.Tensor | None = None
        self._watching = False
        self._uncounted = 0
        self._samples = int(network.get_submodule("head").samples)  # type: ignore[arg-type]

    def begin(self, batch: np.ndarray, step: int, epoch: int) -> None:
        """See ``Objective.begin``."""
        self.balance.begin(step, epoch)
        self._counts = np.bincount(self._task[batch], minlength=len(self._names))
        self._rows = self._sent(self._counts)
        self._losses, self._hits = torch.zeros_like(self._rows), torch.zeros_like(self._rows)
        self._gradients = {}

    def figures(self) -> list[torch.Tensor]:
        """See ``Objective.figures``."""
        if self._layer is not None:
            for task in np.flatnonzero(self._counts).tolist():
                self._gradients.setdefault(task, torch.zeros_like(self._layer))
        return [self._losses, self._hits, *(self._gradients[task] for task in sorted(self._gradients))]

    def end(self) -> dict[str, torch.Tensor]:
        """Let the balance learn of the step; the curve gets ``loss:NAME`` (none without rows) and ``weight:NAME``."""
        weights, present = self.balance.weights().clone(), (self._rows > 0).float()
        known = self._rows.clamp(min=1)
        means = self._losses / known
        norm = None
        if self._layer is not None:
            norm = torch.zeros_like(self._rows)
            for task, gradient in self._gradients.items():
                norm[task] = torch.linalg.vector_norm(gradient) / known[task]
        accuracy = self._hits / known if self.balance.needs_accuracy else None
        self.balance.observe(Seen(present, self._rows, means, accuracy, norm))
        told = torch.where(present > 0, means, torch.nan)
        return {f"loss:{name}": told[task] for task, name in enumerate(self._names)} | {
            f"weight:{name}": weights[task] for task, name in enumerate(self._names)
        }

    def accumulate(self, part: np.ndarray, denominator: float, epoch: int) -> torch.Tensor:
        """See ``Objective.accumulate``."""
        self._parted = np.bincount(self._task[part], minlength=len(self._names))
        self._shares = self._sent(self._parted) / self._rows.clamp(min=1)
        self._watching = True  # the first pass of each part is what is told and learned from
        self._uncounted = self._samples
        return super().accumulate(part, denominator, epoch)

    def _sent(self, counts: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(counts.astype(np.float32)).to(self.device, non_blocking=True)

    def _loss(
        self,
        batch: Batch,
        target: torch.Tensor,
        weight: torch.Tensor,
        teacher: Teacher | None,
        epoch: int,
    ) -> torch.Tensor:
        """Sums (T,) over the rows of each task."""
        self._tasks = batch.tasks
        return super()._loss(batch, target, weight, teacher, epoch)

    def _labels(
        self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, teacher: Teacher | None
    ) -> torch.Tensor:
        if self._uncounted and self.balance.needs_accuracy:
            self._uncounted -= 1
            self._count_hits(logits.detach(), target)
        if teacher is None:
            return self.loss(logits, target, weight)
        assert self.recipe.distillation is not None
        share, temperature = self.recipe.distillation.weight, self.recipe.distillation.temperature
        known = weight * teacher.known.unsqueeze(-1)
        labels = self.loss(logits, target, weight - share * known)
        return labels + share * self.loss.distilled(logits, teacher.proba, known, temperature)

    def _divergence(self, first: torch.Tensor, second: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        if first.ndim == 2:
            return self.loss.divergence(first, second, weight)
        pairs = zip(first, second, strict=True)
        return torch.stack([self.loss.divergence(a, b, weight) for a, b in pairs]).mean(dim=0)

    @torch.no_grad()
    def _count_hits(self, logits: torch.Tensor, target: torch.Tensor) -> None:
        """Add the rows that are right in their own task; of several dropout samples the share that is."""
        assert self._tasks is not None
        own = self._own[self._tasks]
        guessed = (self.loss.predict(logits) * own).argmax(dim=-1)
        right = (guessed == (target * own).argmax(dim=-1)).float()
        place = nn.functional.one_hot(self._tasks, len(self._names)).float()
        self._hits = self._hits + right @ place / self._samples

    def _combined(self, loss: torch.Tensor, denominator: float) -> torch.Tensor:
        if self._watching:
            self._watch(loss)
        if self.balance.by_rows:
            return (self.balance.weights() * loss).sum() / denominator
        return self.balance.combined(loss / self._rows.clamp(min=1), self._shares)

    def _watch(self, sums: torch.Tensor) -> None:
        """Keep what the first pass over a part says: losses, and the tasks' gradients in the last shared layer."""
        self._watching = False
        self._losses = self._losses + sums.detach()
        if self._layer is None:
            return
        for task in np.flatnonzero(self._parted).tolist():
            (gradient,) = torch.autograd.grad(sums[task], [self._layer], retain_graph=True)
            before = self._gradients.get(task)
            self._gradients[task] = gradient if before is None else before + gradient


def last_shared(network: nn.Module) -> nn.Parameter:
    """Return the last weight matrix of the encoder's top layer; ``UserError`` where there is none that trains."""
    encoder = network.get_submodule("encoder")
    depth_of = depths(encoder)
    top = max((depth for depth in depth_of.values() if depth is not None), default=0)
    found = [
        parameter
        for name, parameter in encoder.named_parameters()
        if depth_of[name] == top and parameter.ndim > 1 and parameter.requires_grad
    ]
    if not top or not found:
        raise UserError(
            "balance.method: gradnorm needs a top layer of the encoder that trains; choose another method"
        )
    return found[-1]
