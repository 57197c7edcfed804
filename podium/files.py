"""Read and write the workflow's artifacts: Parquet tables, JSON facts, text. Never pickle.

Every write goes to a temporary name beside the target and is renamed when it is complete, so that
a killed job leaves either the old file or the new one. The same content gives the same bytes.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from podium.errors import DamagedFile
from podium.stopwatch import measure

GROUP_ROWS = 1 << 16
"""Rows of a table that are compressed together."""


def is_file(path: str) -> bool:
    """Whether a user's path is a file: no, where ``Path`` raises (a name too long, a closed folder)."""
    with suppress(OSError, ValueError):
        return Path(path).is_file()
    return False


def is_folder(path: str) -> bool:
    """The same of a folder."""
    with suppress(OSError, ValueError):
        return Path(path).is_dir()
    return False


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call ``write`` with a temporary path beside ``path``, then rename it onto ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    with measure("files"):
        try:
            write(temporary)
            temporary.replace(path)
        except OSError as error:
            if error.errno is not None and error.filename is None:  # of a write into a file that is open
                error.filename = str(path)
            raise
        finally:
            temporary.unlink(missing_ok=True)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet (zstd), in groups of rows so small that one row can be read alone; without the index."""
    plain = table.reset_index(drop=True)
    form: dict[str, Any] = {"index": False, "compression": "zstd", "row_group_size": GROUP_ROWS}
    write_atomically(path, lambda temporary: plain.to_parquet(temporary, **form))


def read_table(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a Parquet table, or only the ``columns`` asked for; lists stay Arrow's, not one array a row.

    This and the other readers raise ``DamagedFile`` where the file is cut short or otherwise no longer what it was.
    """
    with measure("files"), _whole(path, pa.ArrowInvalid):
        return pq.read_table(path, columns=columns).to_pandas(types_mapper=lists_stay)


def read_rows(path: Path, ids: pd.Series, fold: int | None = None) -> pd.DataFrame:
    """Read the rows of a Parquet table whose ``id`` is among ``ids``; of a ``fold`` alone where one is given."""
    wanted = pc.field("id").isin(pa.array(ids, type=pa.string()))
    if fold is not None:
        wanted &= pc.field("fold") == fold
    with measure("files"), _whole(path, pa.ArrowInvalid):
        return pq.read_table(path, filters=wanted).to_pandas()


@contextmanager
def _whole(path: Path, mistake: type[ValueError]) -> Iterator[None]:
    """Name the file that cannot be read; ``mistake`` is what its reader raises then."""
    try:
        yield
    except mistake as error:
        raise DamagedFile(path, error) from error
    except FileNotFoundError as error:  # Arrow's does not say which
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
    except OSError as error:  # Arrow's, of a page that cannot be unpacked; the system's have a number
        if error.errno is not None:
            raise
        raise DamagedFile(path, error) from error


def lists_stay(kind: pa.DataType) -> pd.ArrowDtype | None:
    """A type mapper of ``to_pandas`` by which lists stay Arrow's."""
    return pd.ArrowDtype(kind) if pa.types.is_list(kind) else None


def write_json(value: Any, path: Path) -> None:
    """Write a JSON file: UTF-8, indented, keys in the order given, NaN refused (``ValueError``)."""
    write_text(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n", path)


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    with measure("files"), _whole(path, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))


def write_text(text: str, path: Path) -> None:
    """Write a UTF-8 text file with its newlines as they are."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8", newline=""))


def write_csv(table: pd.DataFrame, path: Path, separator: str = ",") -> None:
    """Write a table as CSV: UTF-8, Unix line ends, no index."""
    write_text(table.to_csv(index=False, sep=separator, lineterminator="\n"), path)


def remove_folder(folder: Path) -> None:
    """Remove a folder of working files, where it is there: what they were for is written."""
    if folder.is_dir():
        shutil.rmtree(folder)


@contextmanager
def temporary_beside(path: Path, ending: str = ".part") -> Iterator[Path]:
    """Give a temporary path beside ``path``, for a file that is written bit by bit; what is left there is removed.

    The block renames it onto ``path`` when it is complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}{ending}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
