"""The losses of several tasks in one batch, each on the task's own outputs.

Shapes: B rows, T tasks, K classes of all tasks side by side, O outputs of all tasks side by side.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from podium.engine.divergences import distillation, r_drop
from podium.engine.losses import Loss


class JointLoss(Loss):
    """One loss a task, on the task's slice of outputs and classes; or one loss ``flat`` over all classes together.

    A row has no weight in the losses of other tasks, so whatever is done inside a loss (softmax, label smoothing, class
    weights, F1 of a batch) is done inside its task, exactly as if the task were alone. ``flat`` has one loss over the
    classes of all tasks in training; predictions are those of the row's own task, which for the links that are allowed
    there is the distribution over all classes, restricted and normalised again.
    """

    def __init__(self, losses: Sequence[Loss], sizes: Sequence[int], *, flat: bool) -> None:
        super().__init__(
            outputs=sum(loss.outputs for loss in losses), targets=sum(sizes), link=losses[0].link
        )
        self.parts, self.flat = nn.ModuleList(losses), flat
        classes = slices(sizes)
        self.owns = classes if flat else slices([loss.outputs for loss in losses])
        whole = [slice(None)] * len(sizes)
        self._views = list(zip(*((whole, whole) if flat else (self.owns, classes)), strict=True))

    def forward(self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the sum over the rows of weight times loss for each task (T,).

        ``logits`` (B, O), ``target`` (B, K) with zeros outside the row's task, ``weight`` (B, T) with the row's weight
        at its task and zeros elsewhere.
        """
        return self._each(lambda loss, out, own, t: loss(logits[:, out], target[:, own], weight[:, t]))

    def divergence(self, first: torch.Tensor, second: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """R-Drop's divergence (``podium.engine.divergences.r_drop``) for each task (T,)."""
        return self._each(
            lambda loss, out, own, t: r_drop(first[:, out], second[:, out], weight[:, t], link=loss.link)
        )

    def distilled(
        self, logits: torch.Tensor, teacher: torch.Tensor, weight: torch.Tensor, temperature: float
    ) -> torch.Tensor:
        """Distillation (``podium.engine.divergences.distillation``) for each task (T,)."""
        return self._each(
            lambda loss, out, own, t: distillation(
                logits[:, out], teacher[:, own], weight[:, t], temperature, link=loss.link
            )
        )

    def predict(self, logits: torch.Tensor) -> torch.Tensor:
        """Return probabilities (B, K): those of every task side by side, each task's summing to 1."""
        return torch.cat(
            [self._loss(task).predict(logits[:, own]) for task, own in enumerate(self.owns)], dim=-1
        )

    def _each(self, value: Callable[[Loss, slice, slice, int], torch.Tensor]) -> torch.Tensor:
        found = [value(self._loss(task), out, own, task) for task, (out, own) in enumerate(self._views)]
        return torch.stack(found)

    def _loss(self, task: int) -> Loss:
        loss = self.parts[0 if self.flat else task]
        assert isinstance(loss, Loss)
        return loss


def slices(sizes: Sequence[int]) -> list[slice]:
    """Return where each of T contiguous parts of ``sizes`` (T) lies."""
    ends = np.cumsum(sizes).tolist()
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]


def owned(sizes: Sequence[int]) -> np.ndarray:
    """Return which classes (T, K) belong to each task, 1.0 or 0.0."""
    return np.repeat(np.eye(len(sizes), dtype=np.float32), sizes, axis=1)
