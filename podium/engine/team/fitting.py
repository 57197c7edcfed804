"""Models whose ``fit`` is shared by several processes."""

import functools
import logging
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

import numpy as np
import pandas as pd
import torch

from podium.engine.team.base import ALONE, Team
from podium.engine.team.leader import Leader
from podium.engine.team.parcel import model_facts, pack, remade
from podium.engine.team.together import Follower

Fit = TypeVar("Fit", bound=Callable[..., None])
log = logging.getLogger(__name__)


class Shared(Protocol):
    """A model, not fitted yet, whose options have ``devices``; ``team`` are the processes that fit it."""

    options: Any
    device: torch.device
    threads: int
    team: Team


def usable(asked: int, *, device: torch.device, threads: int) -> int:
    """Return how many devices a job has of those ``asked`` for: GPUs that it sees, or CPU threads."""
    gpus = device.type == "cuda"
    there = torch.cuda.device_count() if gpus else threads
    if asked > there:
        log.warning(
            "devices: %d are asked for and %d %s here; training uses these",
            *(asked, there, ("GPU is" if there == 1 else "GPUs are") if gpus else "CPU threads are"),
        )
    return min(asked, there)


def shared(fit: Fit) -> Fit:
    """Let as many processes as the model's ``devices`` fit it together, each on a device of its own.

    The others call the model's ``fit`` with the same arguments, build the same network from the same seed and run the
    same training. They are started when it begins and are gone when it ends. The CPU threads of the job are split.
    """

    @functools.wraps(fit)
    def fitted(model: Shared, rows: pd.DataFrame, target: Any, weight: np.ndarray, **more: Any) -> None:
        asked = int(model.options.devices)
        size = (
            1
            if asked == 1 or model.team.size > 1
            else usable(asked, device=model.device, threads=model.threads)
        )
        if size == 1:
            fit(model, rows, target, weight, **more)
            return
        threads = max(1, model.threads // size)
        given = {"rows": rows, "target": target, "weight": weight, **more}
        content = pack(_follow, {"model": model_facts(model), "threads": threads, **given})
        leader = Leader(size, [content] * (size - 1))
        log.info("%d processes train together, each with %d CPU threads", size, threads)
        failed = True
        try:
            torch.set_num_threads(threads)
            model.team = leader
            fit(model, rows, target, weight, **more)
            failed = False
        finally:
            model.team = ALONE
            torch.set_num_threads(model.threads)
            leader.close(failed=failed)

    return cast(Fit, fitted)


def _follow(team: Follower, *, model: dict[str, Any], threads: int, **given: Any) -> None:
    """Fit a model in one of the processes that the first one has started."""
    device = f"cuda:{team.rank}" if model["device"].startswith("cuda") else model["device"]
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
    made = remade(model, device=device, threads=threads)
    made.team = team
    made.fit(**given)
