"""How the losses of several tasks are made one.

A task's loss is the mean over its rows in the batch, L_t; the combined loss is the mean over all T tasks of w_t L_t,
where the papers have the sum: so it has the scale of one task's loss whatever T is, and rates and the clipping of
gradients mean what they mean for one task. A task without rows in the batch adds nothing, and nothing about it changes.

Every state is a tensor on the device: no step waits for a number. Shapes: T tasks.
"""

import dataclasses
from collections.abc import Sequence

import torch
from torch import nn

from podium.errors import UserError, hint

METHODS = ("rows", "fixed", "uncertainty", "dwa", "dtp", "gradnorm")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalanceOptions:
    """``method`` and the keys of the methods; each class says which are its own.

    ``weights`` are the tasks' weights (T) of ``rows`` and ``fixed``, by name; a task that is not named has 1.
    """

    method: str
    weights: dict[str, float]
    temperature: float
    interval: int | None
    gamma: float
    discount: float
    alpha: float
    rate: float


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What a step saw of each task (T,): ``present`` 1 or 0, its ``rows``, its mean ``loss`` (0 where absent).

    ``accuracy`` is that of the training pass; ``norm`` that of the gradient of the task's mean loss in the last shared
    layer. Each is there where the method asks for it, else None.
    """

    present: torch.Tensor
    rows: torch.Tensor
    loss: torch.Tensor
    accuracy: torch.Tensor | None = None
    norm: torch.Tensor | None = None


class Balance:
    """Fixed weights, and what all methods share.

    ``fixed``: w_t as given. ``by_rows`` (``rows``) says that the loss is not made of the tasks' means: each row of the
    batch counts the same, times its task's weight, so that what is sampled decides. ``needs_accuracy`` and
    ``needs_norms`` say what ``observe`` reads. ``parameter`` (T,), where there is one, is trained with the network.
    """

    by_rows = False
    needs_accuracy = False
    needs_norms = False
    parameter: nn.Parameter | None = None

    def __init__(self, weights: torch.Tensor) -> None:
        self._weights = weights
        self.tasks = len(weights)

    def begin(self, step: int, epoch: int) -> None:
        """Tell that ``step`` of ``epoch`` begins."""

    def weights(self) -> torch.Tensor:
        """Return w (T,) of this step, without gradient."""
        return self._weights

    def combined(self, losses: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
        """Return the combined loss of ``losses`` (T,), means over the tasks' rows in the batch.

        A part of a batch has its part of each mean; ``shares`` (T,) is the share that its rows are of the task's, so
        that the parts' combined losses add up to the batch's.
        """
        return (self.weights() * losses).sum() / self.tasks

    def observe(self, seen: Seen) -> None:
        """Tell what the step saw; later steps may weigh by it."""

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return all state between steps but the parameter, which is the network's; not copies."""
        return {}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from ``state``, which is copied."""
        for name, tensor in self.state_dict().items():
            tensor.copy_(state[name])


class ByRows(Balance):
    """See ``Balance.by_rows``."""

    by_rows = True


class Uncertainty(Balance):
    """Homoscedastic uncertainty: the mean over tasks of L_t / σ_t² + log σ_t, the σ learned.

    Kendall, Gal and Cipolla 2018 (arXiv 1705.07115, equation 10 for classification). What is trained is
    s_t = log σ_t², as the authors advise, from 0 (σ = 1) on, at the head's learning rate, without decay.
    """

    def __init__(self, tasks: int, device: torch.device) -> None:
        super().__init__(torch.ones(tasks, device=device))
        self.parameter = self.log_variance = nn.Parameter(torch.zeros(tasks, device=device))

    def weights(self) -> torch.Tensor:
        """See ``Balance.weights``."""
        return torch.exp(-self.log_variance.detach())

    def combined(self, losses: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
        """See ``Balance.combined``."""
        terms = torch.exp(-self.log_variance) * losses + shares * self.log_variance / 2
        return terms.sum() / self.tasks


class WeightAverage(Balance):
    """Dynamic weight average: more weight where the loss falls slowly.

    Liu, Johns and Davison 2019 (arXiv 1803.10704, equation 7): w_t = T exp(r_t / ``temperature``) / sum over tasks, r_t
    the loss of the epoch before over that of the epoch before it, each a mean over the epoch; 1 in the first two
    epochs. ``interval`` counts in steps instead of epochs, for fine-tuning of few epochs. A task without rows in one of
    the two has r = 1. The mean is over the task's rows.
    """

    def __init__(self, tasks: int, device: torch.device, *, temperature: float, interval: int | None) -> None:
        super().__init__(torch.ones(tasks, device=device))
        self.temperature, self.interval = temperature, interval
        self._now, self._rows, self._last, self._before = torch.zeros(4, tasks, device=device).unbind()
        self._period = torch.zeros((), dtype=torch.int64)  # on the CPU, where it is compared

    def begin(self, step: int, epoch: int) -> None:
        """See ``Balance.begin``."""
        period = epoch if self.interval is None else step // self.interval
        if period == int(self._period):
            return
        self._period.fill_(period)
        self._before.copy_(self._last)
        self._last.copy_(self._now / self._rows.clamp(min=1))
        self._now.zero_()
        self._rows.zero_()
        known = (self._before > 0) & (self._last > 0)
        ratio = torch.where(known, self._last / torch.where(known, self._before, 1.0), 1.0)
        self._weights = self.tasks * torch.softmax(ratio / self.temperature, dim=0)

    def observe(self, seen: Seen) -> None:
        """See ``Balance.observe``."""
        self._now += seen.loss * seen.rows
        self._rows += seen.rows

    def state_dict(self) -> dict[str, torch.Tensor]:
        """See ``Balance.state_dict``."""
        return {
            "now": self._now,
            "rows": self._rows,
            "last": self._last,
            "before": self._before,
            "period": self._period,
            "weights": self._weights,
        }


class Prioritisation(Balance):
    """Dynamic task prioritisation: more weight where the key performance indicator κ, here accuracy, is low.

    Guo et al. 2018 ("Dynamic Task Prioritization for Multitask Learning", ECCV, equations 2 and 4): w_t =
    -(1 - κ_t)^γ log κ_t with κ_t <- ``discount`` times the batch's accuracy + (1 - ``discount``) κ_t. κ begins at
    chance (one over the classes) and is kept within [0.01, 0.99]; the weights are scaled to sum to T, for the paper's
    fall towards 0 as the tasks are learned, and the rates with them. Its focal loss for examples is ``loss: focal``.
    """

    needs_accuracy = True

    def __init__(self, sizes: Sequence[int], device: torch.device, *, gamma: float, discount: float) -> None:
        super().__init__(torch.ones(len(sizes), device=device))
        self.gamma, self.discount = gamma, discount
        self._kpi = 1 / torch.tensor(sizes, dtype=torch.float32, device=device)

    def weights(self) -> torch.Tensor:
        """See ``Balance.weights``."""
        kpi = self._kpi.clamp(0.01, 0.99)
        weights = -((1 - kpi) ** self.gamma) * kpi.log()
        return self.tasks * weights / weights.sum()

    def observe(self, seen: Seen) -> None:
        """See ``Balance.observe``."""
        assert seen.accuracy is not None
        moved = self.discount * seen.accuracy + (1 - self.discount) * self._kpi
        self._kpi.copy_(torch.where(seen.present > 0, moved, self._kpi))

    def state_dict(self) -> dict[str, torch.Tensor]:
        """See ``Balance.state_dict``."""
        return {"kpi": self._kpi}


class GradNorm(Balance):
    """Gradient normalisation: weights under which all tasks train at a similar rate.

    Chen et al. 2018 (arXiv 1711.02257, algorithm 1). G_t is the norm of the gradient of w_t L_t in the last shared
    layer, r_t the task's loss over its first one, relative to the mean over tasks; the weights follow the gradient of
    sum_t |G_t - mean(G) r_t^``alpha``|, the target held constant, by Adam at ``rate``, and are scaled to sum to T. As
    G_t = w_t g_t, that gradient is sign(G_t - target_t) g_t: it takes the norms g_t of the plain losses, a backward
    pass through the last layer for each task. Means are over the tasks that the batch has rows of. Weights stay at
    least 0.01, of which the paper does not speak.
    """

    needs_norms = True
    BETAS = (0.9, 0.999)
    EPSILON = 1e-8

    def __init__(self, tasks: int, device: torch.device, *, alpha: float, rate: float) -> None:
        super().__init__(torch.ones(tasks, device=device))
        self.alpha, self.rate = alpha, rate
        self._first, self._mean, self._square, self._steps = torch.zeros(4, tasks, device=device).unbind()

    def observe(self, seen: Seen) -> None:
        """See ``Balance.observe``."""
        assert seen.norm is not None
        present, own = seen.present > 0, self._weights
        count = seen.present.sum()
        self._first.copy_(torch.where(present & (self._first == 0), seen.loss, self._first))
        ratio = torch.where(present, seen.loss / torch.where(self._first > 0, self._first, 1.0), 0.0)
        scaled = torch.where(present, own * seen.norm, 0.0)
        target = scaled.sum() / count * (ratio * count / ratio.sum().clamp(min=1e-12)) ** self.alpha
        slope = torch.sign(scaled - target) * seen.norm
        self._adam(torch.where(count > 1, seen.present, 0.0), slope)

    def _adam(self, moves: torch.Tensor, slope: torch.Tensor) -> None:
        """One step of Adam for the tasks that ``moves`` (T,) marks, each with a count of its own."""
        first, second = self.BETAS
        steps = self._steps + moves
        mean = torch.lerp(slope, self._mean, first)
        square = torch.lerp(slope**2, self._square, second)
        known = steps.clamp(min=1)
        step = (mean / (1 - first**known)) / ((square / (1 - second**known)).sqrt() + self.EPSILON)
        moved = (self._weights - self.rate * step).clamp(min=0.01)
        marked = moves > 0
        self._weights.copy_(torch.where(marked, moved, self._weights))
        self._weights *= self.tasks / self._weights.sum()
        for kept, new in ((self._mean, mean), (self._square, square), (self._steps, steps)):
            kept.copy_(torch.where(marked, new, kept))

    def state_dict(self) -> dict[str, torch.Tensor]:
        """See ``Balance.state_dict``."""
        return {
            "weights": self._weights,
            "first": self._first,
            "mean": self._mean,
            "square": self._square,
            "steps": self._steps,
        }


def make_balance(
    options: BalanceOptions, *, tasks: Sequence[str], sizes: Sequence[int], device: torch.device
) -> Balance:
    """Return the balance that ``options`` name, for ``tasks`` (T) with ``sizes`` (T) classes.

    Raises
    ------
    UserError
        The method or a task in ``weights`` is unknown, or a weight is not above 0.
    """
    if options.method not in METHODS:
        raise UserError(f"balance.method: there is no '{options.method}'; {hint(options.method, METHODS)}")
    for name, weight in options.weights.items():
        if name not in tasks:
            raise UserError(f"balance.weights: there is no task '{name}'; {hint(name, tasks)}")
        if not weight > 0:
            raise UserError(f"balance.weights.{name}: must be above 0, found {weight}")
    count = len(tasks)
    match options.method:
        case "rows" | "fixed":
            given = [options.weights.get(name, 1.0) for name in tasks]
            kind = ByRows if options.method == "rows" else Balance
            return kind(torch.tensor(given, dtype=torch.float32, device=device))
        case "uncertainty":
            return Uncertainty(count, device)
        case "dwa":
            return WeightAverage(count, device, temperature=options.temperature, interval=options.interval)
        case "dtp":
            return Prioritisation(sizes, device, gamma=options.gamma, discount=options.discount)
        case _:
            return GradNorm(count, device, alpha=options.alpha, rate=options.rate)
