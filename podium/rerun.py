"""Digests of code, so that an edited module redoes exactly the rules that use it.

Snakemake compares the time stamp of a script and does not follow its imports. Each rule therefore
carries one ``code`` string: a digest of the syntax trees of its script and of every module of the project
that it imports, directly or not. Comments, docstrings and formatting do not count.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from podium.files import write_text

PACKAGES = ("podium", "scripts")
# How jobs are started, watched and told apart from each other: nothing of it changes what they compute
HARNESS = frozenset(
    [
        *("scripts/job.py", "podium/errors.py", "podium/guard.py", "podium/pulse.py", "podium/mishaps.py"),
        *("podium/devices.py", "podium/gpu.py", "podium/progress.py", "podium/stopwatch.py"),
    ]
)


REMEMBERED = "podium/__pycache__/rerun.json"
"""What is known of modules that were looked at before, in a place for what can be made again; see ``Remembered``."""


def digest(root: Path, *files: str) -> str:
    """Digest ``files`` (paths below ``root``) and all project modules that they import."""
    seen: dict[str, str] = {}
    waiting = sorted(files)
    while waiting:
        name = waiting.pop()
        if name not in seen and name not in HARNESS:
            seen[name], imported = _module(name, root)
            waiting += imported
    _remembered(root).keep()
    text = "\n".join(f"{name} {seen[name]}" for name in sorted(seen))
    return _sha(text.encode())[:16]


class Remembered:
    """Digests of modules from one process to the next: every look at the workflow needs all, and trees take a second.

    A module is known by the digest of its source. ``stamp`` is of all else that decides: this file and the interpreter.
    Beside compiled modules, and like these not written where Python was told to write none.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._new = path, False
        self._stamp = _sha(Path(__file__).read_bytes() + sys.version.encode())
        self._modules: dict[str, tuple[str, str, list[str]]] = {}
        try:
            found = json.loads(path.read_bytes())
            if found["stamp"] == self._stamp:
                for name, (source, tree, imported) in found["modules"].items():
                    self._modules[name] = (str(source), str(tree), list(imported))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # none is there, or a damaged one, which is worth no more

    def module(self, name: str, source: bytes) -> tuple[str, list[str]]:
        """Digest of a module's tree, and what it imports, of any package."""
        known, given = self._modules.get(name), _sha(source)
        if known is None or known[0] != given:
            tree = ast.parse(source)
            imported = sorted(set(_imported(tree)))
            known = (given, _of_tree(tree), imported)
            self._modules[name], self._new = known, True
        return known[1], known[2]

    def keep(self) -> None:
        """Write what is new; where that fails it is made again the next time."""
        if not self._new or sys.dont_write_bytecode:
            return
        self._new = False
        with suppress(OSError):
            write_text(json.dumps({"stamp": self._stamp, "modules": self._modules}), self._path)


def _sha(given: bytes) -> str:
    return hashlib.sha256(given).hexdigest()


@cache
def _remembered(root: Path) -> Remembered:
    return Remembered(root / REMEMBERED)


@cache
def _module(name: str, root: Path) -> tuple[str, tuple[str, ...]]:
    """Digest of one module's tree, and the project files that it imports."""
    found, imported = _remembered(root).module(name, (root / name).read_bytes())
    return found, tuple(sorted({file for module in imported for file in _files(module, root)}))


def _imported(tree: ast.AST) -> Iterator[str]:
    """Names of the modules that ``tree`` imports, and of what may be one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _of_tree(tree: ast.AST) -> str:
    """Digest of the code without its docstrings, which ``tree`` loses."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    return _sha(ast.unparse(tree).encode())


@cache
def _files(module: str, root: Path) -> frozenset[str]:
    """Files of the project that importing ``module`` runs; empty for other packages."""
    parts = module.split(".")
    if parts[0] not in PACKAGES:
        return frozenset()
    found: set[str] = set()
    for depth in range(1, len(parts) + 1):
        stem = "/".join(parts[:depth])
        found |= {name for name in (f"{stem}.py", f"{stem}/__init__.py") if (root / name).is_file()}
    return frozenset(found)


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    first = node.body[0] if node.body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        node.body = node.body[1:]
