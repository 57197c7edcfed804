"""What the training loop asks of the processes that share its job, and the job of a single process."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


class Team:
    """The ``size`` processes of one training job, a device each; this one is ``rank`` (0 is the job itself).

    All of them run the same loop over the same batches, each over its own part of every batch. What they say to each
    other is below; every process makes the same calls in the same order. Here is the team of one.
    """

    rank, size = 0, 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that scores, writes and tells."""
        return self.rank == 0

    def meet(self, facts: str, device: torch.device) -> None:
        """Tell that training begins on ``device``; all processes must begin with the same ``facts``."""

    def agreed(self, flags: np.ndarray) -> np.ndarray:
        """Return for each of the ``flags`` (F,) bool whether any process has raised it."""
        return flags

    def told(self, value: Any) -> Any:
        """Return the ``value`` (a number, or an array of them) of the first process; nobody reads that of others."""
        return value

    def reserve(self, tensors: Sequence[torch.Tensor]) -> None:
        """Take the memory that ``add_up`` needs for ``tensors``."""

    def add_up(self, tensors: list[torch.Tensor]) -> None:
        """Add up float tensors over all processes, in place."""

    def end(self) -> None:
        """Tell that training is at its end. Only the first process comes back from here."""


ALONE = Team()
