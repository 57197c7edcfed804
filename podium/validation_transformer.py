"""Combinations of a transformer's keys that mean nothing, or not what they seem to."""

import re
from collections.abc import Iterator

from podium.config import Pseudo, Transformer
from podium.config.base import Block
from podium.config.training import Adversarial, Average
from podium.engine.loss_options import LossOptions, check
from podium.errors import brief
from podium.targets import TaskType

_HUB = re.compile(r"[A-Za-z0-9._-]{1,96}(/[A-Za-z0-9._-]{1,96})?")
STEPPED = ("pgd", "pgd_rows", "freelb", "awp")


def transformer_checks(name: str, model: Transformer, task: TaskType, pseudo: Pseudo) -> list[str]:
    """Mistakes in the block of the transformer ``name`` for a ``task`` of its type."""
    found = [*_idle(model), *_tricks(model, task, pseudo), *encoder_checks(model.encoder, model.revision)]
    loss = LossOptions(**model.settled(task)["loss"])
    found += [f"loss.{mistake}" for mistake in check(loss, task, 2)]  # the classes are not counted yet
    return [f"models.{name}.{mistake}" for mistake in found]


def _idle(model: Transformer) -> Iterator[str]:
    """Keys that the user set and that another key's value leaves without any effect."""
    needs = {
        "max_cut": ("max_length: auto", model.max_length == "auto"),
        "head_share": ("truncation: head_tail", model.truncation == "head_tail"),
        "max_chunks": ("long_texts: chunks", model.long_texts == "chunks"),
        "chunk_overlap": ("long_texts: chunks", model.long_texts == "chunks"),
        "chunk_pooling": ("long_texts: chunks", model.long_texts == "chunks"),
    }
    for key, (owner, effective) in needs.items():
        if _changed(model, key) and not effective:
            yield f"{key}: belongs to {owner}; leave it out"
    if model.adversarial is not None:
        yield from _idle_adversarial(model.adversarial)
    if model.average is not None:
        yield from _idle_average(model.average)


def _changed(block: Block, key: str) -> bool:
    return bool(getattr(block, key) != type(block).model_fields[key].default)


def _idle_adversarial(block: Adversarial) -> Iterator[str]:
    for key in ("step_size", "steps"):
        if _changed(block, key) and block.method not in STEPPED:
            yield f"adversarial.{key}: belongs to {', '.join(STEPPED)}, not to {block.method}; leave it out"
    if _changed(block, "random_start") and block.method != "freelb":
        yield f"adversarial.random_start: belongs to freelb, not to {block.method}; leave it out"


def _idle_average(block: Average) -> Iterator[str]:
    if _changed(block, "decay") and block.method != "ema":
        yield f"average.decay: belongs to ema, not to {block.method}; leave it out"


def _tricks(model: Transformer, task: TaskType, pseudo: Pseudo) -> Iterator[str]:
    if model.dropout_samples > 1 and model.dropout == 0:
        yield "dropout_samples: with dropout 0 all samples are the same; set dropout above 0"
    if model.r_drop is not None and model.dropout == 0 and model.attention_dropout == 0:
        yield "r_drop: without dropout both passes are the same; set dropout above 0"
    for key in ("r_drop", "distillation"):
        if getattr(model, key) is not None and task == "regression":
            yield f"{key}: compares distributions over classes, and a regression has none; set it to null"
    if model.distillation is not None and (pseudo.rounds == 0 or model.rounds == 0):
        yield "distillation: the teacher is the round before, so pseudo.rounds and rounds must be 1 or more"
    if model.stopping is not None and model.stopping.score != "loss" and task != "single_label":
        yield f"stopping.score: {model.stopping.score} is for single_label tasks; use loss"
    fixed = "lora" if model.lora is not None else "freeze_layers" if model.freeze_layers else None
    if model.adversarial is not None and fixed and model.adversarial.method in ("fgm", "pgd"):
        yield (
            f"adversarial.method: with {fixed} the table of words does not train, so {model.adversarial.method} "
            f"does nothing; use {model.adversarial.method}_rows"
        )
    if model.lora is not None:
        for key, usual in (("reinit_layers", 0), ("freeze_layers", 0), ("unfreeze", None)):
            if getattr(model, key) != usual:
                yield f"{key}: lora freezes the encoder's own layers; leave it out"
    if isinstance(model.max_length, int) and model.chunk_overlap >= model.max_length - 2:
        yield f"chunk_overlap: {model.chunk_overlap} leaves no room for new tokens in max_length {model.max_length}"


def encoder_checks(encoder: str, revision: str | None) -> Iterator[str]:
    """Mistakes in the two keys that name an encoder."""
    if encoder.startswith((".", "/", "~", "data/")) or encoder.count("/") > 1:
        if revision is not None:
            yield f"revision: only for names on the Hub, but encoder is the folder {encoder}"
    elif not encoder or any(char.isspace() for char in encoder):
        yield f"encoder: {brief(encoder)!r} is neither a folder nor a Hub name"
    elif not _HUB.fullmatch(encoder):
        yield f"encoder: {brief(encoder)!r} is no Hub name; write ./ before the name of a folder"
    if re.search(r"[{}\x00-\x1f\x7f]", encoder):
        yield f"encoder: {brief(encoder)!r} holds characters that are not allowed here"
