"""Who learns, how fast and when: the length of a run, schedules, parameter groups, frozen layers.

All of it is a function of plain numbers (the step, the epoch): a resumed run has nothing to restore. Parts of an
encoder are told apart by their depth: 0 for the embeddings, 1 to L for its layers from the lowest up, None for what
stands above the layers (a last norm, a pooler).
"""

import dataclasses
import math
from collections.abc import Collection
from fractions import Fraction
from typing import Any

from torch import nn

from podium.errors import UserError, hint

SCHEDULES = ("linear", "cosine", "constant")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OptimizationOptions:
    """Rates are peaks, before schedule; ``unfreeze`` is epochs a layer, None to train all layers from the start."""

    schedule: str
    warmup: float
    learning_rate: float
    head_learning_rate: float
    layer_decay: float
    weight_decay: float
    freeze_layers: int
    unfreeze: float | None


def total_steps(per_epoch: int, *, epochs: float, steps: int | None) -> int:
    """Return the optimizer steps of a run: ``steps`` where given, else ``epochs`` of ``per_epoch`` steps, rounded up.

    Epochs are decimal numbers (0.1 is a tenth, not its nearest binary fraction), so 1.1 epochs of 10 steps are 11.
    """
    return steps if steps is not None else max(1, math.ceil(_exact(epochs) * per_epoch))


def warmup_steps(steps: int, warmup: float) -> int:
    """Return how many of ``steps`` have a rising rate: the share ``warmup``, rounded."""
    return round(_exact(warmup) * steps)


def rate_factor(step: int, steps: int, *, schedule: str, warmup: float) -> float:
    """Return the factor in [0, 1] on all rates at ``step`` (0 is the first) of ``steps``.

    ``linear`` falls to 0 at ``steps``, ``cosine`` along a half-cosine (Loshchilov and Hutter 2017, arXiv 1608.03983,
    without restarts), ``constant`` stays; each after a linear
    warm-up. These are the schedules of ``transformers.get_scheduler``, number for number, but for one thing: warm-up is
    one step ahead, (step + 1) / w instead of step / w. There the first rate is 0, so that the first batch moves Adam's
    averages and no weight, and a warm-up of one step is nothing but this wasted batch; here every batch counts and the
    last warm-up step has the full rate.
    """
    if schedule not in SCHEDULES:
        raise UserError(f"schedule: there is no '{schedule}'; {hint(schedule, SCHEDULES)}")
    rising = warmup_steps(steps, warmup)
    if step < rising:
        return (step + 1) / rising
    if schedule == "constant":
        return 1.0
    if schedule == "linear":
        return max(0.0, (steps - step) / max(1, steps - rising))
    return max(0.0, 0.5 * (1.0 + math.cos(math.pi * ((step - rising) / max(1, steps - rising)))))


def layer_count(encoder: nn.Module) -> int:
    """Return L, the layers that can be told apart; 0 where they share their weights (ALBERT) or are not known."""
    return max((depth for depth in depths(encoder).values() if depth is not None), default=0)


def depths(encoder: nn.Module) -> dict[str, int | None]:
    """Return the depth of each of an encoder's parameters, by name.

    Layers are found by structure, not by name: the items of each outermost list of ``config.num_hidden_layers``
    modules. So wrappers that put a prefix before every name (peft, ``torch.compile``) change nothing. What all
    layers read beside their input (the relative positions of DeBERTa, their norm) counts as embeddings, and DeBERTa's
    convolution, which works on the output of the first layer, as part of that.
    """
    lists = _layer_lists(encoder)
    names = [name for name, _ in encoder.named_parameters()]
    relative = any("rel_embeddings" in name for name in names)
    return {name: _depth(f".{name}", lists, relative=relative) for name in names}


def _layer_lists(encoder: nn.Module) -> list[str]:
    """Return the dotted names of the outermost module lists with one item a layer."""
    count = getattr(getattr(encoder, "config", None), "num_hidden_layers", None)
    found: list[str] = []
    for name, module in encoder.named_modules(prefix=""):
        inside = any(f".{name}.".startswith(outer) for outer in found)
        if isinstance(module, nn.ModuleList) and len(module) == count and not inside:
            found.append(f".{name}.")
    return found


def _depth(name: str, lists: list[str], *, relative: bool) -> int | None:
    for before in lists:
        if name.startswith(before):
            return int(name[len(before) :].split(".", 1)[0]) + 1
    if relative and ".encoder.conv." in name:
        return 1
    shared = ".relative_attention_bias." in name or (relative and ".encoder.LayerNorm." in name)
    return 0 if shared or any("embed" in part or part.endswith("_emb") for part in name.split(".")) else None


def parameter_groups(
    network: nn.Module, options: OptimizationOptions, *, fresh: Collection[str]
) -> list[dict[str, Any]]:
    """Return AdamW's groups: each trainable parameter of ``network`` in exactly one, frozen ones in none.

    AdamW is Loshchilov and Hutter 2019 (arXiv 1711.05101).

    - ``network.encoder``: layer L at ``learning_rate`` and each one below at ``layer_decay`` times the rate above it,
      eta^(l-1) = xi * eta^l (Sun et al. 2019, arXiv 1905.05583, section 5.3.4); the embeddings, of which the paper
      does not speak, count as layer 0, and what stands above the layers has the rate of layer L.
    - All else (pooling, head) at ``head_learning_rate``, and so the modules of the encoder that are ``fresh``, named by
      one part of their dotted name: their weights are as new as the head's, such as a ``pooler`` that no file had.
    - Parameters of one dimension (biases, norms) are not decayed.

    Parameters that are unfrozen later (``Unfreezing``) must be trainable at this moment.
    """
    depth_of = {f"encoder.{name}": depth for name, depth in depths(network.get_submodule("encoder")).items()}
    top = layer_count(network.get_submodule("encoder"))
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if name not in depth_of or not set(name.split(".")).isdisjoint(fresh):
            rate = options.head_learning_rate
        else:
            depth = depth_of[name]
            rate = options.learning_rate * options.layer_decay ** (0 if depth is None else top - depth)
        decay = options.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]


def freeze_layers(network: nn.Module, layers: int) -> None:
    """Freeze the embeddings and the ``layers`` lowest layers of ``network.encoder`` for good; 0 freezes nothing.

    Raises ``UserError`` when the encoder has fewer layers.
    """
    if not layers:
        return
    encoder = network.get_submodule("encoder")
    depth_of, count = depths(encoder), layer_count(encoder)
    if layers > count:
        raise UserError(
            f"freeze_layers: {layers} is more than the {count} layers of this encoder; choose 0 to {count}"
        )
    for name, parameter in encoder.named_parameters():
        depth = depth_of[name]
        if depth is not None and depth <= layers:
            parameter.requires_grad_(False)


def trainable_depth(epoch: float | Fraction, *, layers: int, every: float) -> int:
    """Return the lowest depth that trains after ``epoch`` epochs, whole or not: all from there up do.

    The top layer first, one more every ``every`` epochs, the embeddings after the lowest layer. Gradual
    unfreezing as in Howard and Ruder 2018 (arXiv 1801.06146, section 3.3: the last layer, then the next lower one
    after each epoch). The head always trains; in the authors' code it trains alone in the first epoch, as theirs counts
    as the last layer.
    """
    return max(0, layers - math.floor(_exact(epoch) / _exact(every)))


class Unfreezing:
    """Gradual unfreezing of one network; it remembers only what was trainable when it was made.

    What was frozen by then (``freeze_layers``, the weights under LoRA) stays frozen. AdamW skips parameters without
    a gradient, neither decaying them nor counting the step, so their averages begin when they are unfrozen.
    """

    def __init__(self, network: nn.Module, *, every: float) -> None:
        encoder = network.get_submodule("encoder")
        self.every, self.layers = every, layer_count(encoder)
        if not self.layers:
            raise UserError("unfreeze: the layers of this encoder cannot be told apart; set unfreeze to null")
        depth_of = depths(encoder)
        self._kept = [
            (parameter, depth)
            for name, parameter in encoder.named_parameters()
            if (depth := depth_of[name]) is not None and parameter.requires_grad
        ]

    def apply(self, epoch: float | Fraction) -> None:
        """Set what trains after ``epoch`` epochs; a function of that alone, to call before each step."""
        lowest = trainable_depth(epoch, layers=self.layers, every=self.every)
        for parameter, depth in self._kept:
            parameter.requires_grad_(depth >= lowest)

    def frozen(self, epoch: float | Fraction) -> list[int]:
        """Return the depths, ascending, that ``apply`` freezes after ``epoch`` epochs."""
        lowest = trainable_depth(epoch, layers=self.layers, every=self.every)
        return sorted({depth for _, depth in self._kept if depth < lowest})


def _exact(number: float | Fraction) -> Fraction:
    """Return the decimal number that a person wrote, or the fraction itself."""
    return Fraction(str(number))
