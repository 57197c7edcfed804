"""Seconds of a contender: CPU and wall, started and stopped around what counts."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import torch


@dataclass(frozen=True)
class Cost:
    """What it took to train on, or predict, ``samples`` rows."""

    samples: int
    steps: int
    cpu_seconds: float
    wall_seconds: float

    @property
    def rate(self) -> float:
        """Samples per CPU-second."""
        return self.samples / self.cpu_seconds


@dataclass
class Clock:
    """Adds up the blocks that it measures; a GPU's work is waited for at both ends."""

    cpu: float = 0.0
    wall: float = 0.0
    _since: list[tuple[float, float]] = field(default_factory=list)

    def start(self) -> None:
        """Begin a block."""
        _wait()
        self._since.append((time.process_time(), time.perf_counter()))

    def stop(self) -> None:
        """End the block that was begun last."""
        _wait()
        cpu, wall = self._since.pop()
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure a block."""
        self.start()
        try:
            yield
        finally:
            self.stop()

    @contextmanager
    def inside(self, owner: Any, name: str) -> Iterator[None]:
        """Measure every call of ``owner.name`` that happens within the block."""
        inner: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.running():
                return inner(*args, **kwargs)

        with mock.patch.object(owner, name, timed):
            yield

    def cost(self, samples: int, steps: int) -> Cost:
        """The blocks so far as the cost of ``samples`` rows."""
        return Cost(samples, steps, self.cpu, self.wall)


def _wait() -> None:
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
