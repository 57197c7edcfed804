"""Rows per second of every step of a text view, and the memory of a view of a million rows.

The rows are short texts of the English and Chinese data sets that are here (``python -m bench.data_sets``), every third
with what a tweet has besides words. A step is measured on all of them, its first look at every word included. The long
files repeat the rows with a number behind each; each is made in a process of its own, whose peak memory is read when it
ends. With ``--quick``, a tenth of everything.
"""

import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.common import ROOT, arguments, show
from bench.data_sets import load
from podium.config.text import plain_steps
from podium.errors import UserError
from podium.text import STEP_NAMES, steps, stream, write_view
from podium.text.same import digests, first_rows
from podium.text.steps import apply, pipeline

SETS = {"en": ("mr", "r8"), "zh": ("tnews", "cic")}
TAIL = " RT @some_one: http://t.co/a1B2c3 #topic 👍🏽 :-) 10:30 &amp; a@b.com soooo"
WORDNET = ROOT / "data/wordnet"
ROWS, LONG = 20_000, (100_000, 1_000_000)
VIEWS: dict[str, list[Any]] = {
    "[]": [],
    "[drop_duplicates]": ["drop_duplicates"],
    "clean of config.yaml": ["nfkc", "emoji", "urls", "mentions", "lowercase", "lemmas", "whitespace"],
}


def main() -> None:
    """Measure and print, or, with ``--view``, make one view and print its peak memory."""
    given = arguments(
        __doc__.splitlines()[0],
        view={"help": "internal: VIEW"},
        folder={"type": Path},
        processes={"type": int},
    )
    if given.view:
        _view(given.folder, given.view, given.processes)
        return
    share = 10 if given.quick else 1
    texts = {
        language: list(itertools.islice(_short(names), ROWS // share)) for language, names in SETS.items()
    }
    rows = [{"step": step, **{f"rows/s {name}": _speed(step, name, texts[name]) for name in texts if texts[name]}}
            for step in STEP_NAMES]  # fmt: skip
    show(rows, {}, None)
    print()
    long = list(_long(texts["en"] or texts["zh"], [count // share for count in LONG]))
    show(
        long,
        {"steps": rows, "files": long, "rows": {name: len(some) for name, some in texts.items()}},
        given.json,
    )


def _short(names: tuple[str, ...]) -> Iterator[str]:
    """Texts of the data sets that are here, the first 200 characters of each."""
    for name in names:
        try:
            data = load(name)
        except UserError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        for number, text in enumerate(data.train["text_a"]):
            yield text[:200] + TAIL * (number % 3 == 0)


def _speed(step: str, language: str, texts: list[str]) -> float:
    """Rows per second of one core: the best of three, each with nothing remembered."""
    seconds = []
    for _ in range(3):
        if step == "drop_duplicates":
            started = time.process_time()
            first_rows(digests([texts]))
        else:
            steps._made.cache_clear()
            functions = pipeline(plain_steps([step]), language=language, wordnet=_wordnet())
            started = time.process_time()
            apply(functions, texts)
        seconds.append(time.process_time() - started)
    return len(texts) / min(seconds)


def _wordnet() -> Path | None:
    return WORDNET if (WORDNET / "corpora/wordnet/data.noun").is_file() else None


def _long(texts: list[str], counts: list[int]) -> Iterator[dict[str, Any]]:
    """Seconds and peak memory of views of long files."""
    with tempfile.TemporaryDirectory(prefix="podium-bench-") as scratch:
        for count in counts:
            folder = Path(scratch) / str(count)
            folder.mkdir()
            _write(texts, count, folder / "rows.parquet")
        runs = [(view, count, 1) for view in VIEWS for count in counts] + [(list(VIEWS)[-1], counts[-1], 2)]
        for view, count, processes in runs:
            command = [
                sys.executable,
                "-m",
                "bench.text_steps",
                "--view",
                view,
                "--processes",
                str(processes),
            ]
            started, used = time.perf_counter(), _used()
            done = subprocess.run(
                [*command, "--folder", str(Path(scratch) / str(count))],
                cwd=ROOT,
                check=True,
                capture_output=True,
            )
            yield {
                "view": view,
                "rows": count,
                "processes": processes,
                "seconds": time.perf_counter() - started,
                "CPU seconds": _used() - used,
                "peak MB": float(done.stdout),
            }


def _used() -> float:
    """CPU seconds of the processes that this one started, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _write(texts: list[str], count: int, path: Path) -> None:
    schema = pa.schema([("id", pa.string()), ("text_a", pa.string())])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, count, stream.BATCH_ROWS):
            numbers = range(start, min(start + stream.BATCH_ROWS, count))
            rows = {
                "id": [str(k) for k in numbers],
                "text_a": [f"{texts[k % len(texts)]} {k}" for k in numbers],
            }
            writer.write_table(pa.table(rows, schema=schema))


def _view(folder: Path, view: str, processes: int) -> None:
    """Make a view in this process and print its peak memory in MB."""
    wanted, out = plain_steps(VIEWS[view]), folder / "view.parquet"
    write_view(
        folder / "rows.parquet", out, steps=wanted, language="en", wordnet=_wordnet(), processes=processes
    )
    print(_peak() / 1e6)


def _peak() -> float:
    """Peak memory in bytes; the system's own count of a process would include the process that started it."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024.0


if __name__ == "__main__":
    main()
