"""Where a file or folder came from: rule, time, parameters, inputs, versions, log."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium import benchmarks, runs
from podium.config import Config
from podium.errors import UserError, hint
from podium.explain.current import Currency, currency
from podium.explain.keys import keys_of
from podium.explain.metadata import Record, records
from podium.files import read_json
from podium.runs import Run

_FOLD = re.compile(r"fold[0-9]+")
_ASKED = 200
"""Outputs that Snakemake is asked about at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A parameter of the job (its dotted name), the key of the config that says so or None, and its value."""

    name: str
    key: str | None
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An input, or ``files`` of one folder together: the path, the rule that made it, and when.

    In the path a star stands for the fold, and names of several files for each. ``rule`` is None of a file that no rule
    made. ``inputs`` are its own; ``told`` says that they stand elsewhere in the tree.
    """

    path: str
    files: int
    rule: str | None
    ended: float | None
    there: bool
    inputs: list["Input"]
    told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file or folder of a run.

    ``outputs`` are the records of what the workflow made here: the file, the folder that it lies in, or, of a folder
    with several, all in it; none where Snakemake's record is missing. Of one output the rest is known: ``seconds`` and
    ``memory`` (MiB at most), ``settings``, ``inputs``, ``card`` (what a training says of itself), ``run`` and ``logs``.
    """

    root: Path
    path: str
    size: int
    files: int
    outputs: list[Record]
    seconds: float | None
    memory: float | None
    settings: list[Setting]
    inputs: list[Input]
    card: dict[str, Any]
    run: Run | None
    logs: list[str]
    currency: Currency | None


def explain(path: Path, *, depth: int, check: bool, config_files: Sequence[str] | None) -> Artifact:
    """Explain a file or folder that is there.

    ``depth`` levels of inputs are followed. With ``check`` Snakemake is asked whether it would be made again, with
    ``config_files`` (None: those of the last run). Raises ``UserError`` for a path that is not there.
    """
    root = root_of(path)
    name = path.absolute().relative_to(root.absolute()).as_posix()
    known = records(root)
    if not path.exists():
        raise UserError(f"explain: there is no {path}; {hint(name, [*known, *_top(root)])}")
    outputs = _outputs(name, known)
    all_runs = runs.read_all(root / "results")
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    one = outputs[0] if _alike(outputs) else None
    asked = [record.output for record in outputs][:_ASKED] if check else []
    given = _last_files(all_runs) if config_files is None else config_files
    return Artifact(
        root=root,
        path=name,
        size=sum(file.stat().st_size for file in files),
        files=len(files),
        outputs=outputs,
        currency=currency(root, asked, config_files=given) if asked else None,
        **_of_job(one, root, known, all_runs, depth),
    )


def root_of(path: Path) -> Path:
    """The folder of the workflow that a path lies in: above its results/, else the nearest with records, else here."""
    whole = path.absolute()
    places = [parent for parent in (whole, *whole.parents) if parent.name == "results"]
    if places:
        return places[-1].parent
    return next((parent for parent in whole.parents if (parent / ".snakemake").is_dir()), whole.parent)


def _top(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in sorted((root / "results").glob("*"))]


def _outputs(name: str, known: Mapping[str, Record]) -> list[Record]:
    """The record of a path, of the output that it lies in, or of all outputs in it."""
    for place in (name, *(parent.as_posix() for parent in Path(name).parents)):
        if place in known:
            return [known[place]]
    return [record for output, record in known.items() if output.startswith(f"{name}/")]


def _alike(outputs: Sequence[Record]) -> bool:
    """Whether all outputs are of one job."""
    return len({(record.rule, record.started, tuple(record.logs)) for record in outputs}) == 1


def _of_job(
    one: Record | None, root: Path, known: Mapping[str, Record], all_runs: Sequence[Run], depth: int
) -> dict[str, Any]:
    """What is known of the job that made an output."""
    if one is None:
        empty: dict[str, Any] = {"settings": [], "inputs": [], "card": {}, "run": None, "logs": []}
        return {**empty, "seconds": None, "memory": None}
    run = None if one.started is None else runs.at(all_runs, one.started)
    config = run.config if run else config_of(root)
    seconds, memory = _benchmark(root, one)
    found = keys_of(one.rule, one.output, one.params or {}, config)
    return {
        "seconds": seconds,
        "memory": memory,
        "settings": _settings(found),
        "inputs": _tree(one.inputs, root, known, depth, {one.output}),
        "card": _card(root, one),
        "run": run,
        "logs": [log for log in one.logs if (root / log).is_file()],
    }


def _settings(found: Sequence[tuple[str, str | None, Any]]) -> list[Setting]:
    """Each key once; a job may be told of one twice."""
    once = {key or f"({name})": Setting(name=name, key=key, value=value) for name, key, value in found}
    return list(once.values())


def config_of(root: Path) -> dict[str, Any]:
    """The effective config of the results in a folder, else that of its config.yaml; none where neither is right."""
    from podium.validation import load
    from podium.yamlcheck import read_yaml

    for path in (root / "results" / runs.CONFIG, root / "config.yaml"):
        try:
            found: Config = load(read_yaml(path))
            return found.model_dump()
        except UserError:
            continue
    return {}


def _last_files(all_runs: Sequence[Run]) -> list[str]:
    return all_runs[-1].config_files if all_runs else []


def _benchmark(root: Path, one: Record) -> tuple[float | None, float | None]:
    """Seconds and MiB of a job: Snakemake's table beside its log, else the time between its marks."""
    for log in one.logs:
        took = benchmarks.read(root / benchmarks.of_log(log))
        if took is not None:
            return took.seconds, took.memory
    if one.started is None or one.ended is None:
        return None, None
    return one.ended - one.started, None


def _card(root: Path, one: Record) -> dict[str, Any]:
    """Plain facts of a training: rows by where they came from."""
    path = (root / one.output).parent / "card.json"
    if not path.is_file() or ("/train/" not in f"/{one.output}" and "/joint/" not in f"/{one.output}"):
        return {}
    card = read_json(path)
    return {key: card[key] for key in ("training_rows", "device", "threads") if key in card}


def _tree(
    paths: Sequence[str], root: Path, known: Mapping[str, Record], depth: int, told: set[str]
) -> list[Input]:
    """Inputs, those of one folder (and of all folds) together, each with its own; the jobs in ``told`` are told."""
    groups: dict[tuple[str | None, str], list[str]] = {}
    for path in paths:
        record = _record_of(path, known)
        folder = _FOLD.sub("fold*", str(Path(path).parent))
        groups.setdefault((record.rule if record else None, folder), []).append(path)
    found = []
    for (rule, folder), members in groups.items():
        record = _record_of(members[0], known)
        again = record is not None and _job_name(record) in told
        if record is not None:
            told.add(_job_name(record))
        below = [] if record is None or again or depth <= 1 else record.inputs
        found.append(
            Input(
                path=members[0] if len(members) == 1 else f"{folder}/{_names(members)}",
                files=len(members),
                rule=rule,
                ended=record.ended if record else None,
                there=(root / members[0]).exists(),
                inputs=_tree(below, root, known, depth - 1, told),
                told=again and depth > 1 and bool(record and record.inputs),
            )
        )
    return found


def _names(paths: Sequence[str]) -> str:
    """The names of some files of a folder, each once: ``{oof,test}.parquet``."""
    names = sorted({_FOLD.sub("fold*", Path(path).name) for path in paths})
    if len(names) == 1:
        return names[0]
    endings = {Path(name).suffix for name in names}
    if len(endings) == 1:
        return "{" + ",".join(Path(name).stem for name in names) + "}" + endings.pop()
    return "{" + ",".join(names) + "}"


def _job_name(record: Record) -> str:
    return f"{record.rule} {_FOLD.sub('fold*', ' '.join(record.logs))}"


def _record_of(path: str, known: Mapping[str, Record]) -> Record | None:
    found = _outputs(path, known)
    return found[0] if found else None
