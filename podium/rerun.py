"""Digests of code, so that an edited module redoes exactly the rules that use it.

Snakemake compares the time stamp of a script and does not follow its imports. Each rule therefore
carries one ``code`` string: a digest of the syntax trees of its script and of every module of the project
that it imports, directly or not. Comments, docstrings and formatting do not count.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGES = ("podium", "scripts")
# How jobs are started, watched and told apart from each other: nothing of it changes what they compute
HARNESS = frozenset(
    [
        *("scripts/job.py", "podium/errors.py", "podium/guard.py", "podium/pulse.py", "podium/mishaps.py"),
        *("podium/devices.py", "podium/gpu.py", "podium/progress.py", "podium/stopwatch.py"),
    ]
)


def digest(root: Path, *files: str) -> str:
    """Digest ``files`` (paths below ``root``) and all project modules that they import."""
    seen: dict[str, str] = {}
    waiting = sorted(files)
    while waiting:
        name = waiting.pop()
        if name not in seen and name not in HARNESS:
            seen[name], imported = _module(root / name, root)
            waiting += imported
    text = "\n".join(f"{name} {seen[name]}" for name in sorted(seen))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _module(path: Path, root: Path) -> tuple[str, tuple[str, ...]]:
    """Digest of one module's tree, and the project files that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                imported |= _files(alias.name, root)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imported |= _files(node.module, root)
            for alias in node.names:
                imported |= _files(f"{node.module}.{alias.name}", root)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest(), tuple(sorted(imported))


def _files(module: str, root: Path) -> set[str]:
    """Files of the project that importing ``module`` runs; empty for other packages."""
    parts = module.split(".")
    if parts[0] not in PACKAGES:
        return set()
    found = set()
    for depth in range(1, len(parts) + 1):
        stem = "/".join(parts[:depth])
        found |= {name for name in (f"{stem}.py", f"{stem}/__init__.py") if (root / name).is_file()}
    return found


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
