"""What earlier jobs of this folder took, set beside what they had to do."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from podium import benchmarks
from podium.files import read_json
from podium.forecast import rates, work
from podium.forecast.costs import JOINT, TRAINING, Cost, Costs, card, fitted
from podium.forecast.jobs import Job
from podium.forecast.rates import Seen
from podium.forecast.sizes import past
from podium.plans import Plans


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An earlier job: what it cost by our figures, and the ``seconds`` and ``memory`` (MB) that it took."""

    cost: Cost
    seconds: float
    memory: float

    def seen(self) -> Seen:
        """The same for ``rates``."""
        usual = self.cost.usual
        return Seen(
            family=usual.family,
            own=self.cost.own,
            start=usual.start,
            amount=self.cost.work.amount,
            seconds=self.seconds,
        )


def of(plans: Plans, jobs: Iterable[Job], results: Path) -> list[Past]:
    """Earlier jobs of the config's rules, whose tables of time are in ``results/benchmarks``.

    What a training had to do is told by its card, so that other rows and options than today's do no harm; of other jobs
    by the tables of rows that the run left.
    """
    sizes = {task: size for task, plan in plans.items() if (size := past(plan, results)) is not None}
    found = []
    for job in jobs:
        took = benchmarks.read(results / Path(job.benchmark).relative_to("results"))
        tasks = _tasks(job, plans)
        if took is None or not set(tasks) <= set(sizes) or job.rule.startswith("fetch_"):
            continue
        costs = Costs(plans, sizes)
        try:
            cost = _told(job, costs, results) or (costs.of(job) if _fresh(job, tasks, results) else None)
        except (KeyError, TypeError, ValueError):  # made by a config of another form
            continue
        if cost is None:
            continue
        found.append(Past(cost=cost, seconds=took.seconds, memory=took.memory or 0.0))
    return found


def _fresh(job: Job, tasks: list[str], results: Path) -> bool:
    """Whether a job ran after the tables of rows were made that are there now; else nobody knows how many it read."""
    ran = (results / Path(job.benchmark).relative_to("results")).stat().st_mtime
    tables = [path for task in tasks for path in (results / "ingest" / task).glob("*.parquet")]
    return job.rule.startswith("ingest") or all(path.stat().st_mtime <= ran for path in tables)


def _tasks(job: Job, plans: Plans) -> list[str]:
    if "task" in job.wildcards:
        return [job.wildcards["task"]]
    return plans.joint_tasks(job.wildcards["member"]) if "member" in job.wildcards else list(plans)


def _told(job: Job, costs: Costs, results: Path) -> Cost | None:
    """The cost of a training or pretraining by what it wrote of itself."""
    given = dict(job.wildcards)
    if job.rule == "pretrain_encoder":
        return _pretrained(given["pretraining"], costs, results)
    if job.rule not in (*TRAINING, *JOINT) or "refit" in job.rule:
        return None
    said = card(results, job.short)
    if said is None:
        return None
    tasks = costs.plans.joint_tasks(given["member"]) if job.rule in JOINT else [given["task"]]
    plan, kind = costs.plans[tasks[0]], str(said["kind"])
    rows, held = _sum(said["training_rows"]), _sum(_rows(said["held_out"]))
    whole = sum(costs.sizes[task].part("train").rows for task in tasks)
    each = [
        costs.fitting(
            *(plan, given["member"], kind, said["options"], costs.sizes[task]),
            *(part * rows, part * held),
        )
        for task in tasks
        for part in [costs.sizes[task].part("train").rows / max(1, whole)]
    ]
    amount, memory = sum(one.amount for one in each), max(one.memory for one in each)
    done = work.Work(amount=amount, memory=memory)
    return Cost(usual=fitted(kind), work=done, own=f"fit {given['member']}")


def _pretrained(name: str, costs: Costs, results: Path) -> Cost | None:
    try:
        told = read_json(results / "pretrain" / name / "facts.json")
        read = float(told["last"]["tokens"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    settings = costs.plans.first.pretrain(name)["settings"]
    shape = costs._pretrained_shape(name)
    done = work.pretrained(read, shape, float(settings.get("rate") or 0.15), settings["batch_tokens"])
    return Cost(usual=rates.TRAIN["network"], work=done, own=f"pretrain {name}")


def _rows(held_out: Any) -> Any:
    """The rows that were held out, of one task or of several."""
    if isinstance(held_out, dict) and "rows" not in held_out:
        return {task: facts["rows"] for task, facts in held_out.items()}
    return held_out["rows"]


def _sum(value: Any) -> float:
    return float(sum(_sum(one) for one in value.values())) if isinstance(value, dict) else float(value)


def memory_factor(found: Sequence[Past], cost: Cost) -> float:
    """Memory that jobs took against what our figures say: of the same member, else of the same family.

    Jobs with less than half of the work of this one show no peak: they can only raise what is expected.
    """
    family = [one for one in found if one.cost.usual.family == cost.usual.family and one.memory]
    same = [one for one in family if one.cost.own == cost.own] or family
    alike = [one for one in same if one.cost.work.amount >= cost.work.amount / 2]
    ratios = sorted(one.memory / expected(one.cost) for one in alike or same)
    if not ratios:
        return 1.0
    return min(4.0, max(0.3 if alike else 1.0, ratios[len(ratios) // 2]))


def expected(cost: Cost) -> float:
    """Megabytes of a job by the usual figures."""
    return cost.usual.memory + cost.usual.megabytes * cost.work.memory
