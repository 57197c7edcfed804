"""The files to hand in: their names, and several of them in one archive."""

import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePath

from podium.errors import UserError
from podium.files import write_atomically
from podium.tables import KINDS

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
_MODE = 0o100644 << 16


def file_name(given: str | None, sample: str | None, *, stem: str) -> str:
    """Name of a task's file to hand in, whose ending tells its form (``podium.submission.write_submission``).

    The one ``given`` in the config, else ``stem`` with ``.jsonl`` or ``.json`` where the sample is of JSON lines, and
    with ``.csv`` else.
    """
    if given is not None:
        return given
    ending = ".csv"
    if sample is not None and form_of(sample) == "jsonl":
        ending = ".json" if _ending(sample) == ".json" else ".jsonl"
    return f"{stem}{ending}"


def form_of(path: str) -> str | None:
    """Kind of a file by its name alone (``podium.tables.KINDS``); None where the name does not tell."""
    return KINDS.get(_ending(path))


def _ending(path: str) -> str:
    return PurePath(path.lower().removesuffix(".gz")).suffix


def write_zip(files: Iterable[Path], out: Path, *, deflate: bool) -> None:
    """Write files into one archive without folders, read it again and compare, then put it in place.

    The same files give the same bytes: names are sorted, and times, modes and the system are constants. Of
    ``deflate`` this holds as long as zlib is the same; stored files (false) depend on nothing.

    Raises
    ------
    UserError
        Two files have one name; names that differ only in case count as one, as they do when unpacked on some systems.
    ValueError
        There are no files.
    """
    paths = sorted(files, key=lambda path: path.name)
    if not paths:
        raise ValueError(f"{out}: there is nothing to put into it")
    seen: dict[str, Path] = {}
    for path in paths:
        other = seen.setdefault(path.name.casefold(), path)
        if other is not path:
            raise UserError(f"{out}: {other} and {path} would have one name in it; name each task's file")
    content = {path.name: path.read_bytes() for path in paths}
    write_atomically(out, lambda temporary: _write_and_verify(content, temporary, deflate))


def _write_and_verify(content: dict[str, bytes], path: Path, deflate: bool) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = 3, _MODE  # as on Unix, wherever this runs
            entry.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
            archive.writestr(entry, data, compresslevel=9)
    with zipfile.ZipFile(path) as archive:
        written = {name: archive.read(name) for name in archive.namelist()}
    if written != content:
        raise RuntimeError(f"{path}: the archive does not read back as it was written")
