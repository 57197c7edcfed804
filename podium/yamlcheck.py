"""A config file that is no YAML, or YAML with a trap in it, told in one line with the place of the mistake."""

import re
import sys
from pathlib import Path
from typing import Any

import yaml

from podium.errors import UserError, brief, shown

DEEPEST = 50  # blocks inside each other; the config's own have six
MOST_VALUES = 1_000_000  # keys and values, those of an alias counted each time that it stands there
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_OTHER_NUMBER = re.compile(r"[-+]?(0[0-7_]+|[0-9_]+(:[0-5]?[0-9])+(\.[0-9_]*)?)")
EVALUATED = "__use_yte__"  # makes Snakemake run Python code that stands in a config file


class _Loader(yaml.SafeLoader):
    """Plain values only; a value that its type cannot hold has its place in the message."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, LookupError, AttributeError, TypeError, OverflowError) as error:
            kind = node.tag.rpartition(":")[2]
            problem = f"this is no {kind}: {brief(node.value)}; put text in quotes"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping from a YAML file.

    Raises
    ------
    UserError
        Names file, line and column: the file cannot be read, is no YAML, names a key twice, holds itself, is nested
        too deeply, grows beyond measure by its aliases, or asks for code to be run.
    """
    try:
        value = _load(path, path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text") from error
    except RecursionError as error:
        raise UserError(f"{path}: blocks are nested too deeply; at most {DEEPEST} can be") from error
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        told = problem or " ".join(str(error).split())
        raise UserError(f"{_place(path, mark)}: no valid YAML: {told}") from error
    if not isinstance(value, dict):
        raise UserError(f"{path}: is not a mapping of keys to values")
    return value


def _load(path: Path, text: str) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check(path, node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _check(path: Path, root: yaml.Node) -> None:
    """Look at nodes before values are made of them: what is small as text can be beyond any memory as values."""
    sizes: dict[int, int] = {}
    inside: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        if id(node) in sizes:
            return sizes[id(node)]
        if id(node) in inside:
            raise UserError(f"{_place(path, node.start_mark)}: this block holds itself; take the alias out")
        if depth > DEEPEST:
            raise UserError(
                f"{_place(path, node.start_mark)}: blocks are nested too deeply; at most {DEEPEST} can be"
            )
        inside.add(id(node))
        total = 1
        if isinstance(node, yaml.MappingNode):
            _check_keys(path, node)
        if isinstance(node, yaml.ScalarNode):
            _check_number(path, node)
        if not isinstance(node, yaml.ScalarNode):
            parts = (
                node.value
                if isinstance(node, yaml.SequenceNode)
                else [x for pair in node.value for x in pair]
            )
            total += sum(size(part, depth + 1) for part in parts)
        if total > MOST_VALUES:
            raise UserError(
                f"{_place(path, node.start_mark)}: aliases make more than {MOST_VALUES:,} values; take some out"
            )
        inside.remove(id(node))
        sizes[id(node)] = total
        return total

    size(root, 0)


def _check_number(path: Path, node: yaml.ScalarNode) -> None:
    """A label or an id of digits that YAML takes for another number: 010 for 8, 12:30 for 750."""
    if node.style is None and node.tag in _NUMBERS and _OTHER_NUMBER.fullmatch(node.value):
        raise UserError(
            f"{_place(path, node.start_mark)}: YAML reads {brief(node.value)} as another number, to the base of 8 or "
            "60; put it in quotes, or write the number without zeros before it and colons"
        )


def _check_keys(path: Path, node: yaml.MappingNode) -> None:
    """A key that stands twice in a block: the upper one would be lost without a word."""
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value == EVALUATED:
            raise UserError(
                f"{_place(path, key.start_mark)}: {EVALUATED} runs code that stands in the file; take it out"
            )
        name = (key.tag, key.value)
        if name in lines:
            raise UserError(
                f"{_place(path, key.start_mark)}: the key '{brief(key.value)}' stands in this block more than once "
                f"(first in line {lines[name]}); join the two, or take one out"
            )
        lines[name] = key.start_mark.line + 1


def _place(path: Path, mark: yaml.Mark | None) -> str:
    return f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)


def check_yaml(path: str) -> None:
    """End the process with one line where the file cannot be read; JSON, which may have tabs, is left to Snakemake."""
    if path.endswith(".json"):
        return
    try:
        read_yaml(Path(path))
    except UserError as error:
        sys.exit(shown(error))
