"""The program of a process that a training job starts for one more device: ``python -m`` this, and a pipe's number.

It trains the model that it is sent as the job itself does, over its own part of every batch, and writes nothing. It
ends when the job's own process ends, however that does.
"""

import json
import os
import select
import signal
import sys
import threading
from multiprocessing.connection import Connection


def main(number: int) -> int:
    """Train what comes through the pipe with this ``number``; return the exit status."""
    threading.Thread(target=_end_with, args=(number,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process decides
    pipe = Connection(number)
    try:
        rank, size = json.loads(pipe.recv_bytes())
        content = pipe.recv_bytes()  # before libraries are loaded: whoever sends it waits
    except (EOFError, OSError):
        return 1
    import logging

    from podium.engine.team.parcel import unpack
    from podium.engine.team.together import LEFT, Ended, Follower, Gone

    logging.basicConfig(level=logging.ERROR)  # the first process says the rest
    team = Follower(pipe, rank, size)
    try:
        work, arguments = unpack(content)
        work(team, **arguments)
    except Ended:
        return 0
    except (Gone, EOFError, ConnectionError):
        return LEFT
    except BaseException as error:
        team.failed(error)
    return 1


def _end_with(number: int) -> None:
    """End this process when the other end of the pipe is closed, whatever else it waits for."""
    closed = select.poll()
    closed.register(number, 0)
    closed.poll()
    os._exit(1)


if __name__ == "__main__":
    status = main(int(sys.argv[1]))
    sys.stderr.flush()
    os._exit(status)  # nothing is left to tidy up, and the interpreter's own way takes a second
