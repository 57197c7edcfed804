"""Combinations of a transformer's keys that mean nothing, or not what they seem to."""

import re
from collections.abc import Iterator

from podium.config import Pseudo, Transformer
from podium.engine.loss_options import LossOptions
from podium.errors import brief
from podium.targets import TaskType
from podium.validation_training import loss_checks, training_checks

_HUB = re.compile(r"[A-Za-z0-9._-]{1,96}(/[A-Za-z0-9._-]{1,96})?")


def transformer_checks(name: str, model: Transformer, task: TaskType, pseudo: Pseudo) -> list[str]:
    """Mistakes in the block of the transformer ``name`` for a ``task`` of its type."""
    found = [*_idle(model), *training_checks(model, task), *_tricks(model, task, pseudo)]
    found += [*encoder_checks(model.encoder, model.revision)]
    found += loss_checks(LossOptions(**model.settled(task)["loss"]), task)
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
        if model.changed(key) and not effective:
            yield f"{key}: belongs to {owner}; leave it out"


def _tricks(model: Transformer, task: TaskType, pseudo: Pseudo) -> Iterator[str]:
    if model.mixup is not None and model.mixup.where == "words" and model.long_texts == "chunks":
        yield "mixup.where: words mixes rows token by token, and chunks of a row are several; use sentence"
    if model.distillation is not None and task == "regression":
        yield "distillation: compares distributions over classes, and a regression has none; set it to null"
    if model.distillation is not None and (pseudo.rounds == 0 or model.rounds == 0):
        yield "distillation: the teacher is the round before, so pseudo.rounds and rounds must be 1 or more"
    if model.stopping is not None and model.stopping.score != "loss" and task != "single_label":
        yield f"stopping.score: {model.stopping.score} is for single_label tasks; use loss"
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
