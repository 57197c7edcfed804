"""One of every loss, and batches for them."""

from typing import Any

import numpy as np
import torch

from podium.engine.losses import Loss, LossOptions, Type, make_loss

COUNTS = np.array([60.0, 25.5, 10.0, 4.5])
KEYS = [field for field in LossOptions.__dataclass_fields__ if field != "name"]


def options(name: str, **keys: Any) -> LossOptions:
    return LossOptions(name=name, **(dict.fromkeys(KEYS) | keys))


BALANCED = {"class_weight": "balanced"}
EFFECTIVE = {"class_weight": "effective", "effective_beta": 0.99}
CASES: dict[str, tuple[Type, LossOptions]] = {
    "cross_entropy": ("single_label", options("cross_entropy")),
    "cross_entropy, all keys": (
        "single_label",
        options("cross_entropy", smoothing=0.1, logit_adjustment=1.0, **EFFECTIVE),
    ),
    "focal": ("single_label", options("focal", gamma=2.0, **BALANCED)),
    "focal, gamma below 1": ("single_label", options("focal", gamma=0.5)),
    "soft_f1": ("single_label", options("soft_f1")),
    "symmetric": ("single_label", options("symmetric", alpha=0.5, beta=2.0)),
    "generalized": ("single_label", options("generalized", q=0.7, **BALANCED)),
    "binary": ("single_label", options("binary", **BALANCED)),
    "corn": ("single_label", options("corn", **EFFECTIVE)),
    "labels, binary": ("multi_label", options("binary")),
    "labels, focal": ("multi_label", options("focal", gamma=1.5)),
    "labels, soft_f1": ("multi_label", options("soft_f1")),
    "mse": ("regression", options("mse")),
    "huber": ("regression", options("huber", delta=0.8)),
}


def made(case: str, classes: int = 4) -> Loss:
    """Return the loss of a case; class sizes fall by a factor, and the last of many classes has no row."""
    kind, chosen = CASES[case]
    counts = COUNTS if classes == 4 else np.maximum(1000.0 // 2.0 ** np.arange(classes), 0.0)
    return make_loss(chosen, type=kind, classes=classes, counts=counts)


def batch(
    case: str, classes: int = 4, *, rows: int = 6, hard: bool = False, dtype: torch.dtype = torch.float64
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random logits, targets (soft unless ``hard``) and weights for a case."""
    generator = np.random.default_rng(7)
    logits = generator.normal(size=(rows, made(case, classes).outputs)) * 2
    kind = CASES[case][0]
    if kind == "single_label":
        target = np.eye(classes)[generator.integers(classes, size=rows)]
        target = target if hard else 0.6 * target + 0.4 * generator.dirichlet(np.ones(classes), size=rows)
    elif kind == "multi_label":
        target = generator.uniform(size=(rows, classes))
        target = target.round() if hard else target
    else:
        target = generator.normal(size=(rows, classes))
    weight = generator.uniform(0.2, 2.0, size=rows)
    return (
        torch.as_tensor(logits, dtype=dtype),
        torch.as_tensor(target, dtype=dtype),
        torch.as_tensor(weight, dtype=dtype),
    )
