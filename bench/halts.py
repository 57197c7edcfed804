"""Jobs that stop at a chosen moment and wait there to be killed, and a diary of what every job does.

For ``bench.crash`` alone: ``python bench/warm.py --halt MOMENT`` calls ``plant`` in every job, and nothing in the
workflow knows of it. The first job that comes to the moment makes the file ``halted`` and goes no further.
"""

import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FOLDER = "PODIUM_CRASH"
"""Name of the environment variable with the folder of ``halted`` and of the diary."""
INTERVAL = 10
"""Steps between two checkpoints, where the product counts seconds."""


def plant(moment: str, rule: str) -> None:
    """Keep the diary in this job of ``rule``, and halt where its ``moment`` (``NAME`` or ``NAME:RULE``) comes."""
    _note_job(rule)
    if rule in ("train_fold", "refit_fold"):
        _count_steps()
    if moment == "none":
        _note_tables(rule)
    name, _, wanted = moment.partition(":")
    if name in MOMENTS and wanted in ("", rule):
        MOMENTS[name]()


def note(line: str) -> None:
    """Add a line to the diary; one write, so that jobs at the same time do not mix."""
    with (Path(os.environ[FOLDER]) / "diary").open("ab", buffering=0) as diary:
        diary.write(f"{line}\n".encode())


def halt() -> None:
    """Wait to be killed, in the first job that comes here; the others go on."""
    try:
        (Path(os.environ[FOLDER]) / "halted").open("x").close()
    except FileExistsError:
        return
    while True:
        time.sleep(1)


def _note_job(rule: str) -> None:
    """Note that the job begins, by its rule and its log."""
    from scripts import job

    jobs: Any = job
    run = jobs.run

    def noted(main: Any, snakemake: Any) -> None:
        note(f"job {rule} {snakemake.log[0]}")
        run(main, snakemake)

    jobs.run = noted


def _note_tables(rule: str) -> None:
    """Note that a job of the rule writes a table."""
    import pandas as pd

    kind: Any = pd.DataFrame
    to_parquet = kind.to_parquet

    def noted(self: Any, *given: Any, **more: Any) -> Any:
        note(f"table {rule}")
        return to_parquet(self, *given, **more)

    kind.to_parquet = noted


def _count_steps() -> None:
    """Note each training step that is done, and save a checkpoint every ``INTERVAL`` steps."""
    from podium.engine import checkpoint, loop

    step, made = loop.Finetuning._step, [0]
    kind: Any = loop.Finetuning
    saved: Any = checkpoint.Checkpoint

    def noted(self: Any, epoch: int, batch: Any) -> Any:
        done = step(self, epoch, batch)
        note(f"step {self.checkpoint._path} {done['step']}")
        made[0] += 1
        return done

    def due(self: Any) -> bool:
        return self._path is not None and made[0] % INTERVAL == 0

    kind._step, saved.due = noted, due


def in_training() -> None:
    """Within a training step, its gradients half done."""
    from podium.engine import objective

    kind: Any = objective.Objective
    accumulate, calls = kind.accumulate, itertools.count()

    def halting(self: Any, *given: Any) -> Any:
        if next(calls) == INTERVAL + INTERVAL // 2:
            halt()
        return accumulate(self, *given)

    kind.accumulate = halting


def in_checkpoint() -> None:
    """Within the second checkpoint of a fold: half of the new file beside the whole old one."""
    from podium.engine import checkpoint

    module: Any = checkpoint
    save, calls = module.save_file, itertools.count()

    def halting(tensors: Any, path: Path, **more: Any) -> None:
        save(tensors, path, **more)
        if next(calls):
            _halve(path)
            halt()
            save(tensors, path, **more)

    module.save_file = halting


def after_training() -> None:
    """Between the last training step of a transformer's fold and its first file."""
    from podium import models

    module: Any = models
    save = module.save

    def halting(model: Any, folder: Path) -> None:
        if isinstance(model, models.Stepwise):
            halt()
        save(model, folder)

    module.save = halting


def in_model() -> None:
    """Within a folder of outputs: the model is there, its card is not."""
    from podium import files

    write = files.write_json

    def halting(value: Any, path: Path) -> None:
        if path.name == "card.json":
            halt()
        write(value, path)

    files.write_json = halting


def in_table() -> None:
    """Within a Parquet write: half of the file under its temporary name."""
    import pandas as pd

    kind: Any = pd.DataFrame
    to_parquet = kind.to_parquet

    def halting(self: Any, path: Any, *given: Any, **more: Any) -> Any:
        done = to_parquet(self, path, *given, **more)
        if isinstance(path, Path) and not (Path(os.environ[FOLDER]) / "halted").exists():
            _halve(path)
            halt()
            to_parquet(self, path, *given, **more)
        return done

    kind.to_parquet = halting


def in_translation() -> None:
    """While a program of Apertium runs for the job."""
    from podium.translation import apertium

    run, calls = apertium._run, itertools.count()

    def halting(stage: list[str], units: Any) -> Any:
        if next(calls) == 2:
            with subprocess.Popen(stage, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL):
                halt()
        return run(stage, units)

    apertium._run = halting


def in_cache() -> None:
    """Within the transaction that keeps a batch of translations."""
    from podium.translation import cache

    kind: Any = cache.Cache

    def halting(self: Any, texts: dict[bytes, str]) -> None:
        with self._connection:
            self._connection.executemany("INSERT OR IGNORE INTO translations VALUES (?, ?)", texts.items())
            halt()

    kind.put = halting


def _halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


MOMENTS: dict[str, Callable[[], None]] = {
    "training": in_training,
    "checkpoint": in_checkpoint,
    "trained": after_training,
    "model": in_model,
    "table": in_table,
    "translation": in_translation,
    "cache": in_cache,
}


def read(folder: Path) -> Iterator[list[str]]:
    """The lines of the diary in ``folder``, each cut into its words."""
    diary = folder / "diary"
    for line in diary.read_text(encoding="utf-8").splitlines() if diary.is_file() else []:
        yield line.split(" ")
