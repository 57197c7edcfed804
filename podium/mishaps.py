"""What can go wrong with a machine, in the words of a user's mistake: memory, disk, files that went away."""

import errno
from pathlib import Path

_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "_status_alloc_failed")
_FULL = {errno.ENOSPC: "no space is left on the disk", errno.EDQUOT: "the disk quota is used up"}
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_FULL_WORDS = ("no space left on device", "os error 28", "disk is full")
AGAIN = "then start the run again: what is done is kept"


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that the memory of the machine or of a device was not enough.

    Known by its words, since there are many types: PyTorch's caching allocator has one of its own, its CPU allocator,
    cuBLAS and plain calls of CUDA raise ``RuntimeError``.
    """
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _MEMORY)


def told(error: BaseException) -> str | None:
    """Return one line for an exception that is the machine's fault and no mistake in the program; None for others."""
    if out_of_memory(error):
        first = (str(error).strip().splitlines() or ["MemoryError"])[0]
        return f"memory ran out ({first}); run fewer jobs at a time (--cores), or lower batch and max_length, {AGAIN}"
    code, name = (error.errno, error.filename) if isinstance(error, OSError) else (None, None)
    if code in _FULL or any(word in str(error).lower() for word in _FULL_WORDS):
        reason = _FULL.get(code or 0, "no space is left on the disk")
        return f"{reason}{f' for {_shown(name)}' if name else ''}; make room, {AGAIN}"
    if code in _CLOSED and name:
        assert isinstance(error, OSError)
        return (
            f"{_shown(name)} cannot be used ({error.strerror}); allow this user to read and write it, {AGAIN}"
        )
    if isinstance(error, FileNotFoundError) and name and not Path(_shown(name)).is_absolute():
        return f"{_shown(name)} was there and is gone; {AGAIN}, and results that are missing are made again"
    return None


def _shown(name: object) -> str:
    """A file's name as a person knows it: the temporary one of a write is that of the file."""
    path = Path(str(name))
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    if path.name.startswith(".") and path.name.endswith(".part"):
        path = path.with_name(path.name[1:].removesuffix(".part"))
    return path.as_posix()
