"""The best epoch without a look at the validation fold (lineage rule 7): an inner split, and the best weights on it."""

import dataclasses
import logging
import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from torch import nn

from podium.errors import TrainingError, UserError
from podium.folds import make_folds, units
from podium.targets import to_text, type_of

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoppingOptions:
    """``share`` of the training part held out; ``patience`` in evaluations, None to never stop before the end.

    ``score`` is what is compared (``podium.engine.targets.SCORES``).
    """

    share: float
    patience: int | None
    score: str


def inner_split(groups: np.ndarray, target: np.ndarray, *, share: float, seed: int) -> np.ndarray:
    """Return which rows (N,) bool of a training part are held out of it to choose the best checkpoint.

    ``groups`` (N,) int, not negative: rows with the same number are never parted (near-duplicates, the user's groups; a
    row that was made has the number of its source, so that it is not trained on where its source is held out).
    ``target`` is an array of ``podium.targets``, of any type of task. ``share`` is in (0, 0.5].

    The rows are dealt to 1 / ``share`` folds (rounded) by ``podium.folds.make_folds``, and the fold is held out that is
    nearest to its share of every class and of all rows. A class that has no rows outside of a fold stays in the
    training part, with all rows of its groups. Raises ``UserError`` when there are not two independent groups, or
    when nothing can be held out.
    """
    if not 0 < share <= 0.5:
        raise ValueError(f"share must be in (0, 0.5], not {share}")
    unit, row, label = units(None, np.asarray(groups)), *_classes(target)
    count = int(unit.max(initial=-1)) + 1
    if count < 2:
        raise UserError(
            f"stopping: no inner split can be made of {count} independent groups of rows; turn it off"
        )
    n = min(round(1 / share), count)
    names = [str(k) for k in range(target.shape[1] if target.ndim == 2 else int(target.max()) + 1)]
    folds = make_folds(to_text(target, names), None, unit, n=n, seed=seed, type=type_of(target))
    total = np.bincount(label, minlength=len(names))
    best, least = np.zeros(len(folds), dtype=bool), np.inf
    for fold in range(n):
        held = folds == fold
        whole = (np.bincount(label[held[row]], minlength=len(names)) == total)[label]
        held &= ~np.isin(unit, unit[row[whole]])
        shares = np.bincount(label[held[row]], minlength=len(names))[total > 0] / total[total > 0]
        distance = float(((np.r_[shares, held.mean()] - 1 / n) ** 2).sum())
        if held.any() and distance < least:
            best, least = held, distance
    if not best.any():
        raise UserError(
            "stopping: every group of rows is the only one of its class, so none can be held out; turn it off"
        )
    return best


def _classes(target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of a row and one of its classes, as two int arrays; values of a regression have none."""
    kind = type_of(target)
    if kind == "single_label":
        return np.arange(len(target)), target
    row, label = np.nonzero(target if kind == "multi_label" else np.zeros_like(target))
    return row, label


def no_score(of: str) -> TrainingError:
    """Return the error of a run in which no evaluation had a score that is a number."""
    return TrainingError(
        f"stopping: no epoch's score on the rows held out of {of} is a number, so there is no best one; lower "
        "learning_rate, set precision: fp32, or turn stopping off"
    )


class Keeper(Protocol):
    """What the training loop asks of the part that keeps the best weights; ``Stateful``, too."""

    @property
    def stop(self) -> bool:
        """Whether training may end."""

    def restore(self, network: nn.Module) -> None:
        """Put the best weights into ``network``."""

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the state."""

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from ``state``."""


class BestKeeper:
    """The weights of the best evaluation so far, in the computer's memory, and when to give up.

    Higher scores are better; of equal ones the first is kept. A score that is not a number is never better.
    """

    def __init__(self, *, patience: int | None) -> None:
        self.patience = patience
        self.score, self.step, self.stale = -math.inf, -1, 0
        self._weights: dict[str, torch.Tensor] = {}

    def update(self, score: float, *, step: int, network: nn.Module) -> bool:
        """Tell the ``score`` of the ``network`` after ``step``; return whether it is the best so far."""
        if not score > self.score:
            self.stale += 1
            return False
        self.score, self.step, self.stale = float(score), step, 0
        for name, tensor in network.state_dict().items():
            if name in self._weights:
                self._weights[name].copy_(tensor)
            else:
                self._weights[name] = tensor.detach().to("cpu", copy=True).contiguous()
        return True

    @property
    def stop(self) -> bool:
        """Whether the last ``patience`` evaluations were no better than the one before them."""
        return self.patience is not None and self.stale >= self.patience

    def restore(self, network: nn.Module) -> None:
        """Put the best weights back into ``network``, wherever it is; ``TrainingError`` when none was kept."""
        if not self._weights:
            raise no_score("the training part")
        network.load_state_dict(self._weights)
        log.info("the weights after step %d are kept", self.step)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return all of its state as tensors on the CPU, for a checkpoint; the weights are not copied again."""
        state = {f"weight:{name}": tensor for name, tensor in self._weights.items()}
        state["score"] = torch.tensor(self.score, dtype=torch.float64)
        state["step"], state["stale"] = torch.tensor(self.step), torch.tensor(self.stale)
        return state

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take up what ``state_dict`` returned."""
        self.score, self.step, self.stale = (
            float(state["score"]),
            int(state["step"]),
            int(state["stale"]),
        )
        self._weights = {
            name.removeprefix("weight:"): tensor.detach().to("cpu", copy=True)
            for name, tensor in state.items()
            if name.startswith("weight:")
        }
