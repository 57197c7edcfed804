"""Test score of the fast engine beside the same training without its short cuts. As a part of ``bench.training``.

The notebook's mathematics (fp32, random batches, attention dropout, one rate for all layers), the engine in fp32 with
attention dropout, and the engine as it comes: same seeds, same epochs, same peak rate. Finished runs are kept beside
``--json FILE`` in ``FILE.runs.jsonl``: a stopped measurement is started again with the same file.
"""

from pathlib import Path
from typing import Any

from bench import trial
from bench.common import show
from bench.runs import mean_and_error, run_all

WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "notebook": ("notebook", {}),
    "podium, fp32, attention dropout": ("transformer", {"precision": "fp32", "attention_dropout": 0.1}),
    "podium": ("transformer", {}),
}
QUICK = {"rows": 200, "seeds": 1}


def measure(given: Any) -> dict[str, Any]:
    """Train every way with every seed and print the table."""
    rows, seeds = (QUICK["rows"], QUICK["seeds"]) if given.quick else (given.rows, given.seeds)
    encoder = {"encoder": given.encoder} if given.encoder else {}
    length = min(given.lengths)
    specs = {
        (name, seed): trial.spec(
            given.data, seed, rows=rows, who=who, max_length=length, **encoder, **changes
        )
        for seed in range(seeds)
        for name, (who, changes) in WAYS.items()
    }
    file = Path(f"{given.json}.runs.jsonl") if given.json else None
    results = run_all(specs.values(), trial.run, file, jobs=given.jobs)
    if len(results) < len(specs):
        raise SystemExit("bench: a run failed; its message stands above")
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in WAYS}
    for (name, _), (_, result) in zip(specs, results, strict=True):
        found[name].append(result)
    table = [_row(name, mine, found["podium"]) for name, mine in found.items()]
    print(f"quality, {given.data}, max_length {length}, {rows or 'all'} training rows")
    show(table, {}, None)
    return {"max_length": length, "rows": rows, "ways": table, "runs": found}


def _row(name: str, mine: list[dict[str, Any]], podium: list[dict[str, Any]]) -> dict[str, Any]:
    mean, error = mean_and_error(result["score"] for result in mine)
    pairs = [ours["score"] - theirs["score"] for ours, theirs in zip(podium, mine, strict=True)]
    difference, its_error = mean_and_error(pairs)
    return {
        "training": name,
        "seeds": len(mine),
        "mean": mean,
        "SE": error,
        "podium minus it": difference,
        "SE of difference": its_error,
        "CPU-s": mean_and_error(result["cpu_seconds"] for result in mine)[0],
    }
