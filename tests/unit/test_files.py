"""Artifacts are whole or not there, and the same content gives the same bytes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from podium import files

TABLE = pd.DataFrame({"id": ["0042", "b\nc"], "value": [1.5, None]}, index=[7, 3]).astype({"id": "str"})


def test_tables_come_back_without_their_index_and_with_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "new/folder/a.parquet", tmp_path / "b.parquet"
    files.write_table(TABLE, first)
    files.write_table(TABLE.reset_index(drop=True), second)
    assert first.read_bytes() == second.read_bytes()
    pd.testing.assert_frame_equal(files.read_table(first), TABLE.reset_index(drop=True))
    assert list(files.read_table(first, columns=["value"]).columns) == ["value"]


def test_text_keeps_its_line_ends_and_json_its_order_and_letters(tmp_path: Path) -> None:
    files.write_text("a\r\nb\n", tmp_path / "t")
    assert (tmp_path / "t").read_bytes() == b"a\r\nb\n"
    files.write_csv(TABLE, tmp_path / "t.tsv", separator="\t")
    assert (tmp_path / "t.tsv").read_bytes() == b'id\tvalue\n0042\t1.5\n"b\nc"\t\n'
    value = {"z": 1, "a": ["\u00e9", 0.1, None]}
    files.write_json(value, tmp_path / "j.json")
    assert (
        (tmp_path / "j.json").read_text(encoding="utf-8").startswith('{\n  "z": 1,\n  "a": [\n    "\u00e9"')
    )
    assert files.read_json(tmp_path / "j.json") == value


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    files.write_json([1], path)
    with pytest.raises(ValueError, match="JSON"):
        files.write_json([float("nan")], path)

    def half(temporary: Path) -> None:
        temporary.write_text("hal", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.write_atomically(path, half)
    assert files.read_json(path) == [1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["facts.json"]


def test_a_killed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    files.write_json([1], path)
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom podium.files import write_atomically\n"
        "def half(path):\n    path.write_text('[2, ')\n    os.kill(os.getpid(), 9)\n"
        "write_atomically(Path(sys.argv[1]), half)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == -signal.SIGKILL
    assert files.read_json(path) == [1]
    assert os.access(path, os.R_OK)
