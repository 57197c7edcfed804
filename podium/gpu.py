"""Lease GPUs for one job.

Snakemake counts GPUs (``resources: gpu=1``) but hands out no device ids, so two jobs would meet on device 0. A lease is
a lock on one file a device; the operating system drops it when the process ends, however it ends. Files are named by
the physical device, which ``CUDA_VISIBLE_DEVICES`` does not renumber.
"""

import fcntl
import hashlib
import logging
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from podium.errors import UserError

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
_ASK_SECONDS = 60.0  # a driver that persists nothing takes seconds for each device, and no minute
# Names of environment variables: devices that CUDA shows, and how many jobs of one device each may be on a device
VISIBLE, JOBS = "CUDA_VISIBLE_DEVICES", "PODIUM_GPU_JOBS"


def listed() -> list[list[str]] | None:
    """Names of the devices that ``nvidia-smi`` lists, a list a GPU in its order; None where there is no such program.

    A GPU that is cut into MIG instances is the list of these, every other one a list of itself.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "-L"], capture_output=True, text=True, errors="replace", timeout=_ASK_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"gpu: nvidia-smi does not answer within {_ASK_SECONDS} seconds: the driver hangs; restart the machine, or "
            f'set {VISIBLE}="" to work without GPUs'
        ) from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        log.warning("nvidia-smi failed, so no GPU is used: %s", said[0] if said else done.returncode)
        return []
    return parse(done.stdout)


def parse(text: str) -> list[list[str]]:
    """Read what ``nvidia-smi -L`` prints."""
    devices: list[list[str]] = []
    for line in text.splitlines():
        name = re.search(r"\(UUID: ([^)]+)\)", line)
        if name is None:
            continue
        if line.startswith("GPU "):
            devices.append([name[1]])
        elif devices and line.strip().startswith("MIG "):
            whole = [] if devices[-1][0].startswith("GPU-") else devices[-1]
            devices[-1] = [*whole, name[1]]
    return devices


def visible(devices: Sequence[Sequence[str]], environment: Mapping[str, str]) -> list[str]:
    """Names of those ``devices`` (see ``listed``) that a process with this ``environment`` may use.

    ``CUDA_VISIBLE_DEVICES`` decides, as CUDA reads it (CUDA Programming Guide, environment variables): numbers or
    names, which may be cut short, up to the first that is none; numbers are those of ``nvidia-smi``. Without it Slurm's
    list of the step or the job does, unless the job sees its own devices alone, numbered anew.
    """
    chosen = environment.get(VISIBLE)
    if chosen is not None:
        return _chosen(devices, chosen)
    for variable in ("SLURM_STEP_GPUS", "SLURM_JOB_GPUS"):
        numbers = [int(number) for number in re.findall(r"\d+", environment.get(variable, ""))]
        if numbers and len(numbers) < len(devices) and max(numbers) < len(devices):
            return [name for number in numbers for name in devices[number]]
    return [name for device in devices for name in device]


def _chosen(devices: Sequence[Sequence[str]], chosen: str) -> list[str]:
    names: list[str] = []
    for entry in (part.strip() for part in chosen.split(",")):
        if re.fullmatch(r"\d+", entry):
            found = list(devices[int(entry)]) if int(entry) < len(devices) else []
        else:
            found = _named(devices, entry)
        if not found:
            break
        names += found
    return names if len(set(names)) == len(names) else []


def _named(devices: Sequence[Sequence[str]], entry: str) -> list[str]:
    """The one device with a name that begins so; none where several do."""
    if not entry.startswith(("GPU-", "MIG-")):
        return []
    found = [name for device in devices for name in device if name.startswith(entry)]
    return found if len(found) == 1 else []


def unlisted(count: int, environment: Mapping[str, str]) -> list[str]:
    """Names of ``count`` devices that no program lists: as ``CUDA_VISIBLE_DEVICES`` names them, else their numbers."""
    names = [part.strip() for part in environment.get(VISIBLE, "").split(",") if part.strip()]
    return [names[number] if number < len(names) else str(number) for number in range(count)]


@contextmanager
def lease(names: Sequence[str], count: int, *, jobs: int, folder: Path) -> Iterator[list[str]]:
    """Yield ``count`` of the devices ``names`` that no other job holds, waiting for them; fewer where there are fewer.

    ``jobs`` of one device each may be on a device at once; a lease of several devices shares none. All are taken at
    once or none is, so that no two jobs wait for each other. Jobs that see the same devices wait in turn: only the
    first of them looks at the devices, and no job of one device overtakes one of several. ``folder``: see
    ``lock_folder``.
    """
    count = min(count, len(names))
    with ExitStack() as held:
        with ExitStack() as turn:
            view = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]
            turn.enter_context(_locked(folder / f"turn-{view}.lock", fcntl.LOCK_EX))
            waited = False
            while (taken := _take(names, count, jobs, folder, held)) is None:
                if not waited:
                    log.info("waiting for %d of %d GPUs", count, len(names))
                waited = True
                time.sleep(POLL_SECONDS)
        yield taken


def _take(names: Sequence[str], count: int, jobs: int, folder: Path, held: ExitStack) -> list[str] | None:
    """Lock ``count`` devices, the emptiest first; None where not so many are free."""
    shared = count == 1 and jobs > 1
    for place in range(jobs if shared else 1):
        with ExitStack() as locks:
            taken = []
            for name in names:
                lock = _shared(folder, name, place) if shared else _whole(folder, name)
                if lock is not None:
                    locks.enter_context(lock)
                    taken.append(name)
                if len(taken) == count:
                    held.enter_context(locks.pop_all())
                    return taken
    return None


def _whole(folder: Path, name: str) -> ExitStack | None:
    return _tried((_file(folder, name), fcntl.LOCK_EX))


def _shared(folder: Path, name: str, place: int) -> ExitStack | None:
    """Place number ``place`` of a device, which nobody has as a whole meanwhile."""
    return _tried((_file(folder, name), fcntl.LOCK_SH), (_file(folder, f"{name}-{place}"), fcntl.LOCK_EX))


def _tried(*locks: tuple[Path, int]) -> ExitStack | None:
    """All of the locks, or None."""
    with ExitStack() as stack:
        try:
            for path, kind in locks:
                stack.enter_context(_locked(path, kind | fcntl.LOCK_NB))
        except BlockingIOError:
            return None
        return stack.pop_all()
    return None


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    with path.open("w") as file:  # closed, and with that unlocked, at the end of the block or of the process
        fcntl.flock(file, kind)
        yield


def _file(folder: Path, name: str) -> Path:
    return folder / f"{''.join(char if char.isalnum() else '-' for char in name)}.lock"


def lock_folder() -> Path:
    """Make and return the folder of the user's lock files; raise ``UserError`` where another's is in its place.

    It is the same for all of a user's jobs on a machine, whatever ``TMPDIR`` says in one of them.
    """
    machine = Path("/tmp")
    folder = machine if os.access(machine, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    folder = folder / f"podium-gpu-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        usable = folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()
    except OSError:
        usable = False
    if not usable:
        raise UserError(f"gpu: {folder} is not a folder of yours, so no GPU can be leased; remove it")
    return folder
