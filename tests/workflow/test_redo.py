"""What a changed key redoes: for every key of the config, the rules that ``workflow/redo.yaml`` names, and no other."""

import fnmatch
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from changes import FIXED, competition, pair
from tiny import ROOT, Clone
from wide import WIDE, planned, write_files

from podium.config.keys import leaves
from podium.errors import UserError

TOP = "top level"


def table() -> dict[str, set[str]]:
    """Rules of each key, from the file."""
    found: dict[str, set[str]] = {}
    written = yaml.safe_load((ROOT / "workflow/redo.yaml").read_text(encoding="utf-8"))
    for block, entries in written.items():
        for entry in entries:
            for key in entry["keys"]:
                path = key if block == TOP else f"{block}.{key}"
                assert path not in found, f"workflow/redo.yaml names {path} twice"
                found[path] = set(entry["redo"])
    return found


def fixed(path: str) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in FIXED)


def free() -> Iterator[str]:
    """Keys that can change alone."""
    return (path for path in leaves() if not fixed(path))


def test_every_key_is_in_the_table_and_no_other() -> None:
    missing = set(free()) - set(table())
    assert not missing, f"workflow/redo.yaml does not say what these keys redo: {sorted(missing)}"
    assert not set(table()) - set(free())


@pytest.mark.parametrize("name", WIDE)
def test_a_changed_key_redoes_the_rules_of_the_table(name: str, tmp_path: Path) -> None:
    expected, wrong = table(), []
    Clone(tmp_path, WIDE[name])
    write_files(tmp_path)
    with planned(tmp_path) as jobs:
        for path in free():
            if competition(path) == name:
                before, after = pair(path)
                found = jobs.changed(before, after)
                if found != expected[path]:
                    wrong.append(f"{path} redoes {sorted(found)}, the table says {sorted(expected[path])}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", sorted(path for path in leaves() if fixed(path)))
def test_a_key_that_cannot_change_alone_is_refused(path: str) -> None:
    with pytest.raises((LookupError, UserError)):
        pair(path)
