"""Whether reported scores can be trusted: labels at random, every rule of lineage broken once, hold-out parts.

Four parts, ``--only`` chooses: ``random`` (the full pipeline on permuted labels), ``leaks`` (each rule broken on
purpose), ``coupling`` (what stacking gains from labels that it should not know), ``holdout`` (reported against true
scores, and the gain of ensembles). Finished runs are kept beside the JSON file; the same command goes on after a stop.
"""

from pathlib import Path
from typing import Any

from bench.common import arguments, show
from bench.runs import plain_errors
from podium.files import write_json

PARTS = ("random", "leaks", "coupling", "holdout")


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        only={"nargs": "+", "choices": PARTS, "default": list(PARTS), "help": "parts to measure"},
        permutations={"type": int, "help": "permutations of the labels (20; quick: 3)"},
        jobs={"type": int, "default": 2, "help": "runs at a time, one thread each"},
    )
    permutations = given.permutations or (3 if given.quick else 20)
    kept = given.json and given.json.with_suffix(".runs.jsonl")
    found: dict[str, Any] = {}
    with plain_errors():
        for part in given.only:
            found |= measure(part, permutations, quick=given.quick, file=kept, jobs=given.jobs)
    if given.json:
        write_json(_finite(found), given.json)


def measure(part: str, permutations: int, *, quick: bool, file: Path | None, jobs: int) -> dict[str, Any]:
    """Measure one part, print its tables, and return its keys of the JSON."""
    if part == "random":
        from bench import honesty_random

        result = honesty_random.measure(permutations, file, jobs)
        show(result["figures"], {}, None)
        print(
            f"submitted: mean z {result['mean_z']:+.2f}, SD {result['sd_z']:.2f}, n {result['n']}, "
            f"Kolmogorov-Smirnov p {result['ks_p']:.2f}; mean score {result['mean_score']:.4f}, "
            f"chance {result['chance']:.4f}, standard error {result['se']:.4f}"
        )
        return {"random_labels": result}
    if part == "leaks":
        from bench import honesty_leaks

        rows = honesty_leaks.measure(permutations, file, jobs)
        show(rows, {}, None)
        print(f"rules of which every leak is caught: {honesty_leaks.caught(rows)} of 7")
        return {"leaks_caught": honesty_leaks.caught(rows), "leaks": rows}
    if part == "coupling":
        from bench import honesty_coupling

        rows = honesty_coupling.measure(3 * permutations, file, jobs)
        show(rows, {}, None)
        return {"coupling": rows}
    from bench import honesty_holdout, honesty_tables

    found = honesty_holdout.measure(quick, file, jobs)
    for name, table in honesty_tables.for_people(found).items():
        if table:
            print(f"\n{name}")
            show(table, {}, None)
    return found


def _finite(value: Any) -> Any:
    """The same without NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and value != value else value


if __name__ == "__main__":
    main()
