"""The processes of a job: how they agree (by a pipe of the first one to each other) and how they add up gradients.

Two ways, for two reasons. The pipe is for the few bytes on which a step depends: it needs no device, so that nobody
waits for one, and it ends where a process ends, so that nobody waits for the dead. ``torch.distributed`` is for
gradients (NCCL between GPUs, gloo between processes of a CPU); it is entered only when all have said by the pipe
that they come, too.
"""

import contextlib
import datetime
import json
import os
import sys
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import numpy as np
import torch
import torch.distributed as dist

from podium.engine.team.base import Team
from podium.mishaps import out_of_memory

BUCKET = 1 << 24
"""Elements of gradients that are added up at once: 64 MiB."""
TIMEOUT = datetime.timedelta(minutes=5)
LEFT = 3
"""Exit status of a process that ended because another one was gone."""
SAID, FAILED = b"=", b"!"


class Ended(BaseException):
    """Training is at its end, and with it this process, which is not the first."""


class Gone(Exception):
    """Another process of the job is gone."""


class Together(Team):
    """What all processes of a job do."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self._buffer: torch.Tensor | None = None

    def _join(self, device: torch.device, store: dist.Store) -> None:
        """Begin to add up over all processes: NCCL between GPUs, gloo between processes of a CPU."""
        loopback = "lo0" if sys.platform == "darwin" else "lo"
        for variable in (
            "GLOO_SOCKET_IFNAME",
            "NCCL_SOCKET_IFNAME",
        ):  # nobody outside this machine takes part
            os.environ.setdefault(variable, loopback)
        dist.init_process_group(
            "nccl" if device.type == "cuda" else "gloo",
            store=store,
            rank=self.rank,
            world_size=self.size,
            timeout=TIMEOUT,
            device_id=device if device.type == "cuda" else None,
        )

    def reserve(self, tensors: Sequence[torch.Tensor]) -> None:
        """See ``Team.reserve``."""
        if self._buffer is None:
            size = max(BUCKET, *(tensor.numel() for tensor in tensors))
            size = min(size, sum(tensor.numel() for tensor in tensors) + BUCKET // 64)
            self._buffer = torch.empty(size, device=tensors[0].device)

    def add_up(self, tensors: list[torch.Tensor]) -> None:
        """See ``Team.add_up``. Every process gets the same bits."""
        assert self._buffer is not None
        for some in buckets(tensors, len(self._buffer)):
            sizes = [tensor.numel() for tensor in some]
            flat = self._buffer[: sum(sizes)]
            torch.cat([tensor.flatten() for tensor in some], out=flat)
            self._all_reduce(flat)
            parts = zip(flat.split(sizes), some, strict=True)
            torch._foreach_copy_(some, [part.view_as(tensor) for part, tensor in parts])

    def _all_reduce(self, flat: torch.Tensor) -> None:
        try:
            dist.all_reduce(flat)
        except RuntimeError as error:
            raise Gone(str(error)) from error


def place(rank: int) -> str:
    """The key by which a process says that it is about to join the others."""
    return f"here/{rank}"


def buckets(tensors: list[torch.Tensor], size: int) -> Iterator[list[torch.Tensor]]:
    """Yield the tensors in their order, as many at once as have ``size`` elements together."""
    some: list[torch.Tensor] = []
    room = size
    for tensor in tensors:
        if tensor.numel() > room:
            yield some
            some, room = [], size
        some.append(tensor)
        room -= tensor.numel()
    if some:
        yield some


class Follower(Together):
    """A process that the first one has started, at the other end of its ``pipe``."""

    def __init__(self, pipe: Connection, rank: int, size: int) -> None:
        super().__init__(rank, size)
        self._pipe = pipe

    def meet(self, facts: str, device: torch.device) -> None:
        """See ``Team.meet``."""
        self._say(facts.encode())
        port = int(self._hear())
        store = dist.TCPStore("127.0.0.1", port, self.size, timeout=TIMEOUT)
        store.set(place(self.rank), "")
        self._join(device, store)

    def agreed(self, flags: np.ndarray) -> np.ndarray:
        """See ``Team.agreed``."""
        self._say(flags.tobytes())
        return np.frombuffer(self._hear(), dtype=bool)

    def told(self, value: Any) -> Any:
        """See ``Team.told``."""
        said = json.loads(self._hear())
        return np.array(said) if isinstance(said, list) else said

    def end(self) -> NoReturn:
        """See ``Team.end``."""
        self._say(b"")
        dist.destroy_process_group()  # all do this at the same time
        raise Ended

    def failed(self, error: BaseException) -> None:
        """Tell the first process why this one ends."""
        kind = "memory" if out_of_memory(error) else type(error).__name__
        with contextlib.suppress(OSError):
            self._pipe.send_bytes(FAILED + json.dumps({"kind": kind, "text": str(error)}).encode())

    def _say(self, content: bytes) -> None:
        self._pipe.send_bytes(SAID + content)

    def _hear(self) -> bytes:
        return self._pipe.recv_bytes()
