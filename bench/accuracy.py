"""Test score of one transformer member on official splits, beside published figures and a linear SVC.

Finished runs are kept in ``--json FILE``, one line each: a stopped measurement is started again with the same file.
"""

from pathlib import Path
from typing import Any

import yaml

from bench import data_sets, trial
from bench.common import arguments, show
from bench.runs import mean_and_error, plain_errors, run_all
from podium.errors import UserError, shown

QUICK_ROWS = 200


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        data={
            "nargs": "+",
            "default": ["r8", "r52", "20news"],
            "help": "data sets (python -m bench.data_sets)",
        },
        seeds={"type": int, "default": 3, "help": "number of seeds"},
        rows={"type": int, "help": "training rows, a stratified subset; all where not given"},
        encoder={"type": Path, "help": "folder of the encoder; the default competition's where not given"},
        jobs={"type": int, "default": 2, "help": "processes at a time, one thread each"},
        set={"nargs": "+", "default": [], "metavar": "KEY=VALUE", "help": "options of the transformer"},
    )
    rows = given.rows or (QUICK_ROWS if given.quick else None)
    names = available(given.data)
    changes = {**settings(given.set), **({"encoder": given.encoder} if given.encoder else {})}
    specs = []
    for name in names:
        specs += [trial.spec(name, seed, rows=rows, **changes) for seed in range(given.seeds)]
        specs.append(trial.spec(name, 0, rows=rows, who="linear_svc"))
    if specs and (found := table(run_all(specs, trial.run, given.json, jobs=given.jobs))):
        show(found, {}, None)


def available(names: list[str]) -> list[str]:
    """The data sets that are here; of the others a line says why not."""
    found = []
    for name in names:
        try:
            data_sets.load(name)
        except UserError as error:
            print(f"skipped: {shown(error)}")
        else:
            found.append(name)
    return found


def settings(pairs: list[str]) -> dict[str, Any]:
    """``KEY=VALUE`` pairs with values as in a config file."""
    return {name: yaml.safe_load(value) for name, _, value in (pair.partition("=") for pair in pairs)}


def table(results: list[tuple[dict[str, Any], Any]]) -> list[dict[str, Any]]:
    """One row a data set."""
    rows = []
    for name in dict.fromkeys(spec["data"] for spec, _ in results):
        mine = [result for spec, result in results if spec["data"] == name and spec["who"] == "transformer"]
        linear = [result for spec, result in results if spec["data"] == name and spec["who"] == "linear_svc"]
        if not mine:
            continue
        mean, error = mean_and_error(result["score"] for result in mine)
        published = ", ".join(f"{who} {value}" for who, value in data_sets.SOURCES[name].published.items())
        rows.append(
            {
                "data": name,
                "metric": mine[0]["metric"],
                "seeds": len(mine),
                "transformer": mean,
                "SE": error,
                "linear SVC": linear[0]["score"] if linear else float("nan"),
                "published": published,
                "CPU-s": mean_and_error(result["cpu_seconds"] for result in mine)[0],
            }
        )
    return rows


if __name__ == "__main__":
    with plain_errors():
        main()
