"""The processes of a job: how they agree (by a pipe of the first one to each other) and how they add up gradients.

Two ways, for two reasons. The pipe is for the few bytes on which a step depends: it needs no device, so that nobody
waits for one, and it ends where a process ends, so that nobody waits for the dead. ``torch.distributed`` is for
gradients (NCCL between GPUs, gloo between processes of a CPU); it is entered only when all have said by the pipe
that they come, too.
"""

import contextlib
import datetime
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
import torch.distributed as dist

from podium.engine.team import worker
from podium.engine.team.base import Team
from podium.errors import TrainingError, UserError
from podium.mishaps import out_of_memory

log = logging.getLogger(__name__)

BUCKET = 1 << 24
"""Elements of gradients that are added up at once: 64 MiB."""
TIMEOUT = datetime.timedelta(minutes=5)
GRACE = 10.0
"""Seconds for a process to end."""
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


def _place(rank: int) -> str:
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
        store.set(_place(self.rank), "")
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


class Leader(Together):
    """The first process of a job, which starts the others and ends with them.

    Raises ``TrainingError`` from whatever it does with the others as soon as one of them is gone, and the error of
    one that failed.
    """

    def __init__(self, size: int, payloads: list[bytes]) -> None:
        super().__init__(0, size)
        self._pipes: list[Connection] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._over = threading.Event()
        self._on_gpu = False
        try:
            for payload in payloads:
                self._start(payload)
        except BaseException:
            self.close(failed=True)
            raise

    def _start(self, payload: bytes) -> None:
        ours, theirs = Pipe()
        self._pipes.append(ours)
        path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        command = [sys.executable, "-P", "-W", "ignore", "-m", worker.__name__, str(theirs.fileno())]
        process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        self._processes.append(process)
        theirs.close()
        with self._noticing():
            ours.send_bytes(payload)
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()

    def meet(self, facts: str, device: torch.device) -> None:
        """See ``Team.meet``; raises ``TrainingError`` where the processes do not begin alike."""
        if any(said.decode() != facts for said in self._hear()):
            raise TrainingError(
                "training: the job's processes found different data, weights or checkpoints to begin with; are files "
                "being changed? Start the run again"
            )
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        store = dist.TCPStore(
            "127.0.0.1",
            port,
            self.size,
            is_master=True,
            wait_for_workers=False,
            timeout=TIMEOUT,
            master_listen_fd=listening.detach(),
        )
        self._on_gpu = device.type == "cuda"
        self._say(str(port).encode())
        while not store.check([_place(rank) for rank in range(1, self.size)]):
            self._look_for_the_dead(wait=False)
            time.sleep(0.01)
        with self._noticing():
            self._join(device, store)

    def agreed(self, flags: np.ndarray) -> np.ndarray:
        """See ``Team.agreed``."""
        every = [flags, *(np.frombuffer(said, dtype=bool) for said in self._hear())]
        result: np.ndarray = np.logical_or.reduce(every)
        self._say(result.tobytes())
        return result

    def told(self, value: Any) -> Any:
        """See ``Team.told``."""
        self._say(json.dumps(np.asarray(value).tolist()).encode())
        return value

    def end(self) -> None:
        """See ``Team.end``."""
        self._hear()
        dist.destroy_process_group()

    def close(self, *, failed: bool) -> None:
        """See the other processes end; those that still run are ended, and all at once where something ``failed``."""
        self._over.set()
        for process in [] if failed else self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        if failed and self._on_gpu:
            self._abort()
        if dist.is_initialized():
            dist.destroy_process_group()

    def _all_reduce(self, flat: torch.Tensor) -> None:
        with self._noticing():
            super()._all_reduce(flat)

    def _say(self, content: bytes) -> None:
        with self._noticing():
            for pipe in self._pipes:
                pipe.send_bytes(content)

    def _hear(self) -> list[bytes]:
        """What each of the others says."""
        with self._noticing():
            heard = [pipe.recv_bytes() for pipe in self._pipes]
        for rank, said in enumerate(heard, 1):
            if said[:1] == FAILED:
                self._fail(rank, said[1:])
        return [said[1:] for said in heard]

    @contextlib.contextmanager
    def _noticing(self) -> Iterator[None]:
        """Say who is gone where what is done with the others fails because of that."""
        try:
            yield
        except (Gone, EOFError, OSError, RuntimeError) as error:
            self._look_for_the_dead()
            raise error

    def _look_for_the_dead(self, *, wait: bool = True) -> None:
        """Raise the error of a process that failed, else a ``TrainingError`` for one that is gone.

        ``wait`` for one to end, as one of them will.
        """
        ends = time.monotonic() + (GRACE if wait else 0)
        while True:
            for rank, process in enumerate(self._processes, 1):
                if process.poll() not in (None, 0, LEFT):
                    self._fail(rank, self._last_words(rank))
            if time.monotonic() >= ends:
                return
            time.sleep(0.05)

    def _last_words(self, rank: int) -> bytes:
        pipe = self._pipes[rank - 1]
        with contextlib.suppress(EOFError, OSError):
            while pipe.poll():
                if (said := pipe.recv_bytes())[:1] == FAILED:
                    return said[1:]
        return b""

    def _fail(self, rank: int, words: bytes) -> NoReturn:
        if words:
            told = json.loads(words)
            for kind in (TrainingError, UserError):
                if told["kind"] == kind.__name__:
                    raise kind(told["text"])
            if told["kind"] == "memory":
                raise MemoryError(told["text"])
            raise RuntimeError(f"process {rank + 1} of {self.size}: {told['kind']}: {told['text']}")
        code = self._processes[rank - 1].wait()
        how = f"ended with status {code}" if code >= 0 else f"was killed ({_signal(-code)})"
        raise TrainingError(
            f"training: process {rank + 1} of the {self.size} that share the job {how}; perhaps the machine's memory "
            "ran out; start the run again, it goes on from the last checkpoint"
        )

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        """Free this process from waiting for a GPU that waits for one that is gone; gloo frees itself."""
        process.wait()
        if not self._over.wait(GRACE) and self._on_gpu:
            self._abort()

    def _abort(self) -> None:
        with contextlib.suppress(RuntimeError):
            if dist.group.WORLD is not None:
                dist.group.WORLD.abort()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
