"""Training in two processes of a CPU, against the same parts in one process, and what becomes of it in trouble."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from model_samples import options, rows_of, saved_bytes
from multitask_samples import make as make_joint
from multitask_samples import rows_of_tasks
from team_samples import TROUBLE, Trouble, Troubled

from podium import models
from podium.engine import checkpoint as checkpoints
from podium.errors import TrainingError
from podium.models.transformer import Model, Options
from podium.seeds import derive

TARGET = np.arange(37) % 3
ROWS = rows_of(TARGET)
SURE = {"epochs": 2, "dropout": 0.0, "attention_dropout": 0.0}


@pytest.fixture(autouse=True)
def _nobody_stays() -> Iterator[None]:
    threads = torch.get_num_threads()
    before = set(psutil.Process().children(recursive=True))  # those that other tests' libraries keep
    yield
    assert set(psutil.Process().children(recursive=True)) <= before
    assert not torch.distributed.is_initialized()
    torch.set_num_threads(threads)


def unfitted(encoder: Path, *, trouble: Trouble | None = None, threads: int = 2, **changes: Any) -> Model:
    given = Options(**options("transformer", encoder=str(encoder), **changes))
    kind = Model if trouble is None else Troubled
    if trouble is not None:
        os.environ[TROUBLE] = json.dumps(dataclasses.asdict(trouble))
    return kind(given, classes=3, seed=0, device="cpu", threads=threads)


def fitted(encoder: Path, *, scratch: Path | None = None, **changes: Any) -> Model:
    model = unfitted(encoder, **changes)
    model.fit(ROWS, TARGET, np.ones(len(TARGET)), scratch=scratch)
    return model


def close(found: Any, wanted: Any, *, atol: float = 1e-6) -> None:
    for name, tensor in wanted.network.state_dict().items():
        torch.testing.assert_close(found.network.state_dict()[name], tensor, atol=atol, rtol=0, msg=name)
    assert list(found.curve.columns) == list(wanted.curve.columns)
    for name in wanted.curve.columns:
        np.testing.assert_allclose(found.curve[name], wanted.curve[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_one_device_draws_as_ever(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that were trained before there were teams come out the same."""
    seeds, manual_seed = [], torch.manual_seed
    monkeypatch.setattr(torch, "manual_seed", lambda seed: (seeds.append(seed), manual_seed(seed))[1])
    steps = len(fitted(encoder, epochs=1).curve)
    assert seeds == [0, *(derive(0, "step", number) for number in range(steps))]


CASES: dict[str, dict[str, Any]] = {
    # one batch of an epoch is a single row: one process has none
    "odd": {"batch_size": 9, "adversarial": {"method": "fgm_rows"}, "unfreeze": 0.5},
    "tokens": {
        "batch_tokens": 96,
        "accumulate": 2,
        "average": {"method": "ema", "decay": 0.9},
        **{"long_texts": "chunks", "max_length": 8, "freeze_layers": 1, "gradient_checkpointing": True},
    },
    "stopping": {
        "stopping": {"share": 0.3, "patience": 1},
        "epochs": 8,
        "learning_rate": 1e-2,
        "schedule": "constant",
    },
}


@pytest.mark.parametrize("case", CASES)
def test_two_processes_train_what_one_does_in_twice_as_many_parts(encoder: Path, case: str) -> None:
    changes: dict[str, Any] = {**SURE, **CASES[case]}
    parts = 2 * changes.get("accumulate", 1)
    alone = fitted(encoder, threads=1, **{**changes, "accumulate": parts})
    together = fitted(encoder, devices=2, **changes)
    assert torch.get_num_threads() == 2
    close(together, alone)
    if case == "stopping":
        assert alone.curve["epoch"].max() < 7  # it did stop


@pytest.mark.parametrize("method", ["gradnorm", "dtp"])
def test_tasks_are_balanced_by_what_all_processes_see(encoder: Path, method: str) -> None:
    rows, target = rows_of_tasks()
    found = []
    for changes in ({"accumulate": 2}, {"devices": 2}):
        model = make_joint(encoder, **SURE, **changes, batch_size=7, balance={"method": method})
        model.threads = changes.get("devices", 1)
        model.fit(rows, target, np.ones(len(rows)))
        found.append(model)
    close(found[1], found[0], atol=1e-5)


def test_a_killed_process_ends_the_job_which_goes_on_to_the_same_bytes(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With dropout: each process has draws of its own, and the same ones again."""
    monkeypatch.setattr(checkpoints.Checkpoint.__init__, "__defaults__", (0.0,))
    changes: dict[str, Any] = {"devices": 2, "epochs": 2, "average": {"method": "ema", "decay": 0.9}}
    whole = fitted(encoder, **changes)
    with pytest.raises(TrainingError, match=r"process 2 of the 2 that share the job was killed \(SIGKILL\)"):
        fitted(encoder, scratch=tmp_path, trouble=Trouble("killed", 1, 6), **changes)
    assert (tmp_path / checkpoints.NAME).is_file()
    resumed = fitted(encoder, scratch=tmp_path, **changes)
    assert resumed.told["seconds"].isna().any()
    for name, model in (("a", whole), ("b", resumed)):
        models.save(model, tmp_path / name)
    assert saved_bytes(tmp_path / "a") == saved_bytes(tmp_path / "b")
    alone = fitted(encoder, threads=1, epochs=2, accumulate=2, average=changes["average"])
    assert not np.allclose(alone.curve["loss"], whole.curve["loss"], atol=1e-6)  # other draws


def test_memory_that_one_process_lacks_is_saved_by_both(encoder: Path, caplog: Any) -> None:
    alone = fitted(encoder, threads=1, accumulate=2, **SURE)
    short = fitted(encoder, devices=2, trouble=Trouble("memory", 1, 3, room=30), **SURE)
    assert [found["step"] for found in short.shortages] == [4]
    close(short, alone, atol=1e-5)


SCRIPT = """
import os, signal, sys
from pathlib import Path
import numpy as np
from podium.engine.team.leader import Leader
from test_team_training import Trouble, fitted
start = Leader._start
def started(self, *given):
    start(self, *given)
    print(*(process.pid for process in self._processes), flush=True)
Leader._start = started
fitted(Path(sys.argv[1]), devices=2, trouble=Trouble("killed", 0, 3))
"""


def test_nobody_outlives_the_job(encoder: Path) -> None:
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SCRIPT, str(encoder)]
    done = subprocess.run(command, env=os.environ | path, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (other,) = map(int, done.stdout.split())
    ends = time.monotonic() + 20
    while psutil.pid_exists(other) and psutil.Process(other).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < ends
        time.sleep(0.05)
