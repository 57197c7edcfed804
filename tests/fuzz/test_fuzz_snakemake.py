"""A dozen of the corpus through the real command: exit status 1, clear lines, no traceback, nothing elsewhere."""

import re
import shutil
from pathlib import Path

import fuzz_configs
import fuzz_files
import fuzz_rows
import fuzz_samples
import fuzz_tables
import fuzz_types
import pytest
from fuzz_cases import Case
from fuzz_driver import check_mistake, tree
from tiny import CONFIG, Clone

CASES = [*fuzz_files.CASES, *fuzz_rows.CASES, *fuzz_samples.CASES]
EVERY = {case.name: case for case in [*CASES, *fuzz_configs.CASES, *fuzz_types.CASES]}
AT_START = [
    "yaml tabs",
    "yaml duplicate block",
    "yaml python object",
    "yaml laughs in a task",
    "competition 9",
    "missing",
    "gz that is none",
    "unknown key of a task",
]
IN_A_JOB = ["ids with newlines, twice", "ragged test"]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    folder = tmp_path_factory.mktemp("parent") / "case"
    folder.mkdir()
    return Clone(folder, CONFIG)


def outside(clone: Clone) -> dict[str, bytes | str]:
    """All files but those that a run may make."""
    may = re.compile(r"case(/(results|\.snakemake|__pycache__)(/|$)|$)|.*__pycache__")
    return {name: content for name, content in tree(clone.folder.parent).items() if not may.match(name)}


def fill(clone: Clone, case: Case) -> dict[str, bytes | str]:
    for name in ("data", "results"):
        shutil.rmtree(clone.folder / name, ignore_errors=True)
    case.fill(clone.folder)
    return outside(clone)


@pytest.mark.parametrize("name", [*AT_START, *IN_A_JOB], ids=lambda name: name.replace(" ", "_"))
def test_command_tells_in_clear_lines(name: str, clone: Clone) -> None:
    case = EVERY[name]
    before = fill(clone, case)
    done = clone.snakemake(*(["ingest"] if name in IN_A_JOB else []), check=False)
    said = "\n".join(
        line
        for line in (done.stdout + done.stderr).splitlines()
        if not line.startswith("Using workflow specific")
    )
    assert done.returncode == 1
    assert "Traceback" not in said
    told = list(dict.fromkeys(line for line in said.splitlines() if line.startswith("podium: ")))
    assert told, said[-2000:]
    if name in AT_START:
        assert len(said.splitlines()) == len(told), said[-2000:]
    check_mistake("\n".join(line.removeprefix("podium: ") for line in told))
    assert case.error is not None
    assert re.search(case.error, "\n".join(told))
    assert outside(clone) == before


def test_config_file_of_the_command_line_is_looked_at(clone: Clone) -> None:
    fill(clone, EVERY["yaml as it should be"])
    given = Path(clone.folder, "mine.yaml")
    given.write_bytes(str(EVERY["yaml duplicate block"].config).encode())
    done = clone.snakemake("--configfile", "mine.yaml", check=False)
    given.unlink()
    assert done.returncode == 1
    assert "mine.yaml, line" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_names_reach_no_shell(clone: Clone) -> None:
    case = EVERY["path with spaces and signs"]
    before = fill(clone, case)
    clone.snakemake("results/ingest/t/train.parquet")
    assert clone.table("ingest/t/train.parquet")["id"].tolist() == fuzz_tables.IDS
    assert outside(clone) == before
