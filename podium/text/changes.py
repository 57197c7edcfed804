"""What each step of a view did: how many rows it changed, and some of them before and after."""

import functools
import hashlib
import heapq
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from podium.files import write_atomically
from podium.text.steps import SAME_AS, TEXTS, Step, apply, drops_duplicates, pipeline
from podium.text.stream import Rows, each_batch, read_batches

#: Long texts are shown around the place where they begin to differ.
_BEFORE, _SHOWN = 100, 500

SCHEMA = pa.schema(
    [
        ("position", pa.int32()),
        ("step", pa.string()),
        ("part", pa.string()),
        ("rows", pa.int64()),
        ("changed", pa.int64()),
        ("id", pa.string()),
        ("column", pa.string()),
        ("before", pa.string()),
        ("after", pa.string()),
    ]
)


class Sample(NamedTuple):
    """One text that a step changed; ``rank``, a digest of where it stands, decides which are shown."""

    rank: bytes
    id: str
    column: str
    before: str
    after: str


class Effect(NamedTuple):
    """What a step did to some rows: how many it changed, and the samples of the lowest ranks."""

    changed: int
    samples: list[Sample]


def write_changes(
    parts: Mapping[str, Path],
    views: Mapping[str, Path],
    out: Path,
    *,
    steps: Sequence[Step],
    language: str,
    wordnet: Path | None,
    samples: int,
    processes: int,
) -> None:
    """Write one row for each sample of each step and part; a step that changed nothing has one row without a sample.

    The columns: ``position`` (of the step in the view, from 0), ``step``, ``part``, ``rows`` (of the part), ``changed``
    (rows that the step changed), and of the sample ``id``, ``column``, ``before`` and ``after`` the step. For
    ``drop_duplicates``, a changed row is one that stands there before: ``column`` is ``same_as``, ``before`` the text,
    ``after`` the id of the first such row.

    Parameters
    ----------
    parts, views
        By the part's name: its rows, and the view that was made of them (read for ``drop_duplicates`` only).
    samples
        At most this many samples of each step and part.
    steps, language, wordnet, processes
        See ``podium.text.write_view``.
    """
    work = functools.partial(_trace, steps=tuple(steps), language=language, wordnet=wordnet, samples=samples)
    rows: list[dict[str, object]] = []
    for part, path in parts.items():
        total, effects = 0, [Effect(0, [])] * len(steps)
        for batch, traced in each_batch(path, work, processes):
            total += len(batch.ids)
            effects = [_join(*pair, samples) for pair in zip(effects, traced, strict=True)]
        if drops_duplicates(steps):
            effects[-1] = _duplicates(views[part], samples)
        for position, effect in enumerate(effects):
            shared = {"position": position, "step": steps[position]["step"], "part": part, "rows": total}
            shown = [sample._asdict() for sample in effect.samples] or [{}]
            rows += [{**shared, "changed": effect.changed, **sample} for sample in shown]
    rows.sort(key=lambda row: row["position"])  # type: ignore[arg-type, return-value]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    write_atomically(out, lambda temporary: pq.write_table(table, temporary, compression="zstd"))


def _trace(
    rows: Rows, *, steps: Sequence[Step], language: str, wordnet: Path | None, samples: int
) -> list[Effect]:
    """The effect of each step on some rows."""
    effects = []
    texts = rows.texts
    for function in pipeline(steps, language=language, wordnet=wordnet):
        done = {name: apply([function], column) for name, column in texts.items()}
        effects.append(_effect(rows.ids, texts, done, samples))
        texts = done
    return effects + [Effect(0, [])] * drops_duplicates(steps)


def _effect(
    ids: Sequence[str], before: Mapping[str, list[str]], after: Mapping[str, list[str]], samples: int
) -> Effect:
    rows: set[int] = set()
    found = []
    for name, texts in before.items():
        places = [k for k, (old, new) in enumerate(zip(texts, after[name], strict=True)) if old != new]
        rows.update(places)
        found += [(_rank(ids[k], name), k, name) for k in places]
    shown = [
        Sample(rank, ids[k], name, *_cut(before[name][k], after[name][k]))
        for rank, k, name in heapq.nsmallest(samples, found)
    ]
    return Effect(len(rows), shown)


def _join(one: Effect, other: Effect, samples: int) -> Effect:
    return Effect(one.changed + other.changed, heapq.nsmallest(samples, [*one.samples, *other.samples]))


def _rank(row: str, column: str) -> bytes:
    return hashlib.blake2b(f"{row}\x1f{column}".encode(), digest_size=8).digest()


def _duplicates(view: Path, samples: int) -> Effect:
    """How many rows of a view stand there before, and some of them."""
    effect = Effect(0, [])
    with pq.ParquetFile(view) as source:
        for batch in read_batches(source, source.schema_arrow.names):
            rows = [row for row in batch.to_pylist() if row["id"] != row[SAME_AS]]
            found = [(_rank(row["id"], SAME_AS), k) for k, row in enumerate(rows)]
            shown = [_duplicate(rank, rows[k]) for rank, k in heapq.nsmallest(samples, found)]
            effect = _join(effect, Effect(len(rows), shown), samples)
    return effect


def _duplicate(rank: bytes, row: Mapping[str, str]) -> Sample:
    text = " | ".join(row[name] for name in TEXTS if name in row)
    return Sample(rank, row["id"], SAME_AS, _piece(text, 0), row[SAME_AS])


def _cut(before: str, after: str) -> tuple[str, str]:
    """Both texts, long ones around the place where they begin to differ."""
    pairs = enumerate(zip(before, after, strict=False))
    differ = next((k for k, (old, new) in pairs if old != new), min(len(before), len(after)))
    start = max(0, differ - _BEFORE) if max(len(before), len(after)) > _SHOWN else 0
    return _piece(before, start), _piece(after, start)


def _piece(text: str, start: int) -> str:
    shown = text[start : start + _SHOWN]
    return "…" * bool(start) + shown + "…" * (start + _SHOWN < len(text))
