"""A step that is no number: it is not taken, and the run says whose fault it was."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from podium.errors import TrainingError

SHOWN = 5  # rows that are named


class Watch:
    """Keeps an optimizer from a step whose loss or gradient is not finite.

    On a CPU each step is looked at before it is taken. On a GPU that would make the host wait for the device in every
    step. There the answer stays on the device as a flag, and ``found_inf`` (torch's own means for mixed precision) lets
    the fused optimizer leave out this step and all later ones: whoever looks at the figures later, at the end of an
    epoch or before a checkpoint, finds the weights as they were before the first of them.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, device: torch.device) -> None:
        self._optimizer, self.lazy = optimizer, device.type != "cpu"
        self._flag: torch.Tensor | None = None

    def stops(self, loss: torch.Tensor, norm: torch.Tensor) -> bool:
        """Look at a step before it is taken; whether it must not be. Not asked of a GPU, where it is always False."""
        if not self.lazy:
            return not finite(float(loss), float(norm))
        wrong = (~(torch.isfinite(loss) & torch.isfinite(norm))).float().reshape(())
        self._flag = wrong if self._flag is None else torch.maximum(self._flag, wrong)
        self._optimizer.found_inf = self._flag  # type: ignore[attr-defined]
        return False


def finite(loss: float, norm: float) -> bool:
    """Whether both figures of a step are numbers."""
    return math.isfinite(loss) and math.isfinite(norm)


def stopped(what: str, row: Mapping[str, Any], rows: str) -> TrainingError:
    """Return the error of a step with ``row`` of the curve: ``step``, ``epoch`` (0 is the first), ``rate`` and so on.

    ``rows`` says which rows did it; empty where nobody knows.
    """
    loss, norm = float(row["loss"]), float(row["norm"])
    wrong = (
        f"the loss is {loss}"
        if not math.isfinite(loss)
        else f"the gradient's norm is {norm} (loss {loss:.4g})"
    )
    return TrainingError(
        f"{what}: {wrong} at step {int(row['step']) + 1} (epoch {int(row['epoch']) + 1}, learning rate "
        f"{row['rate']:.3g}), and the step is not taken; {rows + '; ' if rows else ''}lower learning_rate, set "
        "precision: fp32, or lower max_grad_norm"
    )


def named(rows: list[str], *, own: bool) -> str:
    """The first of some rows; ``own`` says that the losses of these rows themselves are not finite."""
    shown = ", ".join(rows[:SHOWN]) + (f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else "")
    return f"rows whose own loss is not finite: {shown}" if own else f"rows of the batch: {shown}"
