"""The losses' names, keys and ranges. Free of torch, so that a config is checked in no time.

=============== ======================================= ================= ==================================
name            types                                   keys it needs     keys it may have
=============== ======================================= ================= ==================================
cross_entropy   single_label                                              class_weight, smoothing,
                                                                          logit_adjustment
focal           single_label, multi_label               gamma             class_weight (single_label)
soft_f1         single_label, multi_label
symmetric       single_label                            alpha, beta
generalized     single_label                            q                 class_weight
binary          single_label (one class against the                       class_weight (single_label)
                others), multi_label
corn            single_label (classes in their order)                     class_weight
mse             regression
huber           regression                              delta
=============== ======================================= ================= ==================================

``class_weight: effective`` needs ``effective_beta``. A key that is None is not set.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from podium.errors import hint

Type = Literal["single_label", "multi_label", "regression"]

LOSSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "single_label": (
            *("cross_entropy", "focal", "soft_f1", "symmetric", "generalized", "binary", "corn"),
        ),
        "multi_label": ("binary", "focal", "soft_f1"),
        "regression": ("mse", "huber"),
    }
)
"""Names of the losses that each type of task can have."""

NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"focal": ("gamma",), "symmetric": ("alpha", "beta"), "generalized": ("q",), "huber": ("delta",)}
)
"""Keys without which a loss is not defined (``effective_beta`` comes with ``class_weight: effective``)."""

CLASS_WEIGHTS = ("balanced", "effective")

_WEIGHTED = ("cross_entropy", "focal", "generalized", "binary", "corn")
_OWNERS: Mapping[str, tuple[str, ...]] = {
    "class_weight": _WEIGHTED,
    "effective_beta": _WEIGHTED,
    "smoothing": ("cross_entropy",),
    "logit_adjustment": ("cross_entropy",),
    **{key: (name,) for name, keys in NEEDED.items() for key in keys},
}
_RANGES: Mapping[str, tuple[Callable[[float], bool], str]] = {
    "effective_beta": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
    "smoothing": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
    "logit_adjustment": (lambda value: value >= 0, "at least 0"),
    "gamma": (lambda value: value >= 0, "at least 0"),
    "alpha": (lambda value: value >= 0, "at least 0"),
    "beta": (lambda value: value >= 0, "at least 0"),
    "q": (lambda value: 0 < value <= 1, "above 0 and at most 1"),
    "delta": (lambda value: value > 0, "above 0"),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LossOptions:
    """One loss and its keys; None where a key is not set. ``check`` says what belongs together.

    Parameters
    ----------
    name
        One of ``LOSSES`` for the task's type.
    class_weight
        ``balanced`` (inverse frequency) or ``effective`` (Cui et al. 2019, arXiv 1901.05555); for single_label.
    effective_beta
        β of ``effective``, in [0, 1).
    smoothing
        ε of label smoothing (Szegedy et al. 2016, arXiv 1512.00567, section 7), in [0, 1); cross_entropy.
    logit_adjustment
        τ of logit adjustment (Menon et al. 2020, arXiv 2007.07314, section 5.1), at least 0; cross_entropy.
    gamma
        γ of focal, at least 0.
    alpha, beta
        Weights of the cross-entropy and of the reverse cross-entropy in symmetric, at least 0.
    q
        q of generalized, in (0, 1]: towards 0 it is cross-entropy, at 1 half the mean absolute error.
    delta
        Error of huber up to which the loss is quadratic, above 0, in units of the targets it is given.
    """

    name: str
    class_weight: str | None
    effective_beta: float | None
    smoothing: float | None
    logit_adjustment: float | None
    gamma: float | None
    alpha: float | None
    beta: float | None
    q: float | None
    delta: float | None


def check(options: LossOptions, type: Type, classes: int) -> list[str]:
    """Return the mistakes in ``options`` for a task of ``type``, each as ``key: what is wrong and how to mend it``.

    ``classes`` is the number of classes or labels, or of values in regression.
    """
    if options.name not in LOSSES[type]:
        return [_wrong_name(options.name, type)]
    least = 2 if type == "single_label" else 1
    few = [f"name: {options.name} needs at least {least} classes, found {classes}"] if classes < least else []
    return few + _lacking(options) + _foreign(options, type) + _out_of_range(options)


def _wrong_name(name: str, type: Type) -> str:
    if any(name in names for names in LOSSES.values()):
        return f"name: {name} is not for {type} tasks; valid: {', '.join(LOSSES[type])}"
    return f"name: there is no loss '{name}'; {hint(name, LOSSES[type])}"


def _lacking(options: LossOptions) -> list[str]:
    needed = [*NEEDED.get(options.name, ())]
    if options.class_weight == "effective":
        needed.append("effective_beta")
    return [f"{key}: {options.name} needs it" for key in needed if getattr(options, key) is None]


def _foreign(options: LossOptions, type: Type) -> list[str]:
    """Mistakes for the keys that are set and mean nothing here."""
    mistakes = []
    for key, owners in _OWNERS.items():
        if getattr(options, key) is None:
            continue
        if options.name not in owners:
            mistakes.append(f"{key}: belongs to {', '.join(owners)}, not to {options.name}; leave it out")
        elif owners is _WEIGHTED and type != "single_label":
            mistakes.append(f"{key}: is for single_label tasks, not for {type}; leave it out")
        elif key == "effective_beta" and options.class_weight != "effective":
            mistakes.append("effective_beta: belongs to class_weight: effective; leave it out")
    return mistakes


def _out_of_range(options: LossOptions) -> list[str]:
    mistakes = []
    if options.class_weight not in (None, *CLASS_WEIGHTS):
        mistakes.append(
            f"class_weight: found '{options.class_weight}'; {hint(options.class_weight, CLASS_WEIGHTS)}"
        )
    for key, (inside, words) in _RANGES.items():
        value = getattr(options, key)
        if value is not None and not (math.isfinite(value) and inside(value)):
            mistakes.append(f"{key}: must be {words}, found {value}")
    if options.alpha == 0 and options.beta == 0:
        mistakes.append("alpha: alpha and beta are both 0, so that nothing is learnt; set one above 0")
    return mistakes
