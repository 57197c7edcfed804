"""``python -m bench``: list the measurements."""

import ast
import pkgutil
from pathlib import Path


def main() -> None:
    """Print each measurement's command and its first line."""
    folder = Path(__file__).parent
    for module in pkgutil.iter_modules([str(folder)]):
        tree = ast.parse((folder / f"{module.name}.py").read_text(encoding="utf-8"))
        commands = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        if module.name != "__main__" and "main" in commands:
            print(f"python -m bench.{module.name:12} {(ast.get_docstring(tree) or '').splitlines()[0]}")


if __name__ == "__main__":
    main()
