"""Config files of a command: later ones are laid over earlier ones, as Snakemake does."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from podium.config import Config
from podium.validation import load
from podium.yamlcheck import read_yaml


def add_files(parser: ArgumentParser) -> None:
    """Add the argument ``file``: any number of config files."""
    parser.add_argument(
        "file",
        nargs="*",
        type=Path,
        default=[Path("config.yaml")],
        help="config files, later ones over earlier",
    )


def layered(files: list[Path]) -> Config:
    """The checked config of some files, later ones laid over earlier ones; ``UserError`` with every mistake."""
    raw: dict[str, Any] = {}
    for file in files:
        raw = _over(raw, read_yaml(file))
    if "tasks" not in raw and Path("config.yaml") not in files:  # a layer, as Snakemake takes it
        return layered([Path("config.yaml"), *files])
    return load(raw)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay ``above`` over ``below``, block by block, as Snakemake does with several config files."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _over(merged[key], value) if both else value
    return merged
