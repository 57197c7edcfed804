"""Rows of two or three small tasks in one table, and small models for them."""

from typing import Any

import numpy as np
import pandas as pd
from model_samples import options as transformer_options
from model_samples import rows_of

from podium.models.multitask import Model, Options

SIZES = (3, 2)
NAMES = ["topic", "pair"]
BALANCE: dict[str, Any] = {
    "method": "rows",
    "weights": {},
    "temperature": 2.0,
    "interval": None,
    "gamma": 1.0,
    "discount": 0.1,
    "alpha": 1.5,
    "rate": 0.025,
}


def options(encoder: Any, *, names: list[str], **changes: Any) -> Options:
    """The options of a small model."""
    own = {key: changes.pop(key) for key in ("mode", "sampling") if key in changes}
    balance = BALANCE | changes.pop("balance", {})
    shared = transformer_options("transformer", encoder=str(encoder), **changes)
    joint = {"mode": "heads", "sampling": "proportional", **own}
    return Options(**shared, tasks=names, balance=balance, **joint)


def make(encoder: Any, *, sizes: Any = SIZES, names: Any = NAMES, seed: int = 0, **changes: Any) -> Model:
    """A small unfitted model on one thread of the CPU."""
    chosen = options(encoder, names=list(names), **changes)
    return Model(chosen, classes=sizes, seed=seed, device="cpu", threads=1)


def rows_of_tasks(counts: tuple[int, int] = (28, 20), *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of a single-text task of 3 classes and a pair task of 2, mixed, and their classes in the union."""
    first, second = np.arange(counts[0]) % 3, np.arange(counts[1]) % 2
    tables = [
        rows_of(first, seed=seed).assign(task=0),
        rows_of(second, seed=seed + 1, pair=True).assign(task=1),
    ]
    table = pd.concat(tables, ignore_index=True)
    target = np.r_[first, 3 + second]
    order = np.random.default_rng(seed).permutation(len(table))
    table = table.iloc[order].reset_index(drop=True).assign(cluster=np.arange(len(table)), real=True)
    return table, target[order]
