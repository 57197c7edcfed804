"""An archive of several files, the same bytes whenever the files are the same."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from podium.files import write_atomically

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first day that the format knows


def pack(files: Sequence[Path], out: Path) -> None:
    """Write ``files`` into the zip archive ``out`` by their names alone, in the order of names, and read it again.

    Raises ``ValueError`` where two files have one name.
    """
    names = [path.name for path in files]
    if len(set(names)) < len(names):
        raise ValueError(f"two files of one archive have the same name: {sorted(names)}")
    contents = {path.name: path.read_bytes() for path in sorted(files, key=lambda path: path.name)}

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
        with zipfile.ZipFile(path) as archive:
            read = {name: archive.read(name) for name in archive.namelist()}
        if read != contents:
            raise RuntimeError(f"{out}: the archive does not read back as it was written")

    write_atomically(out, write)
