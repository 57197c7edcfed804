"""Kinds of models: one module each, one line in ``KINDS``.

A kind's module has ``Options`` (a dataclass without defaults, filled from the model's block of the
config) and ``Model``, which follows :class:`Classifier`.
"""

import dataclasses
import functools
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, get_args, runtime_checkable

import numpy as np
import pandas as pd
from safetensors import SafetensorError

from podium.errors import DamagedFile
from podium.stopwatch import measure
from podium.targets import TaskType


class Classifier(Protocol):
    """What every kind of model offers.

    ``rows`` is a table with ``text_a`` and perhaps ``text_b``, in the model's view.
    """

    def fit(
        self,
        rows: pd.DataFrame,
        target: np.ndarray,
        weight: np.ndarray,
        *,
        scratch: Path | None = None,
        teacher: np.ndarray | None = None,
        soft: np.ndarray | None = None,
    ) -> None:
        """Fit on ``rows`` (N) with row weights ``weight`` (N,).

        ``target`` has the form of the task's type (``podium.targets``): int64 class indices (N,) of a single-label
        task, float32 0 and 1 (N, K) of a multi-label task, float64 values (N, T) of a regression.

        Of a single-label task ``soft`` (N, K) are the classes' probabilities that count in place of ``target``
        (``podium.soft``); where each row has one class, the model is the same as without.

        A kind that trains for long keeps checkpoints in the folder ``scratch`` and takes up those of the same run;
        quick kinds have no use for it. They stay when training ends: a crash before the model is written would cost all
        of it else. Whoever calls removes the folder then.
        """

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return predictions for ``rows`` (N), float64.

        Probabilities (N, K), whose rows sum to 1 in a single-label task; values (N, T) of a regression.
        """

    def save(self, folder: Path) -> None:
        """Write all that ``load`` needs into the existing ``folder``: JSON, text, safetensors."""

    @classmethod
    def load(cls, folder: Path, *, device: str, threads: int) -> Self:
        """Read what ``save`` wrote; predictions are the same as before."""


@runtime_checkable
class Stepwise(Protocol):
    """A kind that trains in steps."""

    def steps(self) -> pd.DataFrame:
        """Return a row for each step: learning curve, rates, norms, seconds (none before a resume), tokens a second."""


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """Where a kind of model lives, what it needs from its job, and which types of tasks it can do."""

    module: str
    gpu: bool = False
    epochs: bool = False  # whether each epoch may have rows of its own
    types: tuple[str, ...] = ("single_label",)


KINDS = {
    "linear": Kind("podium.models.linear", types=get_args(TaskType)),
    "lightgbm": Kind("podium.models.lightgbm", types=get_args(TaskType)),
    "fasttext": Kind("podium.models.fasttext", types=("single_label", "multi_label")),
    "textcnn": Kind("podium.models.textcnn", gpu=True, epochs=True, types=get_args(TaskType)),
    "transformer": Kind("podium.models.transformer", gpu=True, epochs=True, types=get_args(TaskType)),
    "multitask": Kind("podium.models.multitask", gpu=True, epochs=True),
    "reader": Kind("podium.models.reader", gpu=True, types=("span",)),
    "retriever": Kind("podium.models.retriever", types=("span",)),
}


def make(
    kind: str,
    options: dict[str, Any],
    *,
    classes: int | Sequence[int],
    seed: int,
    device: str,
    threads: int,
) -> Classifier:
    """Make an unfitted model of ``kind`` for ``classes`` classes or value columns, or for those of several tasks."""
    module = _module(kind)
    return module.Model(module.Options(**options), classes=classes, seed=seed, device=device, threads=threads)


def shortages(model: Any) -> dict[str, Any]:
    """Return what a model's card says of memory that ran out in training; nothing where it was enough."""
    found = getattr(model, "shortages", [])
    return {"memory_ran_out": found} if found else {}


def go_on(
    model: Classifier,
    start: Path,
    rows: pd.DataFrame,
    target: np.ndarray,
    weight: np.ndarray,
    *,
    scratch: Path | None,
    soft: np.ndarray | None = None,
) -> None:
    """Fit an unfitted ``model`` on ``rows`` from where the model of its kind that is saved in ``start`` ended."""
    fit: Any = model.fit  # of a kind that can
    fit(rows, target, weight, scratch=scratch, start=start, soft=soft)


def load(kind: str, folder: Path, *, device: str, threads: int) -> Classifier:
    """Load a fitted model of ``kind`` from ``folder``."""
    module = _module(kind)
    try:
        with measure("files"):
            return module.Model.load(folder, device=device, threads=threads)
    except SafetensorError as error:
        raise DamagedFile(folder, error) from error


def predictor(
    kind: str, folder: Path, *, device: str, threads: int, number: int | None
) -> Callable[[pd.DataFrame], np.ndarray]:
    """Load a fitted model and return what predicts rows with it; ``number`` is the task's in a model of several."""
    model: Any = load(kind, folder, device=device, threads=threads)
    predict: Callable[..., np.ndarray] = model.predict
    return predict if number is None else functools.partial(predict, task=number)


def save(model: Classifier, folder: Path) -> None:
    """Write a fitted model into ``folder``, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    with measure("files"):
        model.save(folder)


def _module(kind: str) -> Any:
    """The kind's module: its libraries take seconds to import, so only the kinds in use are."""
    with measure("imports"):
        return importlib.import_module(KINDS[kind].module)


def spread(proba: np.ndarray, present: np.ndarray, classes: int) -> np.ndarray:
    """Widen probabilities of the classes a model saw (N, P) to all classes (N, K).

    A class without training rows gets 1e-6, the seen ones share the rest.
    """
    wide = np.full((len(proba), classes), 1e-6)
    wide[:, present] = proba * (1 - 1e-6 * (classes - len(present)))
    return wide / wide.sum(axis=1, keepdims=True)
