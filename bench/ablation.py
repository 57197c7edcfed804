"""Each trick of the training engine alone against the baseline: score, paired difference, CPU-seconds.

A difference is paired by seed. Finished runs are kept in ``--json FILE``, one line each: a stopped measurement is
started again with the same file. Tricks whose option the kind of model does not have are named and left out.
"""

from pathlib import Path
from typing import Any

from bench import engine, trial
from bench.accuracy import available, settings
from bench.common import arguments, show
from bench.runs import key_of, mean_and_error, plain_errors, run_all
from podium.errors import UserError, hint

TRICKS: dict[str, dict[str, Any]] = {
    # inputs
    "truncation tail": {"truncation": "tail"},
    "truncation head+tail": {"truncation": "head_tail"},
    "chunks, mean": {"long_texts": "chunks", "chunk_pooling": "mean"},
    "chunks, max": {"long_texts": "chunks", "chunk_pooling": "max"},
    "chunks, attention": {"long_texts": "chunks", "chunk_pooling": "attention"},
    # poolings and heads
    "pooling cls": {"pooling": "cls"},
    "pooling max": {"pooling": "max"},
    "pooling mean+max": {"pooling": "mean_max"},
    "pooling pooler": {"pooling": "pooler"},
    "pooling last 4 + pooler": {"pooling": "last4"},
    "pooling last 4, first token": {"pooling": "last4_cls"},
    "pooling weighted layers": {"pooling": "layers"},
    "pooling attention": {"pooling": "attention"},
    "pooling BiLSTM": {"pooling": "lstm"},
    "pooling transformer layer": {"pooling": "transformer"},
    "pooling task query": {"pooling": "query"},
    "multi-sample dropout": {"dropout_samples": 5},
    "re-initialised layer": {"reinit_layers": 1},
    # losses
    "balanced class weights": {"loss": {"class_weight": "balanced"}},
    "effective-number weights": {"loss": {"class_weight": "effective"}},
    "label smoothing": {"loss": {"smoothing": 0.1}},
    "logit adjustment": {"loss": {"logit_adjustment": 1.0}},
    "focal loss": {"loss": {"name": "focal"}},
    "soft F1": {"loss": {"name": "soft_f1"}},
    "symmetric cross-entropy": {"loss": {"name": "symmetric"}},
    "generalized cross-entropy": {"loss": {"name": "generalized"}},
    # optimisation
    "no layer-wise decay": {"layer_decay": 1.0},
    "layer-wise decay 0.9": {"layer_decay": 0.9},
    "head rate = encoder rate": {"head_learning_rate": 1e-4},
    "no weight decay": {"weight_decay": 0.0},
    "cosine schedule": {"schedule": "cosine"},
    "constant schedule": {"schedule": "constant"},
    "no warm-up": {"warmup": 0.0},
    "accumulation 2": {"accumulate": 2},
    "batches by tokens": {"batch_tokens": 4096},
    "gradual unfreezing": {"unfreeze": 0.2},
    "frozen embeddings and layer": {"freeze_layers": 1},
    "attention dropout 0.1": {"attention_dropout": 0.1},
    "fp32": {"precision": "fp32"},
    # robust training
    "FGM": {"adversarial": {"method": "fgm"}},
    "FGM by row": {"adversarial": {"method": "fgm_rows"}},
    "PGD": {"adversarial": {"method": "pgd"}},
    "PGD by row": {"adversarial": {"method": "pgd_rows"}},
    "FreeLB": {"adversarial": {"method": "freelb"}},
    "AWP": {"adversarial": {"method": "awp"}},
    "AWP from epoch 2": {"adversarial": {"method": "awp", "from_epoch": 2}},
    "EMA": {"average": {"method": "ema"}},
    "SWA": {"average": {"method": "swa", "every": 10}},
    "mixup, words": {"mixup": {"where": "words"}},
    "mixup, sentence": {"mixup": {"where": "sentence"}},
    "R-Drop": {"r_drop": {"alpha": 1.0}},
    "word dropout": {"word_dropout": {"rate": 0.05}},
    "best epoch": {"stopping": {"score": "loss"}},
    "LoRA": {"lora": {"rank": 8}, "learning_rate": 1e-3},
}
"""Every trick alone, as changes of the transformer's options."""

BASELINE = "baseline"
QUICK = {"rows": 200, "seeds": 1, "tricks": ["no layer-wise decay", "pooling cls"]}


def main() -> None:
    """Measure and print."""
    given = arguments(
        __doc__.splitlines()[0],
        data={"default": "r8", "help": "data set (python -m bench.data_sets lists them)"},
        rows={"type": int, "help": "training rows, a stratified subset; all where not given"},
        seeds={"type": int, "default": 3, "help": "number of seeds"},
        only={"help": "tricks, separated by commas; all where not given"},
        kind={"default": "transformer", "choices": ["transformer", "textcnn"], "help": "kind of model"},
        encoder={"type": Path, "help": "folder of the encoder; the default competition's where not given"},
        jobs={"type": int, "default": 2, "help": "processes at a time, one thread each"},
        set={"nargs": "+", "default": [], "metavar": "KEY=VALUE", "help": "options of every run"},
    )
    only: Any = [name.strip() for name in given.only.split(",")] if given.only else None
    rows, seeds = given.rows, given.seeds
    if given.quick:
        rows, seeds, only = rows or QUICK["rows"], QUICK["seeds"], only or QUICK["tricks"]
    if not available([given.data]):
        return
    shared = {**settings(given.set), **({"encoder": given.encoder} if given.encoder else {})}
    tricks = chosen(only, given.kind)
    specs = {
        (name, seed): trial.spec(given.data, seed, rows=rows, who=given.kind, **{**shared, **changes})
        for seed in range(seeds)  # one seed of every trick first: a stopped measurement compares all of them
        for name, changes in tricks.items()
    }
    results = run_all(specs.values(), trial.run, given.json, jobs=given.jobs)
    by_key = {key_of(spec): result for spec, result in results}
    found: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in tricks}
    for (name, seed), spec in specs.items():
        if key_of(spec) in by_key:
            found[name][seed] = by_key[key_of(spec)]
    if rows_ := table(found):
        show(rows_, {}, None)
    if len({result["code"] for _, result in results}) > 1:
        print("some runs are of another version of the code: begin a new file to compare like with like")


def chosen(only: list[str] | None, kind: str = "transformer") -> dict[str, dict[str, Any]]:
    """The baseline and the tricks asked for; those that the kind of model does not have are named and left out.

    Raises
    ------
    UserError
        A name asked for is no trick.
    """
    for name in only or []:
        if name not in TRICKS:
            raise UserError(f"there is no trick '{name}'; {hint(name, TRICKS)}")
    found: dict[str, dict[str, Any]] = {BASELINE: {}}
    for name, changes in TRICKS.items():
        if only is None or name in only:
            try:
                engine.options(kind, **changes)
            except UserError as error:
                print(f"left out: {name}: {error}")
            else:
                found[name] = changes
    return found


def table(found: dict[str, dict[int, dict[str, Any]]]) -> list[dict[str, Any]]:
    """One row a trick: ``found`` maps its name to its results by seed, the baseline's among them."""
    base = found[BASELINE]
    rows = []
    for name, results in found.items():
        seeds = results.keys() & base.keys()
        if not seeds:
            continue
        mean, error = mean_and_error(result["score"] for result in results.values())
        difference, its_error = mean_and_error(results[seed]["score"] - base[seed]["score"] for seed in seeds)
        cost = mean_and_error(results[seed]["cpu_seconds"] for seed in seeds)[0]
        rows.append(
            {
                "trick": name,
                "seeds": len(seeds),
                "mean": mean,
                "SE": error,
                "difference": difference,
                "SE of difference": its_error,
                "CPU-s": cost,
                "x baseline": cost / mean_and_error(base[seed]["cpu_seconds"] for seed in seeds)[0],
            }
        )
    return rows


if __name__ == "__main__":
    with plain_errors():
        main()
