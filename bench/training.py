"""Fine-tuning speed beside the competition notebook and Hugging Face's Trainer, and as a share of the ceiling.

All contenders train the same encoder on the same documents in batches of 32, in one process, in turns; the first round
is discarded, and a ratio is the median over the rounds of (samples per CPU-second of the engine / of the contender).
Tokenising counts for all, loading a model for none. Every step of the notebook and of the Trainer's defaults costs the
same (they pad nearly every batch to the full length), so that they may take fewer batches of a round's documents.
A round's documents are drawn such that length grouping leaves the padding that it leaves on a whole training set
(``bench.padding``), for the engine and for the Trainer alike.

Flags such as ``--inference`` measure another part instead.
"""

import dataclasses
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import transformers

from bench import (
    data_sets,
    training_folds,
    training_gpu,
    training_inference,
    training_profile,
    training_quality,
)
from bench.baselines import BEST, DEFAULTS, HuggingFace, Notebook, Rows, Setting, token_counts
from bench.ceiling import Probe, Sizes, useful_flops
from bench.clock import Cost
from bench.common import arguments, show
from bench.engine import Podium, draw, precision
from bench.fresh import as_shipped
from bench.runs import plain_errors

BATCH = 32
WINDOW = 40  # batches
WARM = 8  # rows that warm up a slow contender
FIRST_ONLY = ("cls", "pooler")  # the last layer is needed for the first token only
SLOW = ("notebook", "trainer_default")  # a step of theirs costs the same whatever the documents are
SECTIONS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "inference": training_inference.measure,
    "folds": training_folds.measure,
    "profile": training_profile.measure,
    "quality": training_quality.measure,
    "gpu": training_gpu.measure,
}


class Contender(Protocol):
    """Whoever can train."""

    def train(self, rows: Rows, steps: int | None = None) -> Cost:
        """Take optimizer steps over ``rows``."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is measured: ``rounds`` that count, each of ``pool`` documents; slow contenders take fewer steps."""

    rounds: int
    pool: int
    slow_steps: int
    warm_up: int


QUICK = Plan(rounds=2, pool=256, slow_steps=1, warm_up=64)
FULL = Plan(rounds=3, pool=1280, slow_steps=8, warm_up=128)


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        data={"default": "r8", "help": "data set (python -m bench.data_sets lists them)"},
        encoder={"type": Path, "help": "folder of the encoder; the default competition's where not given"},
        lengths={"type": int, "nargs": "+", "default": [128, 256], "help": "max_length; ratios: the longest"},
        threads={"type": int, "default": 1, "help": "threads of each contender"},
        compile={"action": "store_true", "help": "let the Trainer's torch_compile take part (slow to start)"},
        **{
            "small-windows": {
                "action": "store_true",
                "help": "a Trainer with the windows it has on so few rows takes part, outside of the ratios",
            }
        },
        rows={"type": int, "help": "quality: training rows, a stratified subset"},
        seeds={"type": int, "default": 5, "help": "quality: number of seeds"},
        jobs={"type": int, "default": 2, "help": "quality: processes at a time"},
        **{name: {"action": "store_true", "help": f"measure {name} instead"} for name in SECTIONS},
    )
    wanted = [name for name in SECTIONS if getattr(given, name)]
    result = {name: SECTIONS[name](given) for name in wanted} if wanted else _training(given)
    show([{"torch": torch.__version__, **machine()}], {**result, "machine": machine()}, given.json)


def _training(given: Any) -> dict[str, Any]:
    """Compare at every length; the ratios proper are those of the longest."""
    data = data_sets.load(given.data)
    encoder = given.encoder or data_sets.encoder()
    plan = QUICK if given.quick else FULL
    by_length = {}
    for length in sorted(given.lengths):
        setting = Setting(encoder, len(data.labels), length, BATCH, given.threads)
        found = compare(
            data,
            setting,
            plan,
            compiled=given.compile,
            small_windows=given.small_windows,
            quick=given.quick,
        )
        print(f"{given.data}, max_length {length}, {given.threads} thread(s)")
        show(found.pop("table"), {}, None)
        print()
        by_length[str(length)] = found
    longest = max(given.lengths)
    return {
        "ratios": by_length[str(longest)]["ratios"],
        "max_length": longest,
        "data": given.data,
        "threads": given.threads,
        "plan": dataclasses.asdict(plan),
        "by_length": by_length,
    }


def compare(
    data: data_sets.DataSet,
    setting: Setting,
    plan: Plan,
    *,
    compiled: bool = False,
    small_windows: bool = False,
    quick: bool = False,
) -> dict[str, Any]:
    """Train all contenders in turns; return ratios and what they come from.

    ``quick`` keeps only the faster attention of the Trainer's best options, by the round that is discarded.
    """
    contenders: dict[str, Contender] = {
        "notebook": Notebook(setting),
        "trainer_default": HuggingFace(setting, DEFAULTS),
        "trainer_best_sdpa": HuggingFace(setting, BEST, attention="sdpa"),
        "trainer_best_eager": HuggingFace(setting, BEST, attention="eager"),
        "podium": Podium(setting, pooling="pooler"),  # the network of AutoModelForSequenceClassification
    }
    if compiled:
        contenders["trainer_best_compiled"] = HuggingFace(setting, {**BEST, "torch_compile": True})
    if small_windows:
        contenders["trainer_small_windows"] = HuggingFace(
            setting, BEST, attention="eager", small_windows=True
        )
    generator = np.random.default_rng(setting.seed)
    first, _ = _round(contenders, draw(data, plan.warm_up, generator), setting, slow_steps=None)
    if compiled:  # until no more shape is compiled
        contenders["trainer_best_compiled"].train(window(data, setting, plan.pool, generator))
    if quick:
        slower = min(("trainer_best_sdpa", "trainer_best_eager"), key=lambda name: first[name].rate)
        del contenders[slower]
    rounds = [
        _round(contenders, window(data, setting, plan.pool, generator), setting, plan.slow_steps)
        for _ in range(plan.rounds)
    ]
    return _summary([costs for costs, _ in rounds], [share for _, share in rounds])


def _round(
    contenders: dict[str, Contender], rows: Rows, setting: Setting, slow_steps: int | None
) -> tuple[dict[str, Cost], dict[str, Any]]:
    """Each contender once over ``rows``; the ceiling is probed before and after the engine's turn.

    Slow contenders take ``slow_steps`` steps; None only warms them up, with a few rows.
    """
    model: Any = next(one for one in contenders.values() if isinstance(one, Podium))
    lengths = token_counts(setting, rows)
    config = transformers.AutoConfig.from_pretrained(setting.encoder, local_files_only=True)
    chosen = model.options
    probe = Probe(
        Sizes.of(config), int(lengths.mean() * setting.batch_size), precision(chosen, setting.device)
    )
    costs, ceilings = {}, []
    for name, contender in contenders.items():
        if contender is model:
            ceilings.append(_probe(probe, setting))
        if name not in SLOW:
            costs[name] = contender.train(rows)
        elif slow_steps is None:
            costs[name] = contender.train(Rows(rows.texts[:WARM], rows.target[:WARM]))
        else:
            costs[name] = contender.train(rows, slow_steps)
        if contender is model:
            ceilings.append(_probe(probe, setting))
        _tell(name, costs[name])
    ceiling = statistics.mean(found.together for found in ceilings)
    flops = useful_flops(Sizes.of(config), lengths, first_only=chosen["pooling"] in FIRST_ONLY)
    share = {
        "flops_per_cpu_second": flops / costs["podium"].cpu_seconds,
        "ceiling": ceiling,
        "ceiling_of_best_shape": statistics.mean(found.best for found in ceilings),
        "tokens": int(lengths.sum()),
    }
    return costs, share


def window(data: data_sets.DataSet, setting: Setting, count: int, generator: np.random.Generator) -> Rows:
    """``count`` random training rows, of which length grouping makes batches as full as those of a whole window.

    A few hundred random rows would leave more padding than a training set does (``bench.padding``): the rows are those
    of every k-th batch of a window of ``WINDOW`` batches.
    """
    every = max(1, WINDOW * setting.batch_size // count)
    rows = draw(data, count * every, generator)
    if len(rows) < count * every:
        return Rows(rows.texts[:count], rows.target[:count])
    order = np.argsort(token_counts(setting, rows), kind="stable").reshape(-1, setting.batch_size)
    chosen = generator.permutation(order[generator.integers(every) :: every].ravel())
    return Rows([rows.texts[row] for row in chosen], rows.target[chosen])


def _probe(probe: Probe, setting: Setting) -> Any:
    with as_shipped(setting.threads):
        return probe.measure()


def _summary(costs: Sequence[dict[str, Cost]], shares: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians over the rounds: rates, ratios, the share of the ceiling."""
    names = list(costs[0])
    ratio = {
        name: statistics.median(round_["podium"].rate / round_[name].rate for round_ in costs)
        for name in names
    }
    best = min((name for name in names if name.startswith("trainer_best_")), key=lambda name: ratio[name])
    rate = {name: statistics.median(round_[name].rate for round_ in costs) for name in names}
    share = statistics.median(found["flops_per_cpu_second"] / found["ceiling"] for found in shares)
    per_sample = sum(found["tokens"] for found in shares) / sum(round_["podium"].samples for round_ in costs)
    return {
        "ratios": {
            "notebook": ratio["notebook"],
            "trainer_default": ratio["trainer_default"],
            "trainer_best": ratio[best],
            "gemm_share": share,
        },
        "trainer_best": best,
        "samples_per_cpu_second": rate,
        "tokens_per_sample": per_sample,
        "gemm_share_of_best_shape": statistics.median(
            found["flops_per_cpu_second"] / found["ceiling_of_best_shape"] for found in shares
        ),
        "rounds": [{name: dataclasses.asdict(cost) for name, cost in round_.items()} for round_ in costs],
        "shares": list(shares),
        "table": [
            {
                "contender": name,
                "samples / CPU-s": rate[name],
                "tokens / CPU-s": rate[name] * per_sample,
                "engine is faster by": ratio[name],
                "share of ceiling %": 100 * share / ratio[name],
            }
            for name in names
        ],
    }


def machine() -> dict[str, Any]:
    """What it was measured on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = {line.partition(":")[2].strip() for line in lines if line.startswith("model name")}
    except OSError:
        names = {platform.processor()}
    capability = torch.backends.cpu.get_cpu_capability()
    return {
        "cpu": ", ".join(sorted(names)),
        "capability": capability,
        "transformers": transformers.__version__,
    }


def _tell(name: str, cost: Cost) -> None:
    print(
        f"  {name}: {cost.samples} rows, {cost.cpu_seconds:.1f} CPU-s, {cost.wall_seconds:.1f} s",
        file=sys.stderr,
    )


if __name__ == "__main__":
    with plain_errors():
        main()
