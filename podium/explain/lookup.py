"""Single rows of large Parquet tables, and ids that are like a mistyped one."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from podium.errors import DamagedFile

_COMPARED = 2000


def row(path: Path, id: str, columns: Sequence[str] | None = None) -> dict[str, Any] | None:
    """The first row of a table with this ``id``; None where there is none, or no table. See ``rows``."""
    found = rows(path, {"id": [id]}, columns)
    return found[0] if found else None


def rows(
    path: Path, wanted: Mapping[str, Sequence[Any]], columns: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Every row of a table in which one of the columns named in ``wanted`` has one of its values.

    ``columns`` are those to return, all where None is given; names that the table does not have are left out. Only the
    columns of ``wanted`` are read of all rows; of the others, the groups of rows that hold a row that is found. Raises
    ``DamagedFile`` where the table is cut short.
    """
    if not path.is_file():
        return []
    try:
        return _rows(path, wanted, columns)
    except pa.ArrowInvalid as error:
        raise DamagedFile(path, error) from error


def _rows(
    path: Path, wanted: Mapping[str, Sequence[Any]], columns: Sequence[str] | None
) -> list[dict[str, Any]]:
    with pq.ParquetFile(path) as source:
        names = source.schema_arrow.names
        keys = {name: values for name, values in wanted.items() if name in names}
        if not keys:
            return []
        found: list[dict[str, Any]] = []
        kept = [name for name in (names if columns is None else columns) if name in names]
        for group in range(source.num_row_groups):
            if not _may_hold(source, group, keys):
                continue
            places = _places(source.read_row_group(group, columns=list(keys)), keys)
            if len(places):
                table = source.read_row_group(group, columns=kept)
                found += table.take(pa.array(places)).to_pylist()
    return found


def _may_hold(source: pq.ParquetFile, group: int, keys: Mapping[str, Sequence[Any]]) -> bool:
    """Whether the least and greatest values of a group of rows, where they are noted, leave room for one sought."""
    of_group = source.metadata.row_group(group)
    noted = {of_group.column(k).path_in_schema: of_group.column(k) for k in range(of_group.num_columns)}
    for name, values in keys.items():
        found = noted[name].statistics if name in noted else None
        if found is None or not found.has_min_max or any(found.min <= value <= found.max for value in values):
            return True
    return False


def _places(table: pa.Table, keys: Mapping[str, Sequence[Any]]) -> np.ndarray:
    """Where a column has one of its values."""
    either = np.zeros(table.num_rows, dtype=bool)
    for name, values in keys.items():
        sought = pa.array(values, type=table.schema.field(name).type)
        either |= pc.is_in(table[name], value_set=sought).to_numpy(zero_copy_only=False)
    return np.flatnonzero(either)


def count(path: Path) -> int:
    """How many rows a table has."""
    with pq.ParquetFile(path) as source:
        return int(source.metadata.num_rows)


def closest(id: str, paths: Sequence[Path], most: int) -> list[str]:
    """Up to ``most`` ids of some tables that are like ``id``, the closest first.

    Those that differ in case, spaces or leading zeros alone go before; of the others only ids are compared that begin
    or end like it, as many as can be looked at in a moment.
    """
    tables = [pq.read_table(path, columns=["id"])["id"].cast(pa.string()) for path in paths]
    every = pa.chunked_array([chunk for table in tables for chunk in table.chunks], type=pa.string())
    plain = _plain(id)
    alike = [name for name in _starting(every, plain) if _plain(name) == plain]
    near = list(dict.fromkeys([*_narrowed(every, id, pc.starts_with), *_narrowed(every, id[::-1], _ends)]))
    found = [*alike, *get_close_matches(id, near, n=most, cutoff=0.5)]
    return list(dict.fromkeys(found))[:most]


def _plain(id: str) -> str:
    return id.strip().lower().lstrip("0") or "0"


def _starting(ids: pa.ChunkedArray, plain: str) -> list[str]:
    """Ids that hold the plain form, whatever their case."""
    return list(ids.filter(pc.match_substring(ids, plain, ignore_case=True)).slice(0, _COMPARED).to_pylist())


def _ends(ids: pa.ChunkedArray, pattern: str) -> Any:
    return pc.ends_with(ids, pattern=pattern[::-1])


def _narrowed(ids: pa.ChunkedArray, id: str, test: Any) -> list[str]:
    """The ids that share the longest beginning (or, of a reversed id, end) with it, and some that share less."""
    found: list[str] = []
    for length in range(len(id), -1, -1):
        same = ids.filter(test(ids, pattern=id[:length])) if length else ids
        found += same.slice(0, _COMPARED - len(found)).to_pylist()
        if len(found) >= _COMPARED:
            break
    return list(dict.fromkeys(found))
