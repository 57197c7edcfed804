"""``python -m bench``: list the measurements."""

import ast
import pkgutil
from pathlib import Path


def main() -> None:
    """Print each measurement's command and its first line."""
    folder = Path(__file__).parent
    for module in pkgutil.iter_modules([str(folder)]):
        if module.name not in ("__main__", "common"):
            text = ast.get_docstring(ast.parse((folder / f"{module.name}.py").read_text(encoding="utf-8")))
            print(f"python -m bench.{module.name:12} {(text or '').splitlines()[0]}")


if __name__ == "__main__":
    main()
