"""How a user's text file is written: its encoding, its separator, its lines."""

import codecs
import csv
import gzip
import logging
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import IO, Literal, cast

import pyarrow as pa

from podium.errors import UserError, brief, hint

SEPARATORS = (",", "\t", ";", "|")
HEAD_LINES = 200
_BLOCK = 1 << 20
_BOMS = (  # UTF-32 before UTF-16: its mark begins with the other's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written; ``quoted`` is false where quote marks are plain text."""

    encoding: str
    separator: str
    quoted: bool


def dialect_of(
    path: Path, *, encoding: str | None, separator: str | None, width: int | None = None
) -> Dialect:
    """Dialect of a delimited file from its first MiB; ``quoted`` is true but in tab-separated files without a header.

    Parameters
    ----------
    encoding, separator
        What the user says; None finds it (:func:`find_encoding`; comma, tab, semicolon or bar).
    width
        The most columns of a file without a header line; None: it has one.

    Raises
    ------
    UserError
        The separator is not one character, or the encoding is unknown or not found.
    """
    if separator is not None and (len(separator) != 1 or separator in '"\r\n\0'):
        raise UserError(f"{path}: the separator {separator!r} must be one character, such as ',' or '\\t'")
    encoding = find_encoding(path, encoding, whole=False)
    if width is None:
        return Dialect(encoding, separator or _separator(path, encoding), quoted=True)
    separator = separator or _bare_separator(path, encoding, width)
    return Dialect(encoding, separator, quoted=separator != "\t")


def find_encoding(path: Path, given: str | None, *, whole: bool) -> str:
    """Encoding of a file: the one given, its byte order mark's, or the first of three that fits.

    These are UTF-8, GB18030 and Windows-1252; the last two change places where the bytes above ASCII
    mostly stand alone. With ``whole`` false only the first MiB is tried.

    Raises
    ------
    UserError
        The encoding given is unknown, or none fits.
    """
    if given is not None:
        try:
            b" ".decode(given, errors="replace")
        except (LookupError, ValueError) as error:  # a name that holds a NUL
            known = ["utf-8", "utf-16", "gb18030", "big5", "cp1252", "cp1251", "shift_jis", "euc_kr"]
            raise UserError(f"{path}: unknown encoding '{brief(given)}'; {hint(given, known)}") from error
        return given
    first = next(_blocks(path, whole=False), b"")
    for mark, name in _BOMS:
        if first.startswith(mark):
            return name
    if (unmarked := _wide(first)) and _fits(path, unmarked, whole=whole):
        _log.warning(
            "%s has no byte order mark; read as %s (the key 'encoding' overrides this)", path, unmarked
        )
        return unmarked
    if _fits(path, "utf-8", whole=whole):
        return "utf-8"
    legacy = ["gb18030", "cp1252"] if _high_bytes_in_runs(path, whole=whole) else ["cp1252", "gb18030"]
    for name in legacy:
        if _fits(path, name, whole=whole):
            _log.warning("%s is not UTF-8; read as %s (the key 'encoding' overrides this)", path, name)
            return name
    raise UserError(f"{path}: neither UTF-8 nor UTF-16, GB18030 or Windows-1252; name its 'encoding'")


def lines_of(path: Path, encoding: str, *, errors: str) -> Iterator[str]:
    """Lines with their ends as they are, without byte order mark and NUL characters (a warning counts them).

    ``errors`` is that of ``bytes.decode``.
    """
    dropped = 0
    with _open(path) as raw, TextIOWrapper(raw, encoding, errors=errors, newline="") as handle:
        for number, line in enumerate(handle):
            if number == 0:
                line = line.lstrip("\ufeff")  # files joined by other programs have several
            if "\0" in line:
                dropped += line.count("\0")
                line = line.replace("\0", "")
            yield line
    if dropped:
        _log.warning("%s: dropped %d NUL characters", path, dropped)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Lift the csv module's limit on field length, and tell what is wrong with a file in one line."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path}: not a complete gzip file ({error})") from error
    except UnicodeError as error:
        raise UserError(f"{path}: not in the encoding that was given or found ({error})") from error
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from error
    finally:
        csv.field_size_limit(before)


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def _blocks(path: Path, *, whole: bool) -> Iterator[bytes]:
    with _open(path) as handle:
        while block := handle.read(_BLOCK):
            yield block
            if not whole:
                return


def _wide(first: bytes) -> str | None:
    """The form of UTF-16 that a block without a mark is in: its ASCII has a NUL on one side of each letter."""
    left, right = first[::2].count(0), first[1::2].count(0)
    for name, start, mine, others in (
        ("utf-16-le", first[1:2], right, left),
        ("utf-16-be", first[:1], left, right),
    ):
        if start == b"\0" and mine > 4 * others and 40 * mine > len(first):
            return name
    return None


def _fits(path: Path, encoding: str, *, whole: bool) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in _blocks(path, whole=whole):
            decoder.decode(block)
        if whole:
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _high_bytes_in_runs(path: Path, *, whole: bool) -> bool:
    """Whether bytes above ASCII mostly stand side by side, as in GB18030, and not alone as accents do.

    GB18030 reads an accent and the letter after it as one Chinese character: that it decodes without
    an error proves little.
    """
    for block in _blocks(path, whole=whole):
        if high := len(re.findall(rb"[\x80-\xff]", block)):
            alone = len(re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", block))
            return 2 * alone < high
    return False


def _bare_separator(path: Path, encoding: str, width: int) -> str:
    """The separator that cuts the most lines of the head into one number of fields, 2 to ``width``.

    Tabs are tried first, and for them the number does not matter: texts hold the other signs by chance, but no tabs.
    One column is a text a line, which nothing cuts.
    """
    lines = list(islice(lines_of(path, encoding, errors="replace"), HEAD_LINES))
    best, most = "\t", 0
    for separator in sorted(SEPARATORS, key="\t".__ne__) if width > 1 else ():
        tab = separator == "\t"
        quoting: Literal[0, 3] = csv.QUOTE_NONE if tab else csv.QUOTE_MINIMAL
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=separator, quoting=quoting))
        alike = max(
            (rows for fields, rows in widths.items() if fields > 1 and (tab or fields <= width)), default=0
        )
        if alike > most:
            best, most = separator, alike
    return best


def _separator(path: Path, encoding: str) -> str:
    """The separator that cuts the header, and the most rows of the head into as many fields as it."""
    natural = "\t" if Path(path.name.removesuffix(".gz")).suffix.lower() in (".tsv", ".tab") else ","
    lines = list(islice(lines_of(path, encoding, errors="replace"), HEAD_LINES))
    best, best_score = natural, (0.0, False)
    for separator in SEPARATORS:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        if widths and widths[0] > 1:
            score = (widths.count(widths[0]) / len(widths), separator == natural)
            if score > best_score:
                best, best_score = separator, score
    return best
