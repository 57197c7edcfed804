"""A user's own metric: a Python file that the config names.

The file defines a function of two arrays, the truth and the prediction, and two constants::

    greater_is_better = True
    takes = "labels"  # or "probabilities", or "values" (of a regression)

    def score(truth, prediction):
        return float((truth == prediction).mean())

An optional ``classes = ["neg", "pos"]`` is the order of classes that the file counts on. The constants are read, not
run; the file itself runs only where scores are computed. It is named ``FILE::FUNCTION@DIGEST``, with a digest of the
file's text: what was scored with another text is old.
"""

import ast
import hashlib
import inspect
import math
import re
import types
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, Literal

import numpy as np

from podium.errors import UserError, brief, hint
from podium.files import is_file, is_folder
from podium.metric import Metric
from podium.targets import TaskType

FUNCTION = "score"
LARGEST = 10_000_000  # bytes of a file
_MOST = 12  # names that a message shows
_NAME = re.compile(
    r"(?P<path>.+\.py)(?:::(?P<function>[A-Za-z_][A-Za-z0-9_]*))?(?:@(?P<digest>[0-9a-f]{16}))?"
)
_TAKES = ("labels", "probabilities", "values")


@dataclass(frozen=True)
class OwnMetric:
    """What a metric's file says of itself."""

    path: str
    function: str
    greater_is_better: bool
    takes: Literal["labels", "probabilities", "values"]
    classes: list[str] | None


#: Metrics whose keys are no words to be read in a sentence
_IN_WORDS = {"exact": "exact match"}


def is_own(metric: str) -> bool:
    """Whether a metric's name is that of a file."""
    return _NAME.fullmatch(metric) is not None


def shown(metric: str) -> str:
    """Return the name of a metric for people: a key in words, a file without its folder and digest."""
    found = _NAME.fullmatch(metric)
    if found is None:
        return _IN_WORDS.get(metric, metric)
    function = found["function"] or FUNCTION
    return Path(found["path"]).stem + ("" if function == FUNCTION else f".{function}")


def pinned(metric: str) -> str:
    """Return ``FILE::FUNCTION@DIGEST`` for the text that the file has now; a missing file raises ``UserError``."""
    path, function, _ = _parts(metric)
    return f"{path}::{function}@{_digest(_text(path))}"


def read(metric: str) -> OwnMetric:
    """Read what the file says of itself, without running it.

    Raises ``UserError`` where there is no such file, no function or constant, and where the file's text is no longer
    the one that the name holds the digest of.
    """
    return _read(metric) if _parts(metric)[2] else _read.__wrapped__(metric)


@lru_cache(maxsize=8)
def _read(metric: str) -> OwnMetric:
    path, function, digest = _parts(metric)
    text = _text(path)
    if digest and digest != _digest(text):
        raise UserError(f"metric: {path} was edited during the run: start the run again")
    try:
        tree = ast.parse(text, filename=path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise UserError(f"metric: {path}{line}: {_first_line(error)}") from error
    names, constants = _top_level(tree)
    if function not in names:
        raise UserError(f"metric: {path} has no function '{function}': {hint(function, names)}")

    def constant(name: str, allowed: Callable[[Any], bool], what: str) -> Any:
        if name not in constants or not allowed(constants[name]):
            raise UserError(f"metric: {path} must say {what}")
        return constants[name]

    greater = constant(
        "greater_is_better", lambda value: isinstance(value, bool), "greater_is_better = True, or False"
    )
    takes = constant("takes", lambda value: value in _TAKES, f"takes = one of {', '.join(map(repr, _TAKES))}")
    classes = None
    if "classes" in names:
        names_wanted = constant(
            "classes", lambda value: isinstance(value, list | tuple), "classes as a list of names"
        )
        classes = [str(name) for name in names_wanted]
    return OwnMetric(path, function, greater, takes, classes)


def load(metric: str, type: TaskType) -> Metric:
    """Return the metric for a type of task; its function is imported when it is first called.

    Raises ``UserError`` as ``read``, and where the task has not what the metric takes.
    """
    found = read(metric)
    if (found.takes == "values") != (type == "regression"):
        right = "values" if type == "regression" else "labels or probabilities"
        raise UserError(
            f"metric: {found.path} takes {found.takes}, but a {type} task has {right}: mend takes, or the file"
        )
    uses: dict[str, Literal["labels", "proba", "values"]] = {
        "labels": "labels",
        "probabilities": "proba",
        "values": "values",
    }

    def value(truth: np.ndarray, given: np.ndarray) -> float:
        function = _function(metric) if _parts(metric)[2] else _function.__wrapped__(metric)
        return _called(function, found, truth, given)

    return Metric(found.greater_is_better, uses[found.takes], found.takes != "labels", value=value)


def class_mistake(metric: str, labels: list[str]) -> str | None:
    """Return why the metric is not for the classes ``labels`` in their order; None where it is."""
    found = read(metric)
    if found.classes is None or found.classes == labels:
        return None
    return f"{found.path} is for the classes {_listed(found.classes)}, but the task's are {_listed(labels)}"


def _listed(names: list[str]) -> str:
    """The first few names."""
    return ", ".join([*map(brief, names[:_MOST]), *(["..."] if len(names) > _MOST else [])])


def _called(function: Callable[..., Any], found: OwnMetric, truth: np.ndarray, given: np.ndarray) -> float:
    where = f"metric: {found.function} of {found.path}"
    with suppress(ValueError):  # a function that is not written in Python may tell nothing of its arguments
        _check_arguments(inspect.signature(function), where, truth, given)
    try:
        result = function(_locked(truth), _locked(given))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        told = f"{type(error).__name__}: {_first_line(error)}"
        raise UserError(f"{where} failed on {len(truth)} rows: {told}") from error
    kind = "nothing" if result is None else type(result).__name__
    try:
        number = float(result)
    except Exception as error:
        raise UserError(f"{where} must return a number, not {kind}") from error
    if not math.isfinite(number):
        raise UserError(f"{where} returned {number} on {len(truth)} rows: it must be a finite number")
    return number


def _check_arguments(signature: inspect.Signature, where: str, *given: np.ndarray) -> None:
    try:
        signature.bind(*given)
    except TypeError as error:
        raise UserError(f"{where} must take two arguments, truth and prediction: {error}") from error


def _locked(array: np.ndarray) -> np.ndarray:
    """A copy that cannot be written to: of a view a file could lift the lock, and change the truth."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


@lru_cache(maxsize=8)
def _function(metric: str) -> Callable[..., Any]:
    path, name, _ = _parts(metric)
    _read(metric)
    module = types.ModuleType("podium_own_metric")
    module.__file__ = path
    try:
        _Loader(module.__name__, path).exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise UserError(
            f"metric: {path} cannot be imported: {type(error).__name__}: {_first_line(error)}"
        ) from error
    function = getattr(module, name)
    if not callable(function):
        raise UserError(f"metric: {name} of {path} is no function")
    return function


class _Loader(SourceFileLoader):
    """Always compiles the text: a cached file beside it could be that of another text of the same second."""

    def get_code(self, fullname: str) -> types.CodeType:
        """Return the compiled text."""
        return self.source_to_code(self.get_data(self.path), self.path)


def _parts(metric: str) -> tuple[str, str, str | None]:
    found = _NAME.fullmatch(metric)
    if found is None:
        raise ValueError(f"{metric} names no file")
    return found["path"], found["function"] or FUNCTION, found["digest"]


def _text(path: str) -> bytes:
    try:
        size = Path(path).stat().st_size
        if not is_file(path) and not is_folder(path):
            raise ValueError("it is no file")  # a pipe or a device would never end
        if size > LARGEST:
            raise ValueError(f"it has {size:,} bytes, more than {LARGEST:,}")
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path that holds a NUL
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(
            f"metric: {path} cannot be read ({reason}); put it there, or mend the path"
        ) from error


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]


def _top_level(tree: ast.Module) -> tuple[list[str], dict[str, Any]]:
    """Names that the file's top level binds, and the values of those that are plain constants."""
    names: list[str] = []
    constants: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names += [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    names.append(target.id)
                    try:
                        constants[target.id] = ast.literal_eval(node.value)
                    except (ValueError, TypeError, RecursionError, MemoryError):  # it is no constant
                        constants.pop(target.id, None)
    return names, constants


def _first_line(error: BaseException) -> str:
    try:
        lines = str(error.msg if isinstance(error, SyntaxError) else error).splitlines()
    except Exception:  # of an exception of the file's own
        lines = []
    return lines[0] if lines else "no message"
