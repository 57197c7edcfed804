"""Snakemake whose Python jobs begin as copies of one process that has imported everything.

A job that is started the usual way imports pandas, scikit-learn or torch for seconds before it works for a few
tenths of one; in a measurement of hundreds of tiny jobs that is nearly all of the time. The workflow, its rules, its
scripts and their files are the same here, and each job still has a process of its own.

    python bench/warm.py --cores 2 all          # in the folder of a clone, whose own podium and scripts are run
    python bench/warm.py --leak 5 --cores 2 all # with a rule of lineage broken on purpose (bench.leaks)
    python bench/warm.py --halt training all    # with a job that waits to be killed (bench.halts)
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import threading
import traceback
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: Jobs are forked by a server without threads: a copy of Snakemake's own process may hold a lock for ever.
SERVER = multiprocessing.get_context("forkserver")
#: Who starts a process asks of all others whether they have ended, and an end can be asked for once only.
ONE_AT_A_TIME = threading.Lock()
#: A file beside this one whose ``plant`` is called in every job, and what is asked of it.
Planted = tuple[str, int | str] | None


def main(arguments: list[str]) -> None:
    """Run Snakemake in the current folder with ``arguments``; does not return."""
    sys.path[0] = str(Path.cwd())
    planted: Planted = None
    if arguments[:1] == ["--leak"]:
        planted, arguments = ("leaks.py", int(arguments[1])), arguments[2:]
    elif arguments[:1] == ["--halt"]:
        planted, arguments = ("halts.py", arguments[1]), arguments[2:]
    from snakemake import cli
    from snakemake.script import PythonScript

    PythonScript.execute_script = _forked(planted)
    sys.argv = ["snakemake", *arguments]
    cli.main()


def _preload(config: dict[str, Any]) -> list[str]:
    """Modules that the jobs will import: the scripts, and the kinds of model of the config."""
    from podium.models import KINDS

    given = config.get("models", {}).values()
    # These import torch, seconds that a competition without networks need not spend
    asked = {
        **dict.fromkeys(("pretrain", "start_encoder"), config.get("pretrain")),
        "fuse": any("fuse" in model for model in given),
    }
    names = {path.stem for path in Path("scripts").glob("*.py")} - {"__init__"}
    scripts = sorted(name for name in names if asked.get(name, True))
    kinds = {str(model.get("kind")) for model in given}
    return [f"scripts.{name}" for name in scripts] + [
        KINDS[kind].module for kind in sorted(kinds & set(KINDS))
    ]


def _forked(planted: Planted) -> Any:
    """A replacement for ``PythonScript.execute_script``."""

    def execute_script(self: Any, fname: str, edit: bool = False) -> None:
        from snakemake.benchmark import benchmarked

        SERVER.set_forkserver_preload(
            _preload(self.config)
        )  # heard by the first job only, which starts the server
        awaited, begin = SERVER.Pipe(duplex=False)
        job = SERVER.Process(target=_work, args=(fname, self.rulename, planted, awaited))
        with ONE_AT_A_TIME:
            job.start()
        with benchmarked(job.pid, self.bench_record):
            begin.send(True)  # before, it might have ended before anybody looks at it
            wait([job.sentinel])
        with ONE_AT_A_TIME:
            job.join()
        if job.exitcode:
            raise subprocess.CalledProcessError(job.exitcode, f"{sys.executable} {fname}")

    return execute_script


def _work(script: str, rule: str, planted: Planted, awaited: Connection) -> None:
    awaited.recv()
    os._exit(_run(script, rule, planted))


def _run(script: str, rule: str, planted: Planted) -> int:
    """In the job's own process: the script to its end; return the exit status."""
    try:
        if planted is not None:
            file, what = planted
            sys.path.append(str(HERE.parent))
            runpy.run_path(str(HERE / file))["plant"](what, rule)
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    main(sys.argv[1:])
