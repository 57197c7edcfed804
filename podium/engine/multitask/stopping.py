"""Each task's own best epoch, chosen on rows held out inside the training part (lineage rule 7).

Shapes: N rows, T tasks.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from podium.engine.multitask.sampling import NEVER
from podium.engine.stopping import inner_split, no_score
from podium.errors import UserError


def inner_rows(
    task: np.ndarray,
    cluster: np.ndarray,
    real: np.ndarray,
    target: np.ndarray,
    *,
    names: Sequence[str],
    share: float,
    seeds: Sequence[int],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the rows to train on, and of those held out to choose the epochs by.

    Each task has an ``inner_split`` of its own ``real`` rows, with a seed of its own. No cluster of near-duplicates is
    on both sides, whatever tasks its rows are of: a row that resembles a held-out row of another task is not trained
    on.

    Parameters
    ----------
    task, cluster
        (N,) int; clusters are numbered across the tasks (``podium.joint_folds``).
    real
        (N,) bool: the competition's own rows.
    target
        (N,) int, class indices (of any numbering in which tasks share none).

    Raises
    ------
    UserError
        Nothing of a task can be held out.
    """
    held = np.zeros(len(task), dtype=bool)
    for number, name in enumerate(names):
        mine = np.flatnonzero(real & (task == number))
        if not len(mine):
            raise UserError(f"stopping: task {name} has no row of its own to hold out; turn it off")
        labels = np.unique(target[mine], return_inverse=True)[1]
        try:
            held[mine[inner_split(cluster[mine], labels, share=share, seed=seeds[number])]] = True
        except UserError as error:
            raise UserError(f"task {name}: {error}") from error
    trained = ~np.isin(cluster, cluster[held])
    for number, name in enumerate(names):
        if not (trained & (task == number)).any():
            raise UserError(f"stopping: no row of task {name} is left to train on; turn it off")
    return np.flatnonzero(trained), np.flatnonzero(held)


class TaskKeeper:
    """The weights of each task's best epoch, one copy for each epoch that is some task's best, and which tasks stopped.

    Higher scores are better; of equal ones the first is kept; a score that is not a number is never better. With
    ``patience``, a task stops after as many epochs without a gain: ``stopped`` (T,) is the first epoch in which it is
    no longer drawn, and its score is not looked at again.
    """

    def __init__(self, tasks: int, *, patience: int | None) -> None:
        self.patience = patience
        self.score = np.full(tasks, -np.inf)
        self.epoch, self.stale = np.full(tasks, -1), np.zeros(tasks, dtype=np.int64)
        self.stopped = np.full(tasks, NEVER)
        self.sets: dict[int, dict[str, torch.Tensor]] = {}

    def update(self, scores: np.ndarray, epoch: int, network: nn.Module) -> None:
        """Tell the ``scores`` (T,) of the ``network`` after ``epoch`` (0 is the first)."""
        going = self.stopped > epoch
        better = going & (scores > self.score)
        self.stale += going
        self.stale[better] = 0
        self.score[better], self.epoch[better] = scores[better], epoch
        if better.any():
            self.sets[epoch] = {
                name: tensor.detach().to("cpu", copy=True).contiguous()
                for name, tensor in network.state_dict().items()
            }
        self.sets = {kept: weights for kept, weights in self.sets.items() if kept in self.epoch}
        if self.patience is not None:
            self.stopped[going & (self.stale >= self.patience)] = epoch + 1

    @property
    def stop(self) -> bool:
        """Whether every task has stopped."""
        return bool((self.stopped < NEVER).all())

    def restore(self, network: nn.Module) -> None:
        """Put the weights of the first task's best epoch into ``network``; ``TrainingError`` where a task has none."""
        if (self.epoch < 0).any():
            raise no_score(f"task {int(np.argmax(self.epoch < 0)) + 1}")
        network.load_state_dict(self.sets[int(self.epoch[0])])

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return all of its state as tensors on the CPU, for a checkpoint."""
        kept = {"score": self.score, "epoch": self.epoch, "stale": self.stale, "stopped": self.stopped}
        state = {name: torch.from_numpy(array.copy()) for name, array in kept.items()}
        for epoch, weights in self.sets.items():
            state |= {f"set:{epoch}:{name}": tensor for name, tensor in weights.items()}
        return state

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take up what ``state_dict`` returned."""
        self.score, self.epoch, self.stale, self.stopped = (
            state[name].numpy().copy() for name in ("score", "epoch", "stale", "stopped")
        )
        self.sets = {}
        for name, tensor in state.items():
            if name.startswith("set:"):
                _, epoch, weight = name.split(":", 2)
                self.sets.setdefault(int(epoch), {})[weight] = tensor.detach().to("cpu", copy=True)
