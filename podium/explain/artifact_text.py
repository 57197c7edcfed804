"""An artifact's story as a person reads it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from podium.explain.artifact import Artifact, Input, Setting
from podium.explain.metadata import Record
from podium.explain.words import WIDTH, columns, counted, cut, labelled, moment, plain, size, table
from podium.readable import duration

_SHOWN, _BELOW = 20, 5
_LIBRARIES = ("snakemake", "torch", "transformers", "lightgbm", "scikit-learn", "numpy", "pandas", "pyarrow")


def text(artifact: Artifact) -> str:
    """The story in lines of at most 100 columns."""
    return "\n".join(_lines(artifact)) + "\n"


def _lines(artifact: Artifact) -> Iterator[str]:
    of = f"{counted(artifact.files, 'file')}, " if artifact.files != 1 else ""
    yield f"{artifact.path} ({of}{size(artifact.size)})"
    yield ""
    if not artifact.outputs:
        yield from labelled("made by", _unknown(artifact))
        return
    if artifact.settings or artifact.inputs or len(artifact.outputs) == 1:
        yield from _job(artifact)
    else:
        yield from _several(artifact.outputs)
    yield from _currency(artifact)


def _unknown(artifact: Artifact) -> str:
    if not artifact.path.startswith("results/"):
        return "no rule: it is yours, or Snakemake's record of it (.snakemake/metadata) is gone"
    if artifact.path.startswith(("results/logs/", "results/benchmarks/")):
        return "a job, beside its outputs: Snakemake keeps no record of logs and benchmarks"
    if artifact.path.removeprefix("results/") in ("config.yaml", "competition.txt"):
        return "the run itself, as it began or ended; no rule makes it"
    return (
        "not known: Snakemake has no record of it. It was made in another folder, or .snakemake/metadata was "
        "removed, or no rule makes it"
    )


def _job(artifact: Artifact) -> Iterator[str]:
    one = artifact.outputs[0]
    if one.output != artifact.path and not one.output.startswith(f"{artifact.path}/"):
        yield from labelled("part of", one.output)
    yield from labelled("made by", f"rule {one.rule}")
    memory = f", at most {artifact.memory:,.0f} MiB of memory" if artifact.memory else ""
    yield from labelled("made", f"{moment(one.ended)}, in {duration(artifact.seconds)}{memory}")
    yield from labelled("with", _versions(artifact))
    if artifact.card.get("training_rows"):
        rows = ", ".join(f"{count:,} of {part}" for part, count in artifact.card["training_rows"].items())
        yield from labelled("trained on", f"{rows} (rows)")
    for number, log in enumerate(artifact.logs):
        yield from labelled("" if number else "log", log)
    if artifact.settings:
        yield ""
        yield "settings (key of the config, or the job's own parameter in brackets)"
        yield from _settings(artifact.settings)
    elif one.params is None:
        yield from labelled("settings", "none: nothing in the config changes it")
    if artifact.inputs:
        yield ""
        yield "inputs"
        yield from _inputs(artifact.inputs, 1)


def _versions(artifact: Artifact) -> str:
    run = artifact.run
    if run is None:
        return "versions not recorded: results/logs/runs/ has no run that had begun by then"
    named = [f"{name} {run.versions[name]}" for name in _LIBRARIES if name in run.versions]
    return ", ".join([f"Python {run.versions.get('python', '?')}", *named])


def _settings(settings: Sequence[Setting]) -> Iterator[str]:
    """Those that a key of the config names first."""
    ordered = sorted(settings, key=lambda one: one.key is None)
    names = [one.key or f"({one.name})" for one in ordered]
    width = min(46, max(len(name) for name in names))
    for name, one in zip(names, ordered, strict=True):
        yield f"  {name:<{width}}  {cut(plain(one.value), WIDTH - max(width, len(name)) - 4)}"


def _inputs(inputs: Sequence[Input], level: int) -> Iterator[str]:
    shown = _SHOWN if level == 1 else _BELOW
    for one in inputs[:shown]:
        made = f"{one.rule}, {moment(one.ended)}" if one.rule else "yours" if one.there else "gone"
        line = f"{'  ' * level}{one.path}  <- {made}"
        if columns(line) <= WIDTH:
            yield line
        else:
            yield from (f"{'  ' * level}{part}" for part in (one.path, f"  <- {made}"))
        yield from _inputs(one.inputs, level + 1)
    if len(inputs) > shown:
        yield f"{'  ' * level}... and {len(inputs) - shown} more"


def _several(outputs: Sequence[Record]) -> Iterator[str]:
    """A folder of many outputs: how many each rule made, and when."""
    count = Counter(record.rule for record in outputs)
    rows = [("rule", "outputs", "first made", "last made")]
    for rule, number in count.items():
        ends = [record.ended for record in outputs if record.rule == rule and record.ended is not None]
        rows.append((rule, str(number), moment(min(ends, default=None)), moment(max(ends, default=None))))
    yield "made by several jobs; name one of the files to see its own story"
    yield ""
    yield from table(rows, before="  ", right=[1])


def _currency(artifact: Artifact) -> Iterator[str]:
    found = artifact.currency
    if found is None:
        return
    yield ""
    if found.unknown is not None:
        yield from labelled("current", f"not known: {found.unknown}")
        return
    if not found.again:
        yield from labelled("current", "yes: with the config as it is now it would not be made again")
        return
    reasons = Counter(found.again.values())
    if len(artifact.outputs) == 1 or (len(found.again) == len(artifact.outputs) and len(reasons) == 1):
        yield from labelled("current", f"no: {next(iter(reasons))}")
    else:
        told = "; ".join(f"{counted(number, 'output')}: {why}" for why, number in reasons.items())
        yield from labelled(
            "current", f"no: {len(found.again)} of {len(artifact.outputs)} would be made again ({told})"
        )
    if found.before:
        rest = f" and {len(found.before) - 3} more" if len(found.before) > 3 else ""
        yield from labelled("", f"before it would be made: {', '.join(found.before[:3])}{rest}")
