"""The config of a task's metric: a name, a name with a number, or the user's own file."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError, PydanticKnownError

from podium import metric_file, metric_names
from podium.config.base import Path
from podium.errors import hint

Metric = Literal[
    "accuracy", "macro_f1", "weighted_f1", "f1", "mcc", "balanced_accuracy", "qwk", "log_loss", "roc_auc",
    "micro_f1", "samples_f1", "exact_match", "hamming_loss", "average_precision",
    "rmse", "mcrmse", "mae", "r2", "pearson", "spearman",
]  # fmt: skip
NAMES: tuple[str, ...] = get_args(Metric)

_NUMBERED = (*metric_names.BY_BETA, *metric_names.BY_K)
_FILE_PATTERN = r"^[^{}]+\.py(::[A-Za-z_][A-Za-z0-9_]*)?$"


def _name(given: Any) -> Any:
    """Turn what the user wrote into one text: ``macro_f2``, ``map_at_3``, ``my/metric.py::score``."""
    if isinstance(given, dict):
        return _of_file(given) if "file" in given else _of_block(given)
    if not isinstance(given, str) or given in NAMES:
        return given
    if metric_file.is_own(given):
        return given
    if metric_names.family(given):
        return metric_names.plain(given)
    if given in _NUMBERED:
        key = "beta: 2" if given in metric_names.BY_BETA else "k: 3"
        raise _mistake(f"{given} needs its number; write {{name: {given}, {key}}}")
    raise PydanticKnownError("literal_error", {"expected": " or ".join(f"'{name}'" for name in NAMES)})


def _of_block(given: dict[str, Any]) -> str:
    name = given.get("name")
    if name not in (*_NUMBERED, *NAMES):
        raise _mistake(f"unknown metric {name!r}; {hint(str(name), [*_NUMBERED, *NAMES])}")
    wanted = "beta" if name in metric_names.BY_BETA else "k" if name in metric_names.BY_K else None
    for key in given:
        if key not in ("name", wanted):
            raise _mistake(
                f"{name} has no key '{key}'; {hint(key, ['name', wanted] if wanted else ['name'])}"
            )
    if wanted is None:
        return str(name)
    number = given.get(wanted)
    whole = wanted == "k"
    if (
        isinstance(number, bool)
        or not isinstance(number, int if whole else int | float)
        or not 0 < number < 1e6
    ):
        raise _mistake(f"{wanted} must be a {'whole number' if whole else 'number'} above 0")
    return metric_names.with_k(name, number) if whole else metric_names.with_beta(name, number)


def _of_file(given: dict[str, Any]) -> str:
    for key in given:
        if key not in ("file", "function"):
            raise _mistake(f"a metric's file has no key '{key}'; {hint(key, ['file', 'function'])}")
    name = f"{given['file']}::{given.get('function', metric_file.FUNCTION)}"
    if not metric_file.is_own(name):
        raise _mistake("file must be a Python file (NAME.py), and function the name of one in it")
    return name


def _mistake(text: str) -> PydanticCustomError:
    return PydanticCustomError("metric", "{text}", {"text": text})


_SCHEMA = {
    "anyOf": [
        {"type": "string", "enum": list(NAMES)},
        {"type": "string", "pattern": metric_names.PATTERN},
        {"type": "string", "pattern": _FILE_PATTERN},
        {
            "type": "object",
            "properties": {
                "name": {"type": "string", "enum": [*NAMES, *_NUMBERED]},
                "beta": {"type": "number", "exclusiveMinimum": 0},
                "k": {"type": "integer", "minimum": 1},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"file": {"type": "string"}, "function": {"type": "string"}},
            "required": ["file"],
            "additionalProperties": False,
        },
    ]
}

AnyMetric = Annotated[Path, BeforeValidator(_name), WithJsonSchema(_SCHEMA)]


def metric_field() -> Any:
    """The key ``metric`` of a task."""
    return Field(
        "accuracy",
        description="The leaderboard's metric. single_label: accuracy, macro_f1, micro_f1, weighted_f1, f1 (of the "
        "last label in sorted order, 1 of 0 and 1), mcc, balanced_accuracy, qwk (of whole numbers), log_loss, roc_auc, "
        "average_precision (means over the classes), top_3_accuracy, map_at_3. multi_label: micro_f1, macro_f1, "
        "weighted_f1, samples_f1, exact_match, hamming_loss, log_loss, roc_auc, average_precision. regression: rmse, "
        "mcrmse, mae, r2, pearson, spearman, qwk. f2, macro_f0.5: F-beta, also {name: macro_f_beta, beta: 0.5}. "
        "A file of your own: path/to/metric.py, or {file: path/to/metric.py, function: score}.",
    )
