"""Run a script's ``main`` as one Snakemake job: arguments, log, user errors, orphan guard."""

import inspect
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from podium import devices, guard, mishaps, progress, stopwatch
from podium.errors import TrainingError, UserError, shown

# Name of an environment variable: the folder where copies of an object store's files lie, under their usual names.
# A block of params may name one of the rule's files, too; from there it does so rightly.
STORE = "PODIUM_STORE"


def run(main: Callable[..., None], snakemake: Any) -> None:
    """Call ``main`` with the rule's named inputs, outputs and logs (as ``Path``) and the keys of its params block.

    ``threads`` is the rule's where ``main`` takes it and the block does not set it. A ``UserError`` becomes one
    line and exit status 1.
    """
    started, cpu_before = time.time(), stopwatch.cpu_seconds()
    mistakes = guard.Mistakes(Path().absolute())
    _start_log(snakemake.log)
    guard.die_with(os.environ.get(guard.MAIN_PROCESS, ""), os.environ.get(guard.PULSE, ""))
    devices.ask(int(snakemake.resources.get("gpu", 0)))
    _start_note(snakemake)
    arguments: dict[str, Any] = {}
    store = Path(os.environ.get(STORE, "")).absolute()
    for files in (snakemake.input, snakemake.output, snakemake.log):
        arguments |= {name: _paths(value, store) for name, value in files.items()}
    os.chdir(store)
    arguments |= snakemake.params.get("block", {})
    if "threads" in inspect.signature(main).parameters and "threads" not in arguments:
        arguments["threads"] = snakemake.threads
    try:
        main(**arguments)
        _log_costs(started, cpu_before, snakemake.threads)
        progress.end("done")
    except BaseException as error:
        told = _told(error, snakemake)
        if isinstance(error, KeyboardInterrupt):  # a terminal sends Ctrl-C to the run and to its jobs
            progress.end("stopped")
        else:
            progress.end("failed", (told or f"{type(error).__name__}: {error}").partition("\n")[0])
        if told is None:
            raise
        logging.getLogger("podium").error("%s", told)
        mistakes.add(told)
        where = f" (log: {snakemake.log[0]})" if snakemake.log else ""
        sys.exit(shown(f"{told}{where}"))


def _start_note(snakemake: Any) -> None:
    """Let ``python -m podium watch`` see the job, in a run that has begun with a list of its jobs."""
    if snakemake.log and progress.FOLDER.is_dir():
        name = str(snakemake.log[0])
        facts = {"rule": snakemake.rule, "wildcards": dict(snakemake.wildcards.items())}
        progress.begin(
            progress.note_of(progress.FOLDER.absolute(), name),
            **{"log": name, "process": guard.this_process(), "threads": snakemake.threads, **facts},
        )


def _told(error: BaseException, snakemake: Any) -> str | None:
    """The words for an exception that is no fault of the program; None for any other."""
    if isinstance(error, TrainingError):
        named = dict(snakemake.wildcards.items())
        return ", ".join([*(f"{name} {value}" for name, value in named.items()), str(error)])
    if isinstance(error, UserError):
        return str(error)
    return mishaps.told(error) if isinstance(error, Exception) else None


def _log_costs(started: float, cpu_before: float, threads: int) -> None:
    """Say where the job's seconds went, its CPU seconds without imports and its peak of memory.

    ``bench.overhead`` and ``bench.scale`` read this line. Snakemake looks at a job every half second, and after a
    quarter of a minute every half minute: a long job's peak is in its tables by chance only.
    """
    before = started - psutil.Process().create_time()
    figures = {
        "total": time.time() - started + before,
        "imports": before + stopwatch.SECONDS["imports"],
        "files": stopwatch.SECONDS["files"],
        "CPU": stopwatch.cpu_seconds() - cpu_before - stopwatch.CPU_SECONDS["imports"],
    }
    shown = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in figures.items())
    logging.getLogger("podium").info(
        "done: threads %d, %s, memory %.0f MiB", threads, shown, stopwatch.peak_mebibytes()
    )


def _paths(value: Any, store: Path) -> Path | list[Path]:
    """Paths as the job finds them from ``store``, where it works."""
    if not isinstance(value, str):
        return [_inside(Path(item), store) for item in value]
    return _inside(Path(value), store)


def _inside(path: Path, store: Path) -> Path:
    if store == Path.cwd():
        return path
    path = path.absolute()
    return path.relative_to(store) if path.is_relative_to(store) else path


def _start_log(log: Any) -> None:
    """Send log records to the job's log file, which also gets uncaught tracebacks."""
    handlers: list[logging.Handler] = []
    if log:
        Path(log[0]).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(log[0], mode="w", encoding="utf-8"))
    else:
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
        handlers=handlers,
        force=True,
    )
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a full disk is told once, not by each line of the log
    previous = sys.excepthook

    def hook(kind: Any, error: Any, trace: Any) -> None:
        logging.getLogger("podium").error("the job failed", exc_info=(kind, error, trace))
        previous(kind, error, trace)

    sys.excepthook = hook
