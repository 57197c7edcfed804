"""Translation by Apertium (Forcada et al. 2011, doi 10.1007/s10590-011-9090-0), rules from Debian's packages.

A direction is a chain of small programs, which Apertium's own script runs as one shell pipeline. Here each one runs by
itself, without a shell, over a whole batch: texts are flattened to a line, escaped as the stream format wants it, and
ended by NUL, at which the programs forget what was before. The statistical tagger does not (3.8): a word whose set of
analyses it was not trained with stays in its tables and changes what it says of later texts. So texts with such words
have a tagger process each, and a text's translation never depends on its neighbours.
"""

import hashlib
import json
import logging
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from podium.errors import UserError, hint

log = logging.getLogger(__name__)

BATCH = 500
_TIMEOUT_SECONDS = 600
_RESERVED = re.compile(r"([\[\]{}^$/\\@<>])")
_ESCAPED = re.compile(r"\\(.)")
_END = ".[]"  # the full stop ends the last sentence; it is taken off again
_END_FOUND = re.compile(r"\s*\.?\[\]\s*$")
_NEW_CLASS = "ambiguity class"
_WORD = re.compile(r"^Word '(.*)'\.$", re.MULTILINE)
_SURFACE = re.compile(r"\^((?:\\.|[^/$\\])*)/")


class ApertiumError(Exception):
    """One of the programs failed, or gave another number of texts than it got."""


class Apertium:
    """One direction of Apertium. ``texts`` that bring it to fail give an empty translation.

    Parameters
    ----------
    source, target
        Codes of the languages, such as ``eng`` and ``spa``.
    threads
        Tagger processes at once.

    Raises
    ------
    UserError
        Apertium or the direction is not installed; by ``translate``: it does not work.
    """

    variants: int | None = 1

    def __init__(self, source: str, target: str, *, threads: int) -> None:
        self.direction = f"{source}-{target}"
        self.threads = threads
        mode = _mode_file(source, target)
        self._stages = _stages(mode)
        self.identity = json.dumps(["apertium", self.direction, _digest(self._stages)])

    def pieces(self, text: str) -> list[str]:
        """The text on one line, without control characters."""
        return [" ".join("".join(char if char.isprintable() else " " for char in text).split())]

    def batches(self, pieces: Sequence[str]) -> list[list[int]]:
        """Batches of ``BATCH`` texts in their order."""
        places = list(range(len(pieces)))
        return [places[start : start + BATCH] for start in range(0, len(places), BATCH)]

    def translate(self, pieces: Sequence[str], variant: int) -> list[str]:
        """Translate a batch; where it fails its halves, down to the text that is at fault, which becomes empty."""
        if variant != 0:
            raise ValueError("Apertium has one translation of a text")
        if not pieces:
            return []
        try:
            return self._through(pieces)
        except ApertiumError as error:
            if len(pieces) == 1:
                self._check()
                log.warning("apertium %s: a text was given up (%s)", self.direction, error)
                return [""]
            half = len(pieces) // 2
            return [*self.translate(pieces[:half], variant), *self.translate(pieces[half:], variant)]

    def _check(self) -> None:
        """Raise ``UserError`` where not even a plain text comes through: then it is no text's fault."""
        try:
            self._through(["Hello."])
        except ApertiumError as error:
            told = f"apertium {self.direction}: does not work here ({error}); reinstall it"
            raise UserError(told) from error

    def _through(self, texts: Sequence[str]) -> list[str]:
        """Send texts through the chain of programs."""
        units = [_RESERVED.sub(r"\\\1", text) + _END for text in texts]
        for stage in self._stages:
            units = self._tag(stage, units) if _is_tagger(stage) else _run(stage, units)[0]
        return [_plain(unit) for unit in units]

    def _tag(self, stage: list[str], units: list[str]) -> list[str]:
        """Tag texts together as far as they have no word that changes the tagger, the others each by itself."""
        if "-g" not in stage:  # another kind of tagger, without such tables
            return _run(stage, units)[0]
        surfaces = [{word.lower() for word in _SURFACE.findall(unit)} for unit in units]
        together = list(range(len(units)))
        alone: list[int] = []
        tagged: dict[int, str] = {}
        while together:
            made, said = _run([stage[0], "-d", *stage[1:]], [units[place] for place in together])
            if _NEW_CLASS not in said:
                tagged.update(zip(together, made, strict=True))
                break
            words = {word.lower() for word in _WORD.findall(said)}
            caught = [place for place in together if surfaces[place] & words] or together
            alone += caught
            together = [place for place in together if place not in set(caught)]
        with ThreadPoolExecutor(self.threads) as pool:
            made_alone = pool.map(lambda place: _run(stage, [units[place]])[0][0], alone)
            tagged.update(zip(alone, made_alone, strict=True))
        return [tagged[place] for place in range(len(units))]


def _is_tagger(stage: list[str]) -> bool:
    return Path(stage[0]).name == "apertium-tagger"


def _run(stage: list[str], units: Sequence[str]) -> tuple[list[str], str]:
    """Run one program over texts that end with NUL; what it made of each, and what it complained of."""
    try:
        done = subprocess.run(
            stage,
            input="".join(f"{unit}\0" for unit in units).encode("utf-8", "replace"),
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ApertiumError(f"{stage[0]}: {error}") from error
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode:
        told = said.strip().splitlines()
        raise ApertiumError(f"{stage[0]} ended with {done.returncode}: {told[-1] if told else 'no reason'}")
    *made, rest = done.stdout.decode("utf-8", "replace").split("\0")
    if any(extra.strip() for extra in [*made[len(units) :], rest]) or len(made) < len(units):
        raise ApertiumError(f"{stage[0]} gave {len(made)} texts for {len(units)}")
    return made[: len(units)], said


def _plain(unit: str) -> str:
    return " ".join(_ESCAPED.sub(r"\1", _END_FOUND.sub("", unit)).split())


def _mode_file(source: str, target: str) -> Path:
    """The file that describes a direction; ``UserError`` that says what to install where it is not there."""
    program = shutil.which("apertium")
    pair = "-".join(("eng", target if source == "eng" else source))
    install = f"sudo apt-get install apertium apertium-{pair}"
    if program is None:
        raise UserError(f"apertium is not installed; {install}, or choose another engine")
    listed = subprocess.run(
        [program, "-l"], capture_output=True, encoding="utf-8", check=False
    ).stdout.split()
    name = f"{source}-{target}"
    if name not in listed:
        raise UserError(f"apertium has no direction '{name}' here ({hint(name, listed)}); {install}")
    data = os.environ.get("APERTIUM_DATADIR")
    folder = Path(data) if data else Path(program).resolve().parents[1] / "share" / "apertium"
    mode = folder / "modes" / f"{name}.mode"
    if not mode.is_file():
        raise UserError(f"apertium: {mode} is not there; name Apertium's data folder in APERTIUM_DATADIR")
    return mode


def _stages(mode: Path) -> list[list[str]]:
    """The programs of a mode with their arguments, each set to take texts ended by NUL."""
    expand = shutil.which("apertium-wblank-mode")
    if expand is None:
        raise UserError("apertium is too old here, it must be 3.8 or newer; install a newer one")
    done = subprocess.run([expand, "-z", str(mode)], capture_output=True, encoding="utf-8", check=False)
    # $1 is how unknown words are shown (-n: as they are), $2 is an option of the tagger that is not wanted
    words = shlex.split(done.stdout.replace("$1", "-n").replace("$2", ""))
    stages: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            stages.append([])
        else:
            stages[-1].append(word)
    missing = sorted({stage[0] for stage in stages if stage and shutil.which(stage[0]) is None})
    if done.returncode or not all(stages) or missing:
        reason = f"no program {', '.join(missing)}" if missing else "it cannot be read"
        raise UserError(f"apertium: {mode} does not work here ({reason}); reinstall its package")
    return stages


def _digest(stages: list[list[str]]) -> str:
    """Digest of a direction: its programs' options and all of its data."""
    digest = hashlib.sha256()
    for word in (word for stage in stages for word in stage):
        path = Path(word)
        if path.is_absolute() and path.is_file():
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
        else:
            digest.update(word.encode() + b"\0")
    return digest.hexdigest()
