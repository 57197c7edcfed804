"""A short look at how fast this machine is, for kinds of models of which no earlier job tells."""

import dataclasses
import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium import models
from podium.config import Transformer
from podium.encoder_shape import TRAIN as TRAINING
from podium.encoder_shape import shape_of
from podium.errors import UserError
from podium.forecast.costs import Costs
from podium.forecast.rates import TRAIN, Seen
from podium.forecast.sizes import Size
from podium.forecast.work import NETWORKS, times
from podium.plan import Plan
from podium.plan_span import SpanPlan
from podium.targets import TaskType

log = logging.getLogger(__name__)

ROWS = 300
"""Rows that a linear model or its kin is fitted on: some tenths of a second."""
STEPS, FIRST = 6, 2
"""Steps of the real training loop, and those at its start that are left out of the clock."""
SECONDS = 20.0
"""No further kind is looked at after so long."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was seen, and a line for each kind that could not be tried."""

    seen: list[Seen]
    notes: list[str]


def measure(costs: Costs, known: Iterable[str], device: str) -> Measured:
    """Fit the first member of every family of kinds that is not ``known`` on a few of its own texts.

    Of networks the engine trains the encoder for a few steps on ``device``, with a plain head and without tricks.
    Nothing is written.
    """
    found, notes, done = list[Seen](), list[str](), set(known)
    started = time.perf_counter()
    for task, plan in costs.plans.items():
        for member in plan.members:
            kind = plan.kind(member)
            family = TRAIN["network" if kind in NETWORKS else kind].family
            if family in done or kind == "retriever":
                continue
            if time.perf_counter() - started > SECONDS:
                notes.append(f"{kind}: no time was left to measure it")
                continue
            try:
                seen = (
                    _network(costs, plan, member, device) if kind in NETWORKS else _plain(costs, plan, member)
                )
            except (UserError, OSError) as error:  # told by the checks
                notes.append(f"{kind}: {str(error).partition(chr(10))[0]}")
                continue
            if seen is None:
                notes.append(f"{kind}: its encoder or its rows are not here yet")
                continue
            log.info("measured %s of task %s: %.2f s", member, task, seen.seconds)
            found.append(seen)
            done.add(family)
    return Measured(seen=found, notes=notes)


def _rows(size: Size, wanted: int) -> pd.DataFrame:
    """Some texts of the training part as a model reads them, repeated where there are few."""
    sample = size.part("train").sample[:wanted]
    names = ["text_a", "text_b"][: len(sample[0])] if sample else ["text_a"]
    rows = pd.DataFrame(list(sample), columns=names, dtype="str")
    return rows.assign(id=[f"r{number}" for number in range(len(rows))])


def _type(plan: Plan) -> TaskType:
    """What a plain model learns in the task's place: a reader's two scores of a token cost what two classes do."""
    return "single_label" if isinstance(plan, SpanPlan) else plan.type


def _target(plan: Plan, size: Size, rows: int) -> np.ndarray:
    """Targets of the task's form; what they are does not matter here."""
    if _type(plan) == "single_label":
        return np.arange(rows, dtype=np.int64) % max(2, size.classes)
    rng = np.random.default_rng(0)
    if _type(plan) == "multi_label":
        return (rng.random((rows, size.classes)) < 0.5).astype(np.float32)
    return rng.normal(size=(rows, size.classes))


def _fit(
    plan: Plan, member: str, kind: str, options: dict[str, Any], size: Size, rows: pd.DataFrame, device: str
) -> Any:
    classes = max(2, size.classes) if _type(plan) == "single_label" else size.classes
    threads = plan.model(member).threads
    model = models.make(kind, options, classes=classes, seed=0, device=device, threads=threads)
    model.fit(rows, _target(plan, size, len(rows)), np.ones(len(rows)))
    return model


def _plain(costs: Costs, plan: Plan, member: str) -> Seen | None:
    size, options = costs.sizes[plan.task], plan.train(member, 0, 0)["options"]
    rows, kind = _rows(size, ROWS), plan.kind(member)
    if len(rows) < ROWS // 4:
        return None
    models.make(kind, options, classes=2, seed=0, device="cpu", threads=1)  # its libraries
    started = time.perf_counter()
    _fit(plan, member, kind, options, size, rows, "cpu")
    seconds = time.perf_counter() - started
    work = costs.fitting(plan, member, kind, options, size, len(rows), 0.0)
    return Seen(
        family=TRAIN[kind].family, own=f"measured {kind}", start=0.0, amount=work.amount, seconds=seconds
    )


def _network(costs: Costs, plan: Plan, member: str, device: str) -> Seen | None:
    folder = plan.encoder(member)
    if folder is None or not list(Path(folder).glob("*.safetensors")):
        return None
    size, options = costs.sizes[plan.task], encoder_alone(plan.train(member, 0, 0)["options"], _type(plan))
    batch = options["batch_size"] if options["batch_tokens"] is None else 32
    rows = _rows(size, min(ROWS, STEPS * batch))
    if len(rows) < batch:
        return None
    model = _fit(plan, member, "transformer", options, size, rows, device)
    curve = model.told.iloc[FIRST:]
    read, passes = float(curve["tokens"].sum()), times(options)
    return Seen(
        family="network",
        own=f"measured {plan.kind(member)}",
        start=0.0,
        amount=passes * TRAINING * shape_of(folder).gflop(read, read / max(1, int(curve["rows"].sum()))),
        seconds=float(curve["seconds"].sum()),
    )


def encoder_alone(options: Mapping[str, Any], type: TaskType) -> dict[str, Any]:
    """Options of a ``transformer`` that trains the encoder of a network's ``options`` for a few steps.

    Lengths, batches, precision and what they need of memory are the network's. Its tricks are off: what a step
    costs with them is counted in the work (``podium.forecast.work.times``), and some begin later than these steps.
    """
    from podium.models.transformer_options import TRICKS, Options  # it imports torch

    block = Transformer(kind="transformer", encoder=str(options["encoder"])).settled(type)
    known = {field.name: options.get(field.name, block[field.name]) for field in dataclasses.fields(Options)}
    alone = {"loss": block["loss"], "steps": STEPS, "devices": 1, "unfreeze": None}
    return {**known, **dict.fromkeys(TRICKS), **alone}
