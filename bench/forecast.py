"""What a small run says of a whole one: the doctor's estimate against what the whole run took, in seconds of CPU.

``python -m bench.forecast SMALL WHOLE [CONFIG]``, in a folder with the data of the whole competition: two folders with
``results/`` of finished runs. Seconds of CPU, not of the clock, so that other work of the machine counts for little.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from bench.common import show
from podium.commands.layers import layered
from podium.forecast import ask, history, sizes
from podium.forecast.costs import Costs
from podium.forecast.estimate import Estimator
from podium.plans import Plans


def main() -> None:
    """Measure and print."""
    small, whole = (Path(name) / "results" for name in sys.argv[1:3])
    files = [Path(name) for name in sys.argv[3:]] or [Path("config.yaml")]
    plans = Plans(layered(files), Path())
    jobs, _ = ask.ask(files, Path())
    costs = Costs(plans, {task: sizes.planned(plan) for task, plan in plans.items()})
    with tempfile.TemporaryDirectory(prefix="podium-bench-") as scratch:
        earlier = history.of(plans, jobs, _in_cpu_seconds(small, Path(scratch, "results")))
    rows: list[dict[str, Any]] = []
    for name, known in (("earlier jobs", earlier), ("none", [])):
        estimator = Estimator(costs, known, [], on_gpu=False)
        told = took = 0.0
        for job in jobs:
            table = whole / Path(job.benchmark).relative_to("results")
            if table.is_file():
                told += estimator.of(job).seconds
                took += float(pd.read_csv(table, sep="\t")["cpu_time"].iloc[0])
        rows.append(
            {"from": name, "jobs": len(known), "estimate s": told, "took s": took, "ratio": told / took}
        )
    show(rows, {"rows": rows}, None)


def _in_cpu_seconds(results: Path, copy: Path) -> Path:
    """A copy of what the estimate reads of a run, with seconds of CPU for those of the clock."""
    for name in ("ingest", "benchmarks"):
        shutil.copytree(results / name, copy / name)
    for card in results.rglob("card.json"):
        target = copy / card.relative_to(results)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(card, target)
    for path in (copy / "benchmarks").rglob("*.tsv"):
        table = pd.read_csv(path, sep="\t")
        table.assign(s=table["cpu_time"]).to_csv(path, sep="\t", index=False)
    return copy


if __name__ == "__main__":
    main()
