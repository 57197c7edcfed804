"""Disks: room, the right to write, locks and renames that work."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from podium.doctor.check import Check, amount, error, ok, warning

REMOTE = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "lustre", "9p", "gpfs", "beegfs")
_SPARE = 1.2  # times what is expected: estimates are rough
_FEW_FILES = 5_000


def nearest(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    found = path.absolute()
    while not found.exists():
        found = found.parent
    return found


def room(needs: Mapping[Path, float]) -> Iterator[Check]:
    """Yield a line for each disk; ``needs`` are folders with the MB that a run is expected to add to each."""
    disks: dict[int, dict[Path, float]] = {}
    for folder, megabytes in needs.items():
        disks.setdefault(nearest(folder).stat().st_dev, {})[folder] = megabytes
    for folders in disks.values():
        first = next(iter(folders))
        status = os.statvfs(nearest(first))
        free, wanted = status.f_bavail * status.f_frsize / 1e6, sum(folders.values())
        named = ", ".join(_shown(folder) for folder in folders)
        told = f"{amount(free)} free for {named}; about {amount(wanted)} wanted"
        mend = "make room, or make results/ and data/ links to folders on a larger disk"
        if wanted > free:
            yield error("disk", told, mend)
        elif _SPARE * wanted > free:
            yield warning("disk", told, mend)
        else:
            yield ok("disk", told)
        if status.f_files and status.f_favail < _FEW_FILES:
            yield warning(
                "disk", f"room for {status.f_favail} more files only ({named})", "remove files you can spare"
            )


def _shown(folder: Path) -> str:
    return folder.as_posix()


def usable(folders: list[Path]) -> Iterator[Check]:
    """Yield lines on the right to write into ``folders``, and on locks and renames there."""
    broken = False
    for folder in folders:
        if folder.exists() and not folder.is_dir():
            broken = True
            yield error("files", f"{_shown(folder)} is a file, not a folder", f"move {_shown(folder)} away")
            continue
        try:
            _try(nearest(folder))
        except _Trouble as trouble:
            broken = True
            yield error("files", f"{_shown(folder)}: {trouble}", trouble.mend)
        except OSError as problem:
            broken = True
            mend = f"give yourself the right to write into {nearest(folder)}, or make {_shown(folder)} a link elsewhere"
            yield error("files", f"{_shown(folder)} cannot be written: {problem.strerror or problem}", mend)
        kind = file_system(nearest(folder))
        if kind in REMOTE:
            mend = "put the folder on a local disk, or make results/ a link to one"
            yield warning(
                "files", f"{_shown(folder)} lies on a network disk ({kind}): many small files are slow", mend
            )
    if not broken:
        yield ok("files", f"{', '.join(map(_shown, folders))}: can be written; locks and renames work")


class _Trouble(Exception):
    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend


def _try(folder: Path) -> None:
    """Write, replace and lock files in a folder of their own, which is taken away again."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".podium-doctor-") as name:
        own = Path(name)
        target, part = own / "target", own / ".target.part"
        target.write_text("old", encoding="utf-8")
        part.write_text("new", encoding="utf-8")
        part.replace(target)
        if target.read_text(encoding="utf-8") != "new" or part.exists():
            raise _Trouble("a file cannot be replaced as a whole there", "use another disk")
        first, second = (FileLock(own / "lock", is_singleton=False) for _ in range(2))
        try:
            first.acquire(timeout=2)
        except (OSError, NotImplementedError, Timeout) as problem:
            raise _Trouble(
                f"files cannot be locked there ({problem})", "use a disk with working locks"
            ) from None
        try:
            second.acquire(timeout=0)
            second.release()
            raise _Trouble("locks do not hold there: two runs could meet", "use a disk with working locks")
        except Timeout:
            pass
        finally:
            first.release()


def file_system(folder: Path) -> str:
    """The kind of file system that a folder lies on; empty where it cannot be told."""
    own, best = str(folder.resolve()), ("", "")
    for part in psutil.disk_partitions(all=True):
        inside = own == part.mountpoint or own.startswith(part.mountpoint.rstrip("/") + "/")
        if inside and len(part.mountpoint) >= len(best[0]):
            best = (part.mountpoint, part.fstype)
    return best[1]
