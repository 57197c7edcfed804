"""The product's side of the measurements: its transformer, through the classes that a workflow's job uses."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from bench.baselines import Rows, Setting
from bench.clock import Clock, Cost
from bench.common import ROOT
from bench.data_sets import DataSet
from bench.fresh import as_shipped
from podium import models
from podium.config import KINDS
from podium.engine.loop import Finetuning
from podium.engine.precision import compute_dtype
from podium.errors import UserError, hint
from podium.models import transformer
from podium.plan import Plan

TRANSFORMER = "minilm"  # of the default competition


def options(kind: str = "transformer", **changes: Any) -> dict[str, Any]:
    """The options of the default competition's transformer, or of another ``kind`` by default, with ``changes``.

    Raises
    ------
    UserError
        A change names an option that there is not.
    """
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    block = raw["models"][TRANSFORMER] if kind == "transformer" else {"kind": kind}
    raw["models"] = {"measured": block}
    known = KINDS[kind].model_fields
    for name in changes:
        if name not in known:
            raise UserError(f"a {kind} has no option '{name}'; {hint(name, known)}")
    encoder = changes.pop("encoder", None)
    block.update({name: str(value) if isinstance(value, Path) else value for name, value in changes.items()})
    found: dict[str, Any] = Plan.from_raw(raw, ROOT).train("measured-s0", 0, 0)["options"]
    if encoder is not None:
        found["encoder"] = str(encoder)
    return found


def precision(chosen: dict[str, Any], device: str) -> torch.dtype:
    """The type that the engine multiplies in."""
    return compute_dtype(chosen["precision"], device.partition(":")[0])


class Podium:
    """The product's transformer as a contender of ``bench.baselines``: a new one at each ``train``."""

    def __init__(self, setting: Setting, **changes: Any) -> None:
        self.setting = setting
        shared = {
            "encoder": setting.encoder,
            "max_length": setting.max_length,
            "batch_size": setting.batch_size,
            "epochs": setting.epochs,
        }
        self.options = options(**{**shared, **changes})
        self.model: Any = None

    def train(self, rows: Rows, steps: int | None = None) -> Cost:
        """Train on ``rows``; every batch of them, whatever ``steps`` is."""
        cost, self.model = _fit(self.options, rows, self.setting)
        return cost

    def predict(self, rows: Rows) -> tuple[np.ndarray, Cost]:
        """Probabilities (N, K) of ``rows``, by the model as a prediction job loads it."""
        clock = Clock()
        with as_shipped(self.setting.threads), tempfile.TemporaryDirectory() as scratch:
            models.save(self.model, Path(scratch) / "model")
            place: dict[str, Any] = {"device": self.setting.device, "threads": self.setting.threads}
            model = models.load("transformer", Path(scratch) / "model", **place)
            with clock.running():
                proba = model.predict(table(rows))
        return proba, clock.cost(len(rows), 0)

    def leave_gpu(self) -> None:
        """Free the GPU for the next contender."""
        self.model = None


def draw(data: DataSet, count: int, generator: np.random.Generator, *, part: str = "train") -> Rows:
    """``count`` random rows of a data set's ``part``."""
    rows: pd.DataFrame = getattr(data, part)
    chosen = rows.iloc[generator.choice(len(rows), min(count, len(rows)), replace=False)]
    return Rows(chosen["text_a"].tolist(), data.codes(chosen))


def table(rows: Rows) -> pd.DataFrame:
    """``rows`` as the product takes them."""
    return pd.DataFrame({"id": [str(i) for i in range(len(rows))], "text_a": rows.texts}, dtype="str")


def _fit(chosen: dict[str, Any], rows: Rows, setting: Setting) -> tuple[Cost, Any]:
    """Fit the product's model on ``rows``; count tokenising and the loop, not the loading of weights.

    One step on the longest rows goes before, uncounted: it fetches the memory that the engine then keeps, which a run
    of minutes does once. The one place that knows the engine's parts by name.
    """
    clock = Clock()
    with contextlib.ExitStack() as stack:
        stack.enter_context(as_shipped(setting.threads))
        longest = np.argsort([-len(text) for text in rows.texts], kind="stable")[: setting.batch_size]
        first = Rows([rows.texts[row] for row in longest], rows.target[longest])
        _fitted(chosen | {"steps": 1}, first, setting)
        stack.enter_context(clock.inside(transformer.Model, "_encode_training"))
        stack.enter_context(clock.inside(Finetuning, "run"))
        model = _fitted(chosen, rows, setting)
    return clock.cost(setting.epochs * len(rows), len(model.curve)), model


def _fitted(chosen: dict[str, Any], rows: Rows, setting: Setting) -> Any:
    model: Any = models.make(
        "transformer",
        chosen,
        classes=setting.classes,
        seed=setting.seed,
        device=setting.device,
        threads=setting.threads,
    )
    model.fit(table(rows), rows.target, np.ones(len(rows)))
    return model
