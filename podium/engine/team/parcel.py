"""What a training job sends to the processes that it starts: plain values, paths, arrays and tables; nothing that runs.

The one that opens a parcel calls a function that the parcel names, of a module of the same program.
"""

import dataclasses
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from safetensors.numpy import load, save

from podium.files import lists_stay

_PLAIN = "plain"


def pack(work: Callable[..., None], values: dict[str, Any]) -> bytes:
    """Put the name of ``work`` and ``values`` into bytes.

    A value is what JSON knows, a path, an array of numbers or truth values, or a table.
    """
    kinds: dict[str, str] = {}
    plain: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, value in values.items():
        match value:
            case pd.DataFrame():
                kinds[name], arrays[name] = "table", _bytes(value)
            case np.ndarray():
                kinds[name], arrays[name] = "array", np.ascontiguousarray(value)
            case Path():
                kinds[name], plain[name] = "path", str(value)
            case _:
                kinds[name], plain[name] = _PLAIN, value
    facts = {"work": [work.__module__, work.__qualname__], "kinds": kinds, "plain": plain}
    written = json.dumps(facts).encode()
    return save({**{f"value {name}": array for name, array in arrays.items()}, _PLAIN: _raw(written)})


def unpack(content: bytes) -> tuple[Callable[..., None], dict[str, Any]]:
    """Return what was packed."""
    arrays = load(content)
    facts = json.loads(arrays.pop(_PLAIN).tobytes())
    values: dict[str, Any] = {}
    for name, kind in facts["kinds"].items():
        match kind:
            case "table":
                values[name] = _table(arrays[f"value {name}"])
            case "array":
                values[name] = arrays[f"value {name}"]
            case "path":
                values[name] = Path(facts["plain"][name])
            case _:
                values[name] = facts["plain"][name]
    return named(*facts["work"]), values


def named(module: str, name: str) -> Any:
    """Return what is called ``name`` in a module."""
    return getattr(importlib.import_module(module), name)


def model_facts(model: Any) -> dict[str, Any]:
    """Return what a model that is not fitted yet is made of, for :func:`remade`."""
    kind = type(model)
    return {
        "kind": [kind.__module__, kind.__qualname__],
        "options": dataclasses.asdict(model.options),
        "classes": model.outputs,
        "seed": model.seed,
        "device": str(model.device),
    }


def remade(facts: dict[str, Any], *, device: str, threads: int) -> Any:
    """Make the same model for another device."""
    kind = named(*facts["kind"])
    options = kind.OPTIONS(**facts["options"])
    return kind(options, classes=facts["classes"], seed=facts["seed"], device=device, threads=threads)


def _raw(content: bytes | pa.Buffer) -> np.ndarray:
    return np.frombuffer(content, dtype=np.uint8)


def _bytes(frame: pd.DataFrame) -> np.ndarray:
    table = pa.Table.from_pandas(frame)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return _raw(sink.getvalue())


def _table(content: np.ndarray) -> pd.DataFrame:
    with pa.ipc.open_stream(pa.py_buffer(content)) as stream:
        return stream.read_pandas(types_mapper=lists_stay)
