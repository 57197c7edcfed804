"""A config file that is no YAML, told in one line with the place of the mistake."""

import sys
from pathlib import Path
from typing import Any

import yaml

from podium.errors import UserError, shown


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping from a YAML file; raise ``UserError`` that names file, line and column of a mistake."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text") from error
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UserError(f"{path}{where}: no valid YAML: {problem or ' '.join(str(error).split())}") from error
    if not isinstance(value, dict):
        raise UserError(f"{path}: is not a mapping of keys to values")
    return value


def check_yaml(path: str) -> None:
    """End the process with one line where the file cannot be read."""
    try:
        read_yaml(Path(path))
    except UserError as error:
        sys.exit(shown(error))
