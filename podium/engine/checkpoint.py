"""Checkpoints of a fine-tuning run: one file, replaced as a whole, used by exactly the run that wrote it."""

import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from podium.files import write_atomically

log = logging.getLogger(__name__)


class Stateful(Protocol):
    """A part of a run with a state between steps, in plain tensors."""

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the state."""

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from ``state``."""


EVERY_SECONDS = 120.0
NAME = "checkpoint.safetensors"


class Checkpoint:
    """The latest state of one run in ``folder``; None keeps nothing.

    ``fingerprint`` names the run: settings, data, initial weights, code. A file with another one is never used.
    """

    def __init__(self, folder: Path | None, fingerprint: str, every_seconds: float = EVERY_SECONDS) -> None:
        self._path = folder / NAME if folder else None
        self.fingerprint, self._every = fingerprint, every_seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time to save again."""
        return self._path is not None and time.monotonic() - self._last >= self._every

    def save(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        extras: Mapping[str, Stateful],
        curve: list[dict[str, Any]],
    ) -> None:
        """Write weights, the optimizer's moments, the ``extras`` and the ``curve`` so far, in place of the old file."""
        if self._path is None:
            return
        tensors = {f"w:{name}": _plain(tensor) for name, tensor in network.state_dict().items()}
        for name, parameter in network.named_parameters():
            for key, tensor in optimizer.state.get(parameter, {}).items():
                tensors[f"{key}:{name}"] = _plain(tensor)
        for part, extra in extras.items():
            tensors |= {f"{part}/{name}": _plain(tensor) for name, tensor in extra.state_dict().items()}
        metadata = {"fingerprint": self.fingerprint, "curve": json.dumps(curve)}

        def write(path: Path) -> None:
            save_file(tensors, path, metadata=metadata)
            with path.open("rb") as written:
                os.fsync(written.fileno())

        write_atomically(self._path, write)
        self._last = time.monotonic()
        log.info("checkpoint after step %d", len(curve))

    def load(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, extras: Mapping[str, Stateful]
    ) -> list[dict[str, Any]]:
        """Restore what was saved, in place; return the curve up to there, empty where there is no checkpoint."""
        if self._path is None or not self._path.is_file():
            return []
        try:
            with safe_open(self._path, framework="pt") as saved:
                metadata = saved.metadata() or {}
                if metadata.get("fingerprint") != self.fingerprint:
                    log.info("a checkpoint of other settings, data or code is left unused")
                    return []
                tensors = {name: saved.get_tensor(name) for name in saved.keys()}  # noqa: SIM118 - no mapping
        except (SafetensorError, OSError) as error:
            log.warning("the checkpoint cannot be read (%s); training begins again", error)
            return []
        network.load_state_dict(
            {name[2:]: tensor for name, tensor in tensors.items() if name.startswith("w:")}
        )
        for name, parameter in network.named_parameters():
            keys = [key for key in ("step", "exp_avg", "exp_avg_sq") if f"{key}:{name}" in tensors]
            if keys:
                optimizer.state[parameter] = {
                    key: tensors[f"{key}:{name}"].to(parameter.device) for key in keys
                }
        for part, extra in extras.items():
            own = {name: tensor for name, tensor in tensors.items() if name.startswith(f"{part}/")}
            extra.load_state_dict({name.removeprefix(f"{part}/"): tensor for name, tensor in own.items()})
        curve: list[dict[str, Any]] = json.loads(metadata["curve"])
        log.info("resumed after step %d", len(curve))
        return curve


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().cpu().contiguous().clone()


def fingerprint(*parts: Any) -> str:
    """Digest of what makes a run: bytes, tensors, and values with a stable ``repr``."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, torch.Tensor):
            part = _plain(part).flatten().view(torch.uint8).numpy().tobytes()
        content = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()
