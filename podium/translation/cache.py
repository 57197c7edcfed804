"""Translations kept by content, so that nothing is translated twice: not in a job, not by the next run."""

import hashlib
import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from podium.errors import UserError
from podium.translation import Engine

log = logging.getLogger(__name__)

FILE = "translations.sqlite"
_WAIT_SECONDS = 120.0  # for another job's commit
_SLICE = 500  # parameters of a statement; SQLite takes 999 at least


class Cache:
    """A SQLite file of translations. Several jobs may use it at once; each ``put`` is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Those of the ``keys`` that are there, with what they are keys of."""
        found: dict[bytes, str] = {}
        for start in range(0, len(keys), _SLICE):
            part = keys[start : start + _SLICE]
            marks = ",".join("?" * len(part))
            found.update(
                self._connection.execute(f"SELECT key, text FROM translations WHERE key IN ({marks})", part)
            )
        return found

    def put(self, texts: dict[bytes, str]) -> None:
        """Add translations; those that another job was first to add stay."""
        with self._connection:
            self._connection.executemany("INSERT OR IGNORE INTO translations VALUES (?, ?)", texts.items())


def _share(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work at a time; SQLite itself does not wait for a job that does the same just now."""
    end = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.02)


@contextmanager
def open_cache(folder: Path) -> Iterator[Cache]:
    """Open the cache in ``folder``, new where there is none; ``UserError`` where the file cannot be used."""
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as connection:
            _share(connection)
            connection.execute("PRAGMA synchronous=NORMAL")
            with connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS translations (key BLOB PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID"
                )
            yield Cache(connection)
    except sqlite3.Error as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: the cache of translations cannot be used ({error}); make room, or remove it")


def key_of(engine: Engine, text: str, variant: int) -> bytes:
    """Key of a translation: SHA-256 of all that decides it."""
    digest = hashlib.sha256()
    for part in (engine.identity, str(variant), text):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()


def translate(engine: Engine, texts: Sequence[str], *, variant: int, cache: Cache) -> list[str]:
    """Translate ``texts``, each different piece once, and only those that the cache does not have.

    Every batch is in the cache before the next one starts: a crash loses one at most.

    Returns
    -------
    As many texts in the same order; an empty one where a text is blank or part of it could not be translated.
    """
    cut = {text: engine.pieces(text) for text in dict.fromkeys(texts) if text.strip()}
    unique = list(dict.fromkeys(piece for pieces in cut.values() for piece in pieces))
    keys = {piece: key_of(engine, piece, variant) for piece in unique}
    found = cache.get(list(keys.values()))
    missing = [piece for piece in unique if keys[piece] not in found]
    log.info("%d different texts, %d to translate", len(unique), len(missing))
    for batch in engine.batches(missing):
        sources = [missing[place] for place in batch]
        made = engine.translate(sources, variant)
        if len(made) != len(sources):
            raise ValueError(f"{len(made)} translations of {len(sources)} texts")
        fresh = {keys[source]: text for source, text in zip(sources, made, strict=True)}
        cache.put(fresh)
        found.update(fresh)
    whole = {text: _join([found[keys[piece]] for piece in pieces]) for text, pieces in cut.items()}
    return [whole.get(text, "") for text in texts]


def _join(pieces: list[str]) -> str:
    """One text of the translated pieces; empty if one of them is, since half a text is another text."""
    return " ".join(pieces) if all(piece.strip() for piece in pieces) else ""
