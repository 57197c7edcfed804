"""Keys of the training loop that mean nothing beside others, or not what they seem to; in every kind it trains."""

import math
from collections.abc import Iterator
from fractions import Fraction

from podium.config import Reader, TextCnn, Transformer
from podium.config.training import AVERAGE_KEYS, Adversarial, Average, Timed
from podium.engine.loss_options import LossOptions, check
from podium.targets import AnyType, TaskType

Trained = Transformer | Reader | TextCnn
STEPPED = ("pgd", "pgd_rows", "freelb", "awp")
TIMED = ("adversarial", "mixup", "word_dropout", "r_drop", "distillation")


def training_checks(model: Trained, task: AnyType) -> Iterator[str]:
    """Mistakes in the keys that the kinds share, each after the key, for a ``task`` of its type."""
    if model.adversarial is not None:
        yield from _idle_adversarial(model.adversarial)
        yield from _still_table(model, model.adversarial.method)
    if model.average is not None:
        yield from _average(model.average, None if _steps(model) else model.epochs)
    if model.r_drop is not None:
        if model.dropout == 0 and getattr(model, "attention_dropout", 0) == 0:
            yield "r_drop: without dropout both passes are the same; set dropout above 0"
        if task == "regression":
            yield "r_drop: compares distributions over classes, and a regression has none; set it to null"
    yield from _late(model)
    if not isinstance(model, TextCnn):
        yield from _encoder(model)


def loss_checks(loss: LossOptions, task: TaskType) -> list[str]:
    """Mistakes in a settled loss."""
    return [f"loss.{mistake}" for mistake in check(loss, task, 2)]  # the classes are not counted yet


def _steps(model: Trained) -> int | None:
    return getattr(model, "steps", None)


def _idle_adversarial(block: Adversarial) -> Iterator[str]:
    for key in ("step_size", "steps"):
        if block.changed(key) and block.method not in STEPPED:
            yield f"adversarial.{key}: belongs to {', '.join(STEPPED)}, not to {block.method}; leave it out"
    if block.changed("random_start") and block.method != "freelb":
        yield f"adversarial.random_start: belongs to freelb, not to {block.method}; leave it out"


def _still_table(model: Trained, method: str) -> Iterator[str]:
    """Methods that move the table of words, where that stays as it is."""
    if method not in ("fgm", "pgd"):
        return
    if isinstance(model, TextCnn):
        fixed = "channels: static" if model.channels == "static" else None
    else:
        fixed = "lora" if model.lora is not None else "freeze_layers" if model.freeze_layers else None
    if fixed:
        yield (
            f"adversarial.method: with {fixed} the table of words does not train, so {method} does nothing; "
            f"use {method}_rows"
        )
    elif not isinstance(model, TextCnn) and model.unfreeze is not None:
        yield (
            f"adversarial.method: with unfreeze the table of words trains last, and {method} does nothing before; "
            f"use {method}_rows"
        )


def _average(block: Average, epochs: float | None) -> Iterator[str]:
    """``epochs`` is None where ``steps`` decide."""
    if block.changed("decay") and block.method != "ema":
        yield f"average.decay: belongs to ema, not to {block.method}; leave it out"
    if block.method != "swa":
        return
    start = AVERAGE_KEYS["swa"]["start"] if block.start is None else block.start
    left = None if epochs is None else (1 - Fraction(str(start))) * Fraction(str(epochs))
    if start == 1 or (block.every == "epoch" and left is not None and left < 1):
        yield (
            f"average: from start {start:g} on swa takes weights once only, after the last step; lower start, or "
            "leave every out"
        )


def _late(model: Trained) -> Iterator[str]:
    """Tricks that begin after the end; with ``steps`` only the run itself knows its epochs."""
    if _steps(model) is not None:
        return
    last = math.ceil(model.epochs)
    for key in TIMED:
        block = getattr(model, key, None)
        if isinstance(block, Timed) and block.from_epoch > last:
            yield f"{key}.from_epoch: {block.from_epoch} is after the last epoch, {last}; lower it"


def _encoder(model: Transformer | Reader) -> Iterator[str]:
    if model.dropout_samples > 1 and model.dropout == 0:
        yield "dropout_samples: with dropout 0 all samples are the same; set dropout above 0"
    if model.lora is not None:
        for key, usual in (("reinit_layers", 0), ("freeze_layers", 0), ("unfreeze", None)):
            if getattr(model, key) != usual:
                yield f"{key}: lora freezes the encoder's own layers; leave it out"
    elif model.unfreeze is not None and model.steps is None and model.unfreeze >= model.epochs:
        yield (
            f"unfreeze: with {model.unfreeze:g} epochs for each layer only the top one trains in {model.epochs:g}; "
            "lower it"
        )
