"""What the processes do that the tests of teams start: they import it, and know nothing of a test's patches."""

import dataclasses
import json
import os
import signal
from typing import Any

import numpy as np
import torch

from podium.engine import shortage
from podium.engine.objective import Objective
from podium.engine.team.together import Follower
from podium.errors import UserError
from podium.models.transformer import Model


def follow(team: Follower, *, steps: list[tuple[str, Any]]) -> None:
    """Do what ``steps`` say, one after the other."""
    for name, given in steps:
        match name:
            case "meet":
                team.meet(given, torch.device("cpu"))
            case "killed while all join":
                team._say(given.encode())
                team._hear()
                os.kill(os.getpid(), signal.SIGKILL)
            case "agreed":
                team.agreed(np.array(given))
            case "add_up":
                add_up(team, given, room=None)
            case "told":
                wanted = np.asarray(given)
                np.testing.assert_array_equal(team.told(None), wanted)
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "raises":
                raise UserError(given)
            case "end":
                team.end()


def add_up(team: Any, sizes: list[int], *, room: int | None) -> list[torch.Tensor]:
    """Add up tensors of these ``sizes``, other ones in each process, in a buffer of 10 elements."""
    team._buffer = torch.empty(10 if room is None else room)
    tensors = [values_of(team.rank, size) for size in sizes]
    team.add_up(tensors)
    return tensors


def values_of(rank: int, size: int) -> torch.Tensor:
    """The tensor of a process: no two have the same."""
    generator = torch.Generator().manual_seed(1000 * rank + size)
    return torch.randn(size, generator=generator).reshape(1, size, 1)


TROUBLE = "PODIUM_TEST_TROUBLE"


@dataclasses.dataclass
class Trouble:
    """What happens to process ``rank`` from ``step`` on: ``killed``, or ``memory`` for more than ``room`` tokens."""

    kind: str
    rank: int
    step: int
    room: int = 0


class Troubled(Model):
    """A model whose training meets with trouble in one process: what the variable ``TROUBLE`` says."""

    def _finetune_on(self, kind: type[Objective], *given: Any) -> None:
        trouble, rank = Trouble(**json.loads(os.environ[TROUBLE])), self.team.rank

        class Struck(kind):  # type: ignore[misc, valid-type]
            step = 0

            def begin(self, batch: np.ndarray, step: int, epoch: int) -> None:
                self.step = step
                super().begin(batch, step, epoch)

            def accumulate(self, part: np.ndarray, *more: Any) -> torch.Tensor:
                loss = super().accumulate(part, *more)
                if rank != trouble.rank or self.step < trouble.step:
                    return loss
                if trouble.kind == "killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                if shortage.cost(part, self.rows.encoded.widths, None) > trouble.room:
                    raise torch.OutOfMemoryError("CUDA out of memory.")
                return loss

        super()._finetune_on(Struck, *given)
