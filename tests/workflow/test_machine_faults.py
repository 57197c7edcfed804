"""A full disk, a folder that is read-only, files that went away or were cut, two runs at once.

Each ends in one clear line and exit status 1, and the run that is started when it is mended makes the same bytes.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny import CONFIG, Clone, _environment, sample_numbers

SMALL: dict[str, Any] = {name: CONFIG[name] for name in ("competition", "seed", "tasks")} | {
    "text": {"views": {"raw": []}},
    "folds": {"n": 3},
    "models": {"linear": {"kind": "linear"}},
    "ensemble": {"methods": ["mean"], "submit": "mean"},
}


TARGET = "results/submission.csv"


def results(clone: Clone) -> dict[str, bytes]:
    """Every table, fact and model of the run, and what is submitted."""
    folder = clone.folder / "results"
    kinds = (".parquet", ".json", ".safetensors", ".csv")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in kinds and path.relative_to(folder).parts[0] not in ("logs", "benchmarks")
    }


def same_results(one: Clone, other: Clone) -> None:
    found, wanted = results(one), results(other)
    assert {name for name in {*found, *wanted} if found.get(name) != wanted.get(name)} == set()


def made(folder: Path) -> Clone:
    """A clone with a competition whose words are numbers."""
    folder.mkdir(exist_ok=True)
    clone = Clone(folder, SMALL)
    data = folder / "data/tiny"
    data.mkdir(parents=True)
    for name, table in sample_numbers(80, 20).items():
        table.to_csv(data / name, index=False)
    return clone


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone whose run is complete."""
    clone = made(tmp_path_factory.mktemp("whole"))
    clone.snakemake(TARGET, warm=True)
    return clone


def refused(clone: Clone, *arguments: str) -> str:
    """The last words of a run that must fail without a traceback, each of them once."""
    done = clone.snakemake(*arguments, check=False, warm=True)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if line.startswith("podium:")]
    assert lines, said
    return lines[-1]


Mount = Callable[..., None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mount a small disk on a folder, or again with other options; skip where that is not allowed."""
    mounted: list[Path] = []

    def on(folder: Path, options: str) -> None:
        folder.mkdir(exist_ok=True)
        again = ["-o", f"remount,{options}", str(folder)]
        first = ["-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        program = shutil.which("mount")
        if program is None:
            pytest.skip("no program to mount a disk with")
        done = subprocess.run(
            [program, *(again if folder in mounted else first)], capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"a disk cannot be mounted here: {done.stderr.strip()}")
        mounted.append(folder)

    yield on
    for folder in dict.fromkeys(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def test_a_full_disk(whole: Clone, tmp_path: Path, mount: Mount) -> None:
    clone = made(tmp_path / "clone")
    mount(clone.folder / "results", "size=200k")
    said = refused(clone, TARGET)
    assert "no space is left on the disk" in said
    assert "make room, then start the run again" in said
    assert not list((clone.folder / "results").rglob(".*.part"))
    mount(clone.folder / "results", "size=64m")
    clone.snakemake(TARGET, warm=True)
    same_results(clone, whole)


def test_results_that_are_read_only(whole: Clone, tmp_path: Path, mount: Mount) -> None:
    clone = made(tmp_path / "clone")
    mount(clone.folder / "results", "size=64m")
    clone.snakemake("folds", warm=True)
    mount(clone.folder / "results", "ro")
    assert "results/competition.txt cannot be used (Read-only file system); allow" in refused(clone, TARGET)
    mount(clone.folder / "results", "rw")
    clone.snakemake(TARGET, warm=True)
    same_results(clone, whole)


def test_files_that_were_cut_or_went_away_in_the_middle(whole: Clone, tmp_path: Path) -> None:
    clone = made(tmp_path / "clone")
    clone.snakemake("folds", warm=True)
    name = "results/folds/topic/folds.parquet"
    file, data = clone.folder / name, clone.folder / "data/tiny/train.csv"
    os.truncate(file, file.stat().st_size // 2)
    said = refused(clone, TARGET)
    assert f"{name} is damaged" in said
    assert "delete it and start again" in said
    file.unlink()
    data.rename(clone.folder / "away.csv")
    assert "there is no file data/tiny/train.csv" in refused(clone, TARGET)
    (clone.folder / "away.csv").rename(data)
    (clone.folder / "results/ingest/topic/train.parquet").unlink()
    clone.snakemake(TARGET, warm=True)
    same_results(clone, whole)


def test_of_runs_that_start_at_once_one_works(whole: Clone, tmp_path: Path) -> None:
    clone = made(tmp_path / "clone")
    command = clone.command(TARGET, warm=True)
    assert command[0] == sys.executable
    pipe = subprocess.PIPE
    runs = [
        subprocess.Popen(command, cwd=clone.folder, env=_environment(), stdout=pipe, stderr=pipe, text=True)
        for _ in range(3)
    ]
    said = ["".join(run.communicate()) for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 1, 1], said
    for run, words in zip(runs, said, strict=True):
        if run.returncode:
            assert "podium: another run is working in this folder" in words
            assert "Traceback" not in words
    same_results(clone, whole)
