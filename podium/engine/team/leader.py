"""The first process of a job: it starts the others, speaks with them, and says who is gone."""

import contextlib
import json
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
from podium.engine.team.together import FAILED, LEFT, TIMEOUT, Gone, Together, place
from podium.errors import TrainingError, UserError

GRACE = 10.0
"""Seconds for a process to end."""


class Leader(Together):
    """The first process of a job, which starts the others and ends with them.

    Raises ``TrainingError`` from whatever it does with the others as soon as one of them is gone, and the error of
    one that failed. ``contents`` are what each of the others has to do (``podium.engine.team.parcel``): a
    function, whose first argument is a ``Follower``, and the others by name.
    """

    def __init__(self, size: int, contents: Sequence[bytes]) -> None:
        super().__init__(0, size)
        self._pipes: list[Connection] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._over = threading.Event()
        self._on_gpu = False
        try:
            for rank, content in enumerate(contents, 1):
                self._start(rank, content)
        except BaseException:
            self.close(failed=True)
            raise

    def _start(self, rank: int, content: bytes) -> None:
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
            ours.send_bytes(json.dumps([rank, self.size]).encode())
            ours.send_bytes(content)
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
        while not store.check([place(rank) for rank in range(1, self.size)]):
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
