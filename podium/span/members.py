"""Kinds of models of span tasks: one module each, one line in ``podium.models.KINDS``."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd

from podium.models import KINDS
from podium.span.predictions import Spans
from podium.stopwatch import measure


class Member(Protocol):
    """What every kind of model of span tasks offers.

    ``rows`` is a table with ``id``, ``text_a`` (questions) and ``text_b`` (contexts).
    """

    def fit(
        self,
        rows: pd.DataFrame,
        target: Sequence[str],
        weight: np.ndarray,
        *,
        scratch: Path | None = None,
    ) -> None:
        """Fit on ``rows`` (N) with targets (``podium.span.answers``) and row weights (N,).

        Rows whose answers do not stand in their contexts teach nothing. A kind that trains for long keeps checkpoints
        in the folder ``scratch`` and takes up those of the same run; whoever calls removes the folder.
        """

    def predict(self, rows: pd.DataFrame) -> Spans:
        """Return predictions for ``rows``, in their order."""

    def save(self, folder: Path) -> None:
        """Write all that ``load`` needs into the existing ``folder``: JSON, text, safetensors."""

    @classmethod
    def load(cls, folder: Path, *, device: str, threads: int) -> Self:
        """Read what ``save`` wrote; predictions are the same as before."""


def make(kind: str, options: dict[str, Any], *, seed: int, device: str, threads: int) -> Member:
    """Make an unfitted model of ``kind``."""
    module = _module(kind)
    return module.Model(module.Options(**options), seed=seed, device=device, threads=threads)


def load(kind: str, folder: Path, *, device: str, threads: int) -> Member:
    """Load a fitted model of ``kind`` from ``folder``."""
    module = _module(kind)
    with measure("files"):
        return module.Model.load(folder, device=device, threads=threads)


def save(member: Member, folder: Path) -> None:
    """Write a fitted model into ``folder``, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    with measure("files"):
        member.save(folder)


def _module(kind: str) -> Any:
    with measure("imports"):
        return importlib.import_module(KINDS[kind].module)
