"""A digest changes with what a script's code does, wherever that stands, and with nothing else."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from podium import rerun
from podium.rerun import digest

ROOT = Path(__file__).parents[2]
IMPORT = re.compile(r"(from|import) (podium|scripts)\b")

FILES = {
    "scripts/train.py": '"""Train."""\nfrom podium.models import make\nfrom scripts import job, helper\n\nmake(1)\n',
    "scripts/job.py": "X = 1\n",
    "scripts/helper.py": "import podium.log as log\n",
    "podium/__init__.py": "",
    "podium/log.py": "import os\n\nLEVEL = 1\n",
    "podium/models/__init__.py": (
        '"""Models."""\n\n\ndef make(size: int) -> int:\n    """Make one."""\n'
        "    import podium.lazy  # slow\n\n    return podium.lazy.DEPTH * size\n"
    ),
    "podium/models/linear.py": "C = 1.0\n",
    "podium/lazy.py": "DEPTH = 3\n",
    "podium/other.py": "UNUSED = 1\n",
}
ROOTS = count()


def digest_with(folder: Path, edits: dict[str, str] | None = None, *more: str) -> str:
    """The digest of a small project after some edits, each time in a new folder."""
    root = folder / str(next(ROOTS))
    for name, text in {**FILES, **(edits or {})}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return digest(root, "scripts/train.py", *more)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("scripts/train.py", "make(1)", "make( 1 )  # one"),
        ("scripts/train.py", '"""Train."""', '"""Train one member."""\n'),
        ("podium/models/__init__.py", '    """Make one."""\n', ""),
        ("podium/models/__init__.py", "  # slow", ""),
        ("podium/other.py", "UNUSED = 1", "UNUSED = 2"),
        ("podium/models/linear.py", "1.0", "2.0"),  # named by nothing: rules add it themselves
    ],
)
def test_digest_ignores(tmp_path: Path, name: str, old: str, new: str) -> None:
    assert old in FILES[name]
    assert digest_with(tmp_path) == digest_with(tmp_path, {name: FILES[name].replace(old, new)})


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("scripts/train.py", "make(1)", "make(2)"),
        ("scripts/helper.py", "podium.log as log", "podium.log"),
        ("podium/log.py", "LEVEL = 1", "LEVEL = 2"),  # imported by what is imported
        ("podium/lazy.py", "DEPTH = 3", "DEPTH = 4"),  # imported inside a function
        ("podium/__init__.py", "", "X = 1"),  # runs with every import
        ("podium/models/__init__.py", "size: int", "size: float"),
    ],
)
def test_digest_sees(tmp_path: Path, name: str, old: str, new: str) -> None:
    assert digest_with(tmp_path) != digest_with(tmp_path, {name: FILES[name].replace(old, new)})


def test_modules_named_by_the_rule_count(tmp_path: Path) -> None:
    named = "podium/models/linear.py"
    plain = digest_with(tmp_path, None, named)
    assert plain != digest_with(tmp_path)
    assert plain != digest_with(tmp_path, {named: "C = 2.0\n"}, named)


def begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has looked at nothing yet, and may write beside compiled modules."""
    for kept in (rerun._module, rerun._files, rerun._remembered):
        kept.cache_clear()
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def with_other_trees(text: str) -> str:
    found = json.loads(text)
    found["modules"] = {name: (of[0], "0" * 64, of[2]) for name, of in found["modules"].items()}
    return json.dumps(found)


def test_what_was_looked_at_is_not_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a source that has changed is; the digest is that of a process that remembers nothing."""
    edits = {"podium/lazy.py": "DEPTH = 4\n"}
    begin_anew(monkeypatch)
    before, after = digest_with(tmp_path), digest_with(tmp_path, edits)
    root = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))[0]
    parsed: list[bytes] = []
    parse = ast.parse

    def noted(source: bytes) -> ast.Module:
        parsed.append(source)
        return parse(source)

    monkeypatch.setattr(ast, "parse", noted)
    begin_anew(monkeypatch)
    assert digest(root, "scripts/train.py") == before
    assert parsed == []
    begin_anew(monkeypatch)
    for name, text in edits.items():
        (root / name).write_text(text, encoding="utf-8")
    assert digest(root, "scripts/train.py") == after
    assert parsed == [text.encode() for text in edits.values()]


@pytest.mark.parametrize(
    ("damage", "believed"),
    [
        (with_other_trees, True),  # what the others are held against: a file that lies where nobody looks
        (lambda text: with_other_trees(text).replace('"stamp": "', '"stamp": "0'), False),
        (lambda text: text[:-9], False),
        (lambda text: "[]", False),
        (lambda text: re.sub(r'"modules": .*', '"modules": {"podium/log.py": []}}', text), False),
    ],
)
def test_a_memory_that_is_old_or_damaged_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[str], str], believed: bool
) -> None:
    begin_anew(monkeypatch)
    before = digest_with(tmp_path)
    (root,) = tmp_path.iterdir()
    memory = root / rerun.REMEMBERED
    whole = memory.read_text(encoding="utf-8")
    memory.write_text(damage(whole), encoding="utf-8")
    begin_anew(monkeypatch)
    assert (digest(root, "scripts/train.py") != before) == believed
    assert believed or memory.read_text(encoding="utf-8") == whole
    assert [path.name for path in memory.parent.iterdir()] == [memory.name]


def test_a_look_at_the_workflow_imports_nothing_heavy() -> None:
    """Every command of Snakemake's reads the rules and what they import, and a user waits for it."""
    files = [ROOT / "Snakefile", *ROOT.glob("workflow/rules/*.smk")]
    lines = {line for path in files for line in path.read_text("utf-8").splitlines() if IMPORT.match(line)}
    assert "from podium.plans import Plans" in lines
    heavy = "{'torch', 'transformers', 'sklearn', 'scipy', 'lightgbm', 'cleanlab', 'nltk', 'matplotlib'}"
    code = "\n".join([*sorted(lines), "import sys", f"print(*{heavy} & set(sys.modules))"])
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_package_uses_absolute_imports_only() -> None:
    """Relative ones and ``import_module`` would be invisible to the digest.

    What a kind of model or augmentation imports by name, the plan adds to its rules' digests. What a job sends to its
    other processes (``parcel``) names modules that it has imported itself.
    """
    by_name = {"podium/models/__init__.py", "podium/augment/filters.py", "podium/augment/making.py"}
    by_name |= {"podium/span/members.py", "podium/commands/__init__.py", "podium/engine/team/parcel.py"}
    root = Path(__file__).parents[2]
    for path in [*(root / "podium").rglob("*.py"), *(root / "scripts").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert "\nfrom ." not in text, path
        assert "import_module(" not in text or path.relative_to(root).as_posix() in by_name, path


def test_what_only_starts_and_watches_jobs_does_not_count(tmp_path: Path) -> None:
    assert digest_with(tmp_path / "a") == digest_with(tmp_path / "b", {"scripts/job.py": "X = 2\n"})
